"""
Judging what upstream answers where an answer should be.

All that is known of Google's errors is in rows of tables, the first row that fits
deciding.  What all its APIs have in common is here, in the order of
``docs/protocol.md``, "Errors"; what one API says in its own way is beside it, in
``kinds``.  The type of the content is not asked: an error may come with any.
"""

import math
from collections.abc import Container, Mapping

from attrs import evolve, field, frozen

from antigravity_gw.causes import Cause
from antigravity_gw.needs import Need
from antigravity_gw.wire import durations
from antigravity_gw.wire.google import UNREADABLE, GoogleError
from antigravity_gw.wire.signs import (
    SHORT,
    Reply,
    Sign,
    always,
    another_refuses,
    begins,
    both,
    comes_as,
    counts_by,
    either,
    gives,
    is_limit_zero,
    is_limit_zero_everywhere,
    is_short,
    is_unreadable,
    reads,
    refuses,
    says,
)
from antigravity_gw.wire.verdict import Blame, Verdict

_PASSING = (Blame.QUOTA, Blame.RATE, Blame.CAPACITY, Blame.ENDPOINT)


@frozen
class Row:
    """
    One kind of reply, and what it means.

    :ivar means: the verdict, but for what the single reply says.
    :ivar mended_at: the hosts that a link in it may lead to.
    :ivar longest: the seconds it lasts at most, whatever the reply says.
    :ivar shortest: the seconds that a reply must name to be believed.
    """

    sign: Sign
    means: Verdict
    mended_at: Container[str] = ()
    longest: float = math.inf
    shortest: float = 0.0

    def applied_to(self, reply: Reply) -> Verdict:
        """The verdict on *reply*."""
        means, error = self.means, reply.error
        is_shortage = means.blame in (Blame.QUOTA, Blame.RATE)
        return evolve(
            means,
            reason=means.reason.format(status=reply.status),
            delay=self._delay_in(reply),
            link=error.link(self.mended_at),
            is_account_wide=means.is_account_wide
            or (is_shortage and error.is_of_every_model()),
        )

    def _delay_in(self, reply: Reply) -> float | None:
        """The seconds that *reply* asks to wait, if that is to be believed."""
        asked = reply.delay if self.means.blame in _PASSING else None
        if asked is None or asked < self.shortest:
            return self.means.delay
        return min(asked, self.longest)


