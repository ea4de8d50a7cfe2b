"""
What is wrong with an account, in one verdict, and what to do next.

Whatever was found out on the way comes in as :class:`Findings`; the words for each
cause are in ``remedies.py``.  No I/O, no clock.
"""

from collections.abc import Iterable
from typing import Any

from attrs import field, frozen

from antigravity_gw.causes import Cause
from antigravity_gw.needs import Need
from antigravity_gw.record import Record
from antigravity_gw.remedies import (
    NEW_FILE,
    NEW_KEY,
    NEW_USER_FILE,
    REMEDIES,
    UNKNOWN,
    WELL,
    WITHOUT_LOGIN,
    Affair,
)
from antigravity_gw.states import OWN_CLIENT, TO_DO, Label, handle
from antigravity_gw.times import DAY
from antigravity_gw.upstream.failures import Flaw, NotReached, TlsFailed, TunnelRefused
from antigravity_gw.waiting import NotConnected
from antigravity_gw.wire.jsons import decoded

MOST_SKEW = 60.0
"""A clock that is wrong by more seconds than these is wrong."""

TESTING_DAYS = (6.5, 8.0)
"""How old, in days, a refresh token is that has died of a consent screen in testing."""

_IN_BETWEEN = (Flaw.UNTRUSTED, Flaw.SELF_SIGNED)
_BY_THE_CLOCK = (Cause.CREDENTIALS, Cause.TOKEN_REFUSED, Cause.TLS)
"""What a clock that is wrong looks like as well."""

_WORST_FIRST = (Cause.PROXY, Cause.TLS, Cause.NETWORK)


@frozen
class Trouble:
    """
    Why a step failed.

    :ivar reason: a clause; it holds no secret.
    :ivar link: where a person can mend it, for the operator's eyes only.
    :ivar until: when it ends by itself, in POSIX seconds, if that is known.
    """

    cause: Cause | None
    reason: str
    need: Need | None = None
    link: str | None = field(default=None, repr=False)
    until: float | None = None


@frozen(kw_only=True)
class Findings:
    """
    What an examination has found out.

    :ivar trouble: what it has come to an end by; None when the account served.
    :ivar doubt: what is probably behind a refusal that does not say why.
    :ivar skew: the seconds by which this machine's clock is ahead of Google's.
    :ivar died: since when its grant is known to be dead, in POSIX seconds.
    :ivar was_suspended: whether nothing uses it since Google suspended it.
    :ivar logs_in: whether accounts of its kind log in to an OAuth client.
    """

    trouble: Trouble | None
    doubt: Cause | None = None
    skew: float = 0.0
    died: float | None = None
    was_suspended: bool = False
    logs_in: bool = True


@frozen
class Diagnosis:
    """
    The verdict on an account.

    :ivar serves: whether the question was answered, as it may be with a clock that
        is wrong.
    :ivar is_used: whether the daemon may ask it at all.
    :ivar cause: None when all is well, and when nobody knows.
    :ivar verdict: a sentence in plain words.
    :ivar reason: what was found, a clause; None when nothing is wrong.
    :ivar to_do: the next step; None when there is none to take.
    :ivar link: where, for the operator's eyes only.
    :ivar until: when it ends by itself, in POSIX seconds, if that is known.
    :ivar is_known: whether it is certain; otherwise somebody has to ask again.
    """

    is_well: bool
    serves: bool
    cause: Cause | None
    verdict: str
    affair: Affair
    reason: str | None = None
    to_do: str | None = None
    link: str | None = field(default=None, repr=False)
    until: float | None = None
    is_known: bool = True
    is_used: bool = True


def diagnose(record: Record, findings: Findings) -> Diagnosis:
    """The one verdict on an account that says most."""
    trouble, cause = findings.trouble, _cause(record, findings)
    remedy = WELL if trouble is None else UNKNOWN
    if cause is not None:
        special = {} if findings.logs_in else WITHOUT_LOGIN
        remedy = special.get(cause, REMEDIES[cause])
    link = trouble.link if trouble else None
    to_do = remedy.without_link if link is None and remedy.without_link else remedy.next
    return Diagnosis(
        is_well=remedy is WELL,
        serves=trouble is None,
        cause=cause,
        verdict=remedy.verdict,
        affair=remedy.affair,
        reason=_reason(cause, findings),
        to_do=_filled_in(to_do, record, findings),
        link=link,
        until=trouble.until if trouble else None,
        is_known=remedy.is_certain,
        is_used=record.disabled is None
        and not findings.was_suspended
        and cause is not Cause.SUSPENDED,
    )


