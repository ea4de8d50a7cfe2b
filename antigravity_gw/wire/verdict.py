"""What an upstream reply means: whose fault it is, and what to do about it."""

from collections.abc import Mapping
from enum import Enum, auto

from attrs import define, frozen

from antigravity_gw.errors import GatewayError
from antigravity_gw.wire import durations
from antigravity_gw.wire.google import GoogleError


class Blame(Enum):
    """Whose fault a failed call is, and so where the next one goes."""

    REQUEST = auto()
    """The client's: upstream's error is the answer, nobody else is asked."""
    TOKEN = auto()
    """The access token's: renew it once, ask again."""
    QUOTA = auto()
    """The account is out of quota for this model: it rests, another is asked."""
    ACCOUNT = auto()
    """The account may not do this: it rests as a whole, another is asked."""
    CAPACITY = auto()
    """Upstream has no room for the model: ask elsewhere, blame no account."""
    ANSWER = auto()
    """Nobody's: the answer was no answer.  Ask once more."""
    MISSING = auto()
    """This endpoint does not know the model: the next one may."""
    ENDPOINT = auto()
    """The endpoint is failing: avoid it for a while, ask the next."""


@frozen
class Verdict:
    """
    What to make of a failed call.

    :ivar reason: why, in general terms, for the log and the operator.
    :ivar delay: seconds upstream asked to wait, or None when it did not say.
    :ivar lasting: whether only a person can mend it.
    """

    blame: Blame
    reason: str
    delay: float | None = None
    lasting: bool = False

    def is_about_account(self) -> bool:
        """Whether it is an account's affair, of which clients are told nothing."""
        return self.blame in (Blame.QUOTA, Blame.ACCOUNT, Blame.TOKEN)


@define
class Setback(Exception):
    """
    A call upstream that failed before the client saw anything of it.

    :ivar verdict: what to make of it.
    :ivar error: what the client is told if no other call succeeds.
    """

    verdict: Verdict
    error: GatewayError


FORBIDDEN = {
    "SERVICE_DISABLED": "the OAuth client's project may not use this API",
    "VALIDATION_REQUIRED": "Google wants the account verified",
    "SUBSCRIPTION_REQUIRED": "the account has no Gemini Code Assist licence",
    "IAM_PERMISSION_DENIED": "the account lacks a role on its project",
    "CONSUMER_INVALID": "the account's project does not exist or is not its own",
}
"""What a reason inside a 403 means, in the operator's words."""


def judge(
    status: int, headers: Mapping[str, str], error: GoogleError | None, now: float
) -> Verdict:
    """
    Say what a reply that is no answer means.

    :param status: the HTTP status; for an error inside a 200, that error's code.
    :param headers: response headers, names in lower case.
    :param error: its error body, or None when it has none that can be read.
    :param now: POSIX seconds, against which timestamps are measured.
    """
    delay = asked_delay(headers, error, now)
    reasons = error.reasons() if error else set()
    if "MODEL_CAPACITY_EXHAUSTED" in reasons:
        return Verdict(Blame.CAPACITY, "no capacity for the model", delay)
    match status:
        case 400 if _names_wrong_project(reasons, error):
            return Verdict(Blame.ACCOUNT, FORBIDDEN["CONSUMER_INVALID"])
        case 401:
            return Verdict(Blame.TOKEN, "the access token was refused")
        case 403:
            return _forbidden(reasons, error)
        case 404:
            return _not_found(error)
        case 429:
            return Verdict(Blame.QUOTA, "out of quota", delay)
        case 408 | 499:
            return Verdict(Blame.ENDPOINT, f"upstream answered {status}", delay)
        case _ if 400 <= status < 500:
            return Verdict(Blame.REQUEST, f"upstream answered {status}")
        case _:
            return Verdict(Blame.ENDPOINT, f"upstream answered {status}", delay)


def asked_delay(
    headers: Mapping[str, str], error: GoogleError | None, now: float
) -> float | None:
    """The first delay that upstream names and that makes sense, in seconds."""
    if error is not None:
        for info in error.of_type("RetryInfo"):
            if (delay := durations.seconds(info.get("retryDelay"))) is not None:
                return delay
        for value in error.metadata("quotaResetDelay"):
            if (delay := durations.seconds(value)) is not None:
                return delay
        for value in error.metadata("quotaResetTimeStamp"):
            if (delay := durations.seconds_until(value, now)) is not None:
                return delay
    if "retry-after" in headers:
        delay = durations.seconds_of_header(headers["retry-after"].strip(), now)
        if delay is not None:
            return delay
    return durations.seconds_in_text(error.message) if error else None


def _forbidden(reasons: set[str], error: GoogleError | None) -> Verdict:
    if error is not None and "violation of Terms of Service" in error.message:
        return Verdict(Blame.ACCOUNT, "Google has suspended the account", lasting=True)
    known = (FORBIDDEN[reason] for reason in FORBIDDEN if reason in reasons)
    return Verdict(Blame.ACCOUNT, next(known, "Google forbids the account this call"))


def _names_wrong_project(reasons: set[str], error: GoogleError | None) -> bool:
    """Whether a 400 is about the project, which the client has no say in."""
    return "RESOURCE_PROJECT_INVALID" in reasons or (
        error is not None and "Invalid project resource name" in error.message
    )


def _not_found(error: GoogleError | None) -> Verdict:
    if error is None:
        return Verdict(Blame.ENDPOINT, "upstream answered 404 without saying why")
    if any(error.of_type("ResourceInfo")) or "Resource projects/" in error.message:
        return Verdict(Blame.ACCOUNT, FORBIDDEN["CONSUMER_INVALID"])
    return Verdict(Blame.MISSING, "this endpoint does not know the model")