@frozen
class Table:
    """
    The errors of one API.

    :ivar by_status: its own rows.  They come before those that all APIs have in
        common, but after the shortages that say what they are.
    """

    by_status: Mapping[int, tuple[Row, ...]] = field(factory=dict)

    def judge(
        self,
        status: int,
        headers: Mapping[str, str],
        error: GoogleError | None,
        now: float,
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
        own, common = self.by_status.get(status, ()), _BY_STATUS.get(status, ())
        rows = (*_NAMED, *own, *common, *_REST)
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


_FULL = Verdict(Blame.CAPACITY, "no capacity for the model", cause=Cause.NO_CAPACITY)
_SPENT = Verdict(Blame.QUOTA, "out of quota", cause=Cause.OUT_OF_QUOTA)
_NONE = evolve(_SPENT, reason="there is no quota at all for it", cause=Cause.NO_QUOTA)
_TOO_FAST = Verdict(
    Blame.RATE, "too many requests in a short time", cause=Cause.TOO_FAST
)
_FAILING = Verdict(Blame.ENDPOINT, "upstream answered {status}")
NOBODYS_WORD = Verdict(Blame.ENDPOINT, "upstream answered {status} without saying why")

_NAMED = (
    Row(gives("MODEL_CAPACITY_EXHAUSTED"), _FULL),
    Row(
        both(
            comes_as(429, 499, 503),
            either(
                says("no capacity available", "model is overloaded"),
                begins(
                    "this model is currently experiencing high demand",
                    "resource exhausted. please try again later",
                    "resource exhausted, please try again later",
                    "unable to submit request because the service is temporarily out "
                    "of capacity",
                ),
            ),
        ),
        _FULL,
    ),
    Row(
        gives("INSUFFICIENT_G1_CREDITS_BALANCE"),
        evolve(
            _SPENT,
            reason="the credits it bought are used up",
            is_account_wide=True,
            cause=Cause.CREDITS,
        ),
    ),
    Row(gives("QUOTA_EXHAUSTED"), _SPENT),
    Row(
        both(comes_as(429), is_limit_zero_everywhere),
        evolve(_NONE, is_account_wide=True),
        shortest=SHORT,
    ),
    Row(both(comes_as(429), is_limit_zero), _NONE, shortest=SHORT),
    # The public API asks for less than a minute then, though the day is not over.
    Row(
        counts_by("perday", "daily"),
        evolve(_SPENT, reason="out of the day's quota"),
        shortest=SHORT,
    ),
    Row(counts_by("perminute"), evolve(_TOO_FAST, delay=60.0), longest=SHORT),
    Row(gives("RATE_LIMIT_EXCEEDED"), _TOO_FAST),
)
"""
Shortages that say what they are.

That counts more than the status: capacity comes as 429 and as 503, and an error
inside a stream may have no status at all.
"""


def human(need: Need, reason: str, cause: Cause) -> Verdict:
    """The account cannot serve before somebody has done something about it."""
    return Verdict(Blame.HUMAN, reason, need=need, is_account_wide=True, cause=cause)


CONSOLE = ("console.developers.google.com", "console.cloud.google.com")
"""The hosts of Google at which an operator looks after a project."""

IS_OFF = gives("SERVICE_DISABLED", "accessNotConfigured")
"""An API is not switched on for the project that a call is charged to."""


def is_off(service: str, *titles: str) -> Sign:
    """
    That is said of *service*, and not of one that a tool of the client's needs.

    :param titles: what errors without details call it, in lower case.
    """
    told = begins(*(f"{title} has not been used in project" for title in titles))
    return either(both(IS_OFF, refuses(service)), told)


NO_SERVICE_HERE = Row(
    begins("user location is not supported"),
    human(
        Need.ENTITLEMENT,
        "Google does not serve the place it is asked from",
        Cause.REGION,
    ),
)

BILLING_OFF = Row(
    gives("BILLING_DISABLED"),
    human(Need.ENTITLEMENT, "billing is off for its project", Cause.BILLING),
    mended_at=CONSOLE,
)

UNPAID = Row(
    begins("lightning dunning decision is deny"),
    human(
        Need.ENTITLEMENT,
        "the bills of its project are not paid",
        Cause.BILLING,
    ),
)

BEHIND_PERIMETER = Row(
    gives("SECURITY_POLICY_VIOLATED"),
    human(
        Need.ENTITLEMENT,
        "the security perimeter of its organisation is in the way",
        Cause.PERIMETER,
    ),
)

SCOPES_MISSING = either(
    gives("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    begins("request had insufficient authentication scopes"),
)
"""A token is not good for as much as it is used for."""

# What a request refers to may be another account's, which is asked; if nobody has it,
# the client is told so.  No account rests for it: else whoever names a file that is
# nobody's takes them all away from the others.
NOT_ITS_OWN = Verdict(
    Blame.ELSEWHERE, "the account has no access to what the request refers to"
)
FOREIGN = Row(
    either(
        begins(
            "you do not have permission to access the file",
            "cachedcontent not found",
            "not found: cached content",
        ),
        reads(r"\S+ does not have storage\.\S+ access"),
    ),
    NOT_ITS_OWN,
)


def foreign_to(*services: str) -> Row:
    """Another service than *services* refuses, which the request has called in."""
    return Row(another_refuses(*services), NOT_ITS_OWN)


# The client's fault, strictly; but the public API does not mind, and no client can
# know whom it is going to meet.
ROLE_WANTED = Row(
    begins(
        "please use a valid role",
        "unable to submit request because please use a valid role",
    ),
    Verdict(Blame.MISSING, "this API wants a role in each of the contents"),
)

# It may be the model, which others may use, or something in the request, which others
# may own.  A call that is refused costs less than an account that a client has talked
# away from all who ask for the same model.
_FORBIDDEN = Verdict(
    Blame.ELSEWHERE,
    "Google forbids the account this model, or what the request refers to",
    cause=Cause.MODEL_FORBIDDEN,
)
_UNKNOWN = Verdict(
    Blame.MISSING,
    "this endpoint does not know the model",
    cause=Cause.NO_SUCH_MODEL,
)

_BY_STATUS = {
    401: (
        Row(is_unreadable, NOBODYS_WORD),
        Row(
            always,
            Verdict(
                Blame.TOKEN, "the access token was refused", cause=Cause.TOKEN_REFUSED
            ),
        ),
    ),
    402: (
        Row(
            always,
            human(Need.ENTITLEMENT, "Google wants it to be paid for", Cause.BILLING),
        ),
    ),
    403: (Row(is_unreadable, NOBODYS_WORD), Row(always, _FORBIDDEN)),
    404: (Row(is_unreadable, NOBODYS_WORD), FOREIGN, Row(always, _UNKNOWN)),
    408: (Row(always, _FAILING),),
    429: (Row(is_short, _TOO_FAST), Row(always, _SPENT)),
    499: (Row(always, _FAILING),),
}

_REST = (
    Row(
        comes_as(*range(400, 500)),
        Verdict(Blame.REQUEST, "upstream answered {status}", cause=Cause.REFUSED),
    ),
    Row(always, _FAILING),
)