def _cause(record: Record, findings: Findings) -> Cause | None:
    """The cause, in the light of everything else that was found."""
    trouble = findings.trouble
    cause = trouble.cause if trouble else None
    is_skewed = abs(findings.skew) > MOST_SKEW
    if trouble is None:
        return _withheld(record, findings)
    if is_skewed and cause in _BY_THE_CLOCK:
        return Cause.CLOCK
    if cause is Cause.GRANT_DEAD and _died_of_testing(record, findings):
        return Cause.TESTING
    if cause is Cause.MODEL_FORBIDDEN and findings.doubt is not None:
        return findings.doubt
    if cause is Cause.NO_PROJECT and findings.doubt is Cause.PERIMETER:
        return findings.doubt
    return cause


def _withheld(record: Record, findings: Findings) -> Cause | None:
    """Why an account that serves is not used all the same, if it is not."""
    if record.disabled is not None:
        return Cause.DISABLED
    return Cause.WAS_SUSPENDED if findings.was_suspended else None


def _died_of_testing(record: Record, findings: Findings) -> bool:
    if not record.given or findings.died is None:
        return False
    least, most = TESTING_DAYS
    return least <= (findings.died - record.given) / DAY <= most


def _reason(cause: Cause | None, findings: Findings) -> str | None:
    if cause is Cause.CLOCK and abs(findings.skew) > MOST_SKEW:
        way = "ahead of" if findings.skew > 0 else "behind"
        return f"it is {abs(findings.skew):.0f} s {way} Google's"
    return findings.trouble.reason if findings.trouble else None


def _filled_in(to_do: str, record: Record, findings: Findings) -> str | None:
    """*to_do*, with what is to be done about this account's login or client."""
    renewal = TO_DO[Label.LOGIN] if findings.logs_in else _renewal(record)
    client = TO_DO[Label.MISCONFIGURED]
    if not findings.logs_in:
        client = renewal
    elif record.client is not None:
        client = OWN_CLIENT
    told = to_do.replace("{renewal}", renewal).replace("{client}", client)
    return told.format(handle=handle(record), kind=record.kind) or None


def _renewal(record: Record) -> str:
    """How to let in anew an account that does not log in here, by its credential."""
    told = decoded(record.credential.encode(), dict[str, Any])
    if told is None:
        return NEW_KEY
    return NEW_USER_FILE if told.get("type") == "authorized_user" else NEW_FILE


def root_of(error: BaseException) -> BaseException:
    """The connection that did not come about, if that is behind *error*."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, NotConnected):
        cause = cause.__cause__ or cause.__context__
    return cause or error


def cause_of_connection(error: BaseException) -> Cause | None:
    """What keeps a connection from coming about; None where nobody can tell."""
    match root_of(error):
        case TunnelRefused():
            return Cause.PROXY
        case NotReached(peer):
            return Cause.PROXY if peer.is_proxy else Cause.NETWORK
        case TlsFailed(peer, flaw):
            is_in_between = peer.is_proxy or flaw in _IN_BETWEEN
            return Cause.PROXY if is_in_between else Cause.TLS
        case _:
            return None


def is_from_google(status: int, is_page: bool) -> bool:
    """
    Whether Google may have answered a call that asks for nothing.

    :param is_page: whether the answer is HTML, as those of proxies and of log-in
        pages of networks are.
    """
    is_redirect = 300 <= status < 400  # which Google's hosts never answer there
    is_block = is_page and (status < 300 or status in (401, 403, 407, 511))
    return not (is_redirect or is_block)


def worst(troubles: Iterable[Trouble]) -> Trouble:
    """The one of several failed connections that says most."""
    return min(
        troubles,
        key=lambda each: (
            _WORST_FIRST.index(each.cause) if each.cause in _WORST_FIRST else 9
        ),
    )
