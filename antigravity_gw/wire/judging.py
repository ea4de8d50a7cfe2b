"""
Judging what upstream answers where an answer should be.

All that is known of Google's errors is in the rows below.  Their order is that of
``docs/protocol.md``, "Errors", and the first row that fits decides.  The type of the
content is not asked: an error may come with any.
"""

import math
from collections.abc import Container, Mapping

from attrs import evolve, frozen

from antigravity_gw.needs import Need
from antigravity_gw.wire import durations
from antigravity_gw.wire.google import UNREADABLE, GoogleError
from antigravity_gw.wire.signs import (
    SHORT,
    Reply,
    Sign,
    always,
    begins,
    both,
    comes_as,
    counts_by,
    either,
    gives,
    is_limit_zero,
    is_lost_project,
    is_short,
    is_unreadable,
    mentions,
    says,
)
from antigravity_gw.wire.verdict import Blame, Verdict

_PASSING = (Blame.QUOTA, Blame.RATE, Blame.CAPACITY, Blame.ENDPOINT)


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
    reply = Reply(status, error or UNREADABLE, delay)
    rows = (*_NAMED, *_BY_STATUS.get(status, ()), *_REST)
    return next(row for row in rows if row.sign(reply)).applied_to(reply)


def asked_delay(
    headers: Mapping[str, str], error: GoogleError | None, now: float
) -> float | None:
    """The first delay that upstream names and that makes sense, in seconds."""
    error = error or UNREADABLE
    moments = error.metadata("quotaResetTimeStamp")
    named = (
        *(durations.seconds(i.get("retryDelay")) for i in error.of_type("RetryInfo")),
        *map(durations.seconds, error.metadata("quotaResetDelay")),
        *(durations.seconds_until(moment, now) for moment in moments),
        durations.seconds_of_header(headers.get("retry-after", "").strip(), now),
        durations.seconds_in_text(error.message),
    )
    return next((delay for delay in named if delay is not None), None)


@frozen
class _Row:
    """
    One kind of reply, and what it means.

    :ivar means: the verdict, but for what the single reply says.
    :ivar mended_at: the hosts that a link in it may lead to.
    :ivar longest: the seconds it lasts at most, whatever the reply says.
    """

    sign: Sign
    means: Verdict
    mended_at: Container[str] = ()
    longest: float = math.inf

    def applied_to(self, reply: Reply) -> Verdict:
        """The verdict on *reply*."""
        means, error = self.means, reply.error
        is_shortage = means.blame in (Blame.QUOTA, Blame.RATE)
        asked = reply.delay if means.blame in _PASSING else None
        return evolve(
            means,
            reason=means.reason.format(status=reply.status),
            delay=means.delay if asked is None else min(asked, self.longest),
            link=error.link(self.mended_at),
            is_account_wide=means.is_account_wide
            or (is_shortage and error.is_of_every_model()),
        )


def _human(need: Need, reason: str) -> Verdict:
    return Verdict(Blame.HUMAN, reason, need=need, is_account_wide=True)


def _operator(reason: str) -> Verdict:
    return Verdict(Blame.OPERATOR, reason, need=Need.CLIENT, is_account_wide=True)


_SIGN_IN = ("accounts.google.com",)
_CONSOLE = ("console.developers.google.com", "console.cloud.google.com")
_MANUAL = ("cloud.google.com", "support.google.com")

_FULL = Verdict(Blame.CAPACITY, "no capacity for the model")
_SPENT = Verdict(Blame.QUOTA, "out of quota")
_TOO_FAST = Verdict(Blame.RATE, "too many requests in a short time")
_WRONG_PROJECT = Verdict(
    Blame.PROJECT,
    "the account's project does not exist or is not its own",
    need=Need.PROJECT,
)
_FAILING = Verdict(Blame.ENDPOINT, "upstream answered {status}")
_NOBODYS_WORD = Verdict(Blame.ENDPOINT, "upstream answered {status} without saying why")

_NAMED = (
    _Row(gives("MODEL_CAPACITY_EXHAUSTED"), _FULL),
    _Row(
        both(
            comes_as(429, 499, 503),
            says("no capacity available", "model is overloaded"),
        ),
        _FULL,
    ),
    _Row(
        gives("INSUFFICIENT_G1_CREDITS_BALANCE"),
        Verdict(Blame.QUOTA, "the credits it bought are used up", is_account_wide=True),
    ),
    _Row(gives("QUOTA_EXHAUSTED"), _SPENT),
    _Row(
        both(comes_as(429), is_limit_zero),
        Verdict(Blame.QUOTA, "there is no quota at all for it"),
    ),
    _Row(counts_by("perday", "daily"), Verdict(Blame.QUOTA, "out of the day's quota")),
    _Row(counts_by("perminute"), evolve(_TOO_FAST, delay=60.0), longest=SHORT),
    _Row(gives("RATE_LIMIT_EXCEEDED"), _TOO_FAST),
)
"""
Shortages that say what they are.

That counts more than the status: capacity comes as 429 and as 503, and an error
inside a stream may have no status at all.
"""

_400 = (
    _Row(
        either(
            gives("RESOURCE_PROJECT_INVALID"),
            begins("invalid project resource name"),
        ),
        _WRONG_PROJECT,
    ),
    _Row(
        begins("user location is not supported"),
        _human(Need.ENTITLEMENT, "Google does not serve the place it is asked from"),
    ),
)

_IS_OFF = either(
    gives("SERVICE_DISABLED", "accessNotConfigured"),
    says("has not been used in project"),
)
_403 = (
    _Row(
        says("violation of terms of service"),
        _human(Need.SUSPENDED, "Google has suspended the account"),
    ),
    _Row(
        either(gives("VALIDATION_REQUIRED"), says("verify your account")),
        _human(Need.VALIDATION, "Google wants the account verified"),
        mended_at=_SIGN_IN,
    ),
    _Row(
        both(_IS_OFF, mentions("cloudaicompanion.googleapis.com", "service")),
        _human(
            Need.ENTITLEMENT,
            "the Gemini for Google Cloud API is off in the account's project, where "
            "the operator can enable it",
        ),
        mended_at=_CONSOLE,
    ),
    _Row(
        both(_IS_OFF, mentions("cloudcode-pa.googleapis.com", "service")),
        _operator(
            "Google lets only listed projects use the Cloud Code Private API, and that "
            "of the OAuth client is not listed, which is no mistake of the operator's"
        ),
    ),
    _Row(
        _IS_OFF,
        _operator("the OAuth client's project may not use an API that is needed"),
    ),
    _Row(
        either(
            gives("CONSUMER_INVALID", "USER_PROJECT_DENIED"),
            says("denied on resource project", "cloudshell-gca"),
            mentions("cloudshell-gca", "consumer", "containerInfo", "resource"),
        ),
        _WRONG_PROJECT,
    ),
    _Row(
        either(
            gives("SUBSCRIPTION_REQUIRED"),
            says("must be a named user", "lack a gemini code assist license"),
        ),
        _human(Need.ENTITLEMENT, "the account has no Gemini Code Assist licence"),
        mended_at=_MANUAL,
    ),
    _Row(
        gives("IAM_PERMISSION_DENIED"),
        _human(Need.ENTITLEMENT, "the account lacks a role on its project"),
    ),
    _Row(
        gives("SECURITY_POLICY_VIOLATED"),
        _human(
            Need.ENTITLEMENT, "the security perimeter of its organisation is in the way"
        ),
    ),
    _Row(
        either(
            gives("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            says("insufficient authentication scopes"),
        ),
        _human(Need.LOGIN, "its owner did not grant all that was asked for at login"),
    ),
    _Row(is_unreadable, _NOBODYS_WORD),
    # Which does not say that it is not the model: no client is to take an account
    # away from the others by asking for one that nobody may use.
    _Row(
        always,
        Verdict(
            Blame.HUMAN,
            "Google forbids the account this model",
            need=Need.ENTITLEMENT,
        ),
    ),
)

_404 = (
    _Row(is_unreadable, _NOBODYS_WORD),
    _Row(either(is_lost_project, begins("resource projects/")), _WRONG_PROJECT),
    _Row(always, Verdict(Blame.MISSING, "this endpoint does not know the model")),
)

_BY_STATUS = {
    400: _400,
    401: (_Row(always, Verdict(Blame.TOKEN, "the access token was refused")),),
    402: (_Row(always, _human(Need.ENTITLEMENT, "Google wants it to be paid for")),),
    403: _403,
    404: _404,
    408: (_Row(always, _FAILING),),
    429: (_Row(is_short, _TOO_FAST), _Row(always, _SPENT)),
    499: (_Row(always, _FAILING),),
}

_REST = (
    _Row(
        comes_as(*range(400, 500)), Verdict(Blame.REQUEST, "upstream answered {status}")
    ),
    _Row(always, _FAILING),
)
