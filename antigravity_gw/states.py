"""
The states an account can be in, and what a person can do about each.

Whatever shows accounts goes by these rules: the command line, and the daemon
itself.  No I/O, no clock: *now* is an argument.
"""

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum
from operator import itemgetter

from attrs import evolve, field, frozen

from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Known
from antigravity_gw.pool.hold import ACCESS, EVERY_MODEL, Hold
from antigravity_gw.record import Record

WHOLE = (EVERY_MODEL, ACCESS)
"""What stands for an account as a whole where a model is named."""

LONGEST_HANDLE = 24
"""A name longer than this is not made part of a command that people copy."""


class Label(Enum):
    """What state an account is in; the value is what people read."""

    SERVING = "serving"
    """Nothing keeps it from being asked."""
    COOLING = "cooling"
    """It is left alone for a while, for some models or for all."""
    LOGIN = Need.LOGIN.value
    CREDENTIAL = Need.CREDENTIAL.value
    VALIDATION = Need.VALIDATION.value
    ENTITLEMENT = Need.ENTITLEMENT.value
    PROJECT = Need.PROJECT.value
    SUSPENDED = Need.SUSPENDED.value
    MISCONFIGURED = Need.CLIENT.value
    DISABLED = "disabled"
    """Its operator does not want it used."""


SERVING, WAITING = Label.SERVING.value, "waiting for somebody"
RANKS = (SERVING, Label.COOLING.value, WAITING, Label.DISABLED.value)
"""What matters of a state where accounts are only counted."""

GRAVEST_FIRST = (
    *(Need.SUSPENDED, Need.LOGIN, Need.CREDENTIAL, Need.VALIDATION),
    *(Need.ENTITLEMENT, Need.PROJECT, Need.CLIENT),
)
"""What to say first of an account that has several needs."""

ACCOUNTS = "antigravity-gw accounts"
LOGIN = "antigravity-gw login"

TO_DO: Mapping[Label, str] = {
    Label.COOLING: "nothing: it ends by itself",
    Label.LOGIN: f"log in again: '{LOGIN} {{handle}}'",
    Label.CREDENTIAL: (
        "give it another key or other credentials, or mend these where they come "
        f"from: '{ACCOUNTS} add {{handle}} --kind {{kind}}'. It is tried again by "
        f"itself, and at once after '{ACCOUNTS} enable {{handle}}'"
    ),
    Label.VALIDATION: (
        "open the link, signed in as that account, and confirm what Google asks. "
        f"It is tried again by itself, and at once after '{ACCOUNTS} enable {{handle}}'"
    ),
    Label.ENTITLEMENT: (
        "see that it gets what it lacks. It is tried again by itself, and at once "
        f"after '{ACCOUNTS} enable {{handle}}'"
    ),
    Label.PROJECT: (
        f"name a project of its own: '{ACCOUNTS} set {{handle}} --project ID'"
    ),
    Label.SUSPENDED: (
        "read what Google has written to it. Nothing here uses it again, unless you "
        f"say '{ACCOUNTS} enable {{handle}}'"
    ),
    Label.MISCONFIGURED: (
        "set oauth.client_id and its secret to those of a client that Google accepts, "
        "then restart the daemon or send it SIGHUP"
    ),
    Label.DISABLED: f"'{ACCOUNTS} enable {{handle}}' uses it again",
}
"""What to do next, in plain words; the commands stand between single quotes."""

NO_LINK = (
    "sign in to Google as that account, and confirm what it asks. It is tried again "
    f"by itself, and at once after '{ACCOUNTS} enable {{handle}}'"
)
"""What to do about a validation for which Google has named no link."""

OWN_CLIENT = (
    f"give the account one that works: '{ACCOUNTS} add {{handle}}' with --client-id "
    "and --client-secret-file"
)
"""What to do about an OAuth client that only some accounts have."""


@frozen
class Cooling:
    """
    Something that ends by itself.

    :ivar model: the one that is not asked for; None for every one.
    :ivar until: when one request may try, in POSIX seconds; None for not by itself.
    """

    model: str | None
    reason: str
    since: float
    until: float | None

    @property
    def ends(self) -> float:
        """:attr:`until` as a number; infinite when that is the operator's affair."""
        return math.inf if self.until is None else self.until


@frozen
class State:
    """
    The state of an account, or of an OAuth client.

    :ivar reason: a clause; None when there is nothing to explain.
    :ivar since: when it began, in POSIX seconds.
    :ivar until: when it is over, or tried again, in POSIX seconds; None for not
        before somebody acts.
    :ivar to_do: what the operator can do.
    :ivar link: where, if Google said so.  For the operator's eyes only.
    :ivar coolings: what is left alone for a while, or was and is yet to be tried;
        the soonest back comes first.
    """

    label: Label
    reason: str | None = None
    since: float | None = None
    until: float | None = None
    to_do: str | None = field(default=None, repr=False)
    link: str | None = field(default=None, repr=False)
    coolings: tuple[Cooling, ...] = ()
    _cools_for: int | None = None

    @property
    def title(self) -> str:
        """The label, with the number of models if it is about some only."""
        count = self._cools_for
        if count is None:
            return self.label.value
        return f"{self.label.value} ({count} model{'s' * (count != 1)})"

    @property
    def can_serve(self) -> bool:
        """Whether nothing keeps it from serving, some models excepted."""
        return self.label is Label.SERVING or self._cools_for is not None


def state_of(known: Known, now: float) -> State:
    """The state of an account."""
    record, coolings = known.record, _coolings(known.holds)
    gravest = _gravest(known.holds)
    if record.disabled is not None:
        reason = "its operator has disabled it"
        if gravest is not None:
            reason += f"; before that: {gravest.reason}"
        return State(
            Label.DISABLED,
            reason,
            record.disabled,
            to_do=TO_DO[Label.DISABLED].format(handle=handle(record)),
            coolings=coolings,
        )
    if gravest is not None:
        return _in_need(gravest, record, coolings)
    return _cooling(coolings, now)


@frozen
class ClientTrouble:
    """
    An OAuth client that is refused, told once for all accounts that use it.

    :ivar id: the client's; empty when there is none.
    :ivar state: what is wrong with it.
    :ivar users: how many accounts have found out.
    """

    id: str
    state: State
    users: int


def client_troubles(accounts: Iterable[Known], configured: str) -> list[ClientTrouble]:
    """
    What is wrong with OAuth clients; this is not the accounts' fault.

    :param configured: the id of the one for accounts without their own.
    """
    found: dict[str, list[tuple[Record, Hold]]] = {}
    for known in accounts:
        gravest = _gravest(known.holds)
        if known.record.disabled is not None or gravest is None:
            continue
        if gravest.need is Need.CLIENT:
            id = known.record.client.id if known.record.client else configured
            found.setdefault(id, []).append((known.record, gravest))
    return [
        ClientTrouble(id, _told_once(users), len(users)) for id, users in found.items()
    ]


def _told_once(users: list[tuple[Record, Hold]]) -> State:
    """What is wrong with the OAuth client of all these accounts."""
    record, _ = users[0]
    holds = [hold for _, hold in users]
    soonest = min(hold.ends for hold in holds)
    return evolve(
        _in_need(holds[0], record, ()),
        reason="; ".join(dict.fromkeys(hold.reason for hold in holds)),
        since=min(hold.since for hold in holds),
        until=None if math.isinf(soonest) else soonest,
    )


def headcount(states: Iterable[State]) -> str:
    """How many accounts are in what state: numbers, and no names."""
    counts = Counter(_rank(state) for state in states)
    if not counts:
        return f"no accounts: '{ACCOUNTS} add' makes one"
    told = ", ".join(f"{counts[rank]} {rank}" for rank in RANKS if counts[rank])
    return f"accounts: {told}"


def _rank(state: State) -> str:
    label: str = state.label.value
    if state.can_serve:
        return SERVING
    return label if label in RANKS else WAITING


def quota_left(known: Known, now: float) -> float | None:
    """
    What is left for the model that has least, from 0 to 1; None if unknown.

    Of a quota that has come back since Google was asked, nothing is known.
    """
    fractions = (
        left.fraction
        for left in known.quota.values()
        if left.fraction is not None and (left.resets is None or left.resets > now)
    )
    return min(fractions, default=None)


def handle(record: Record) -> str:
    """What to call an account in a command that people copy: its name, or its id."""
    name = record.name
    is_plain = shlex.quote(name) == name and not name.startswith("-")
    return name if is_plain and len(name) <= LONGEST_HANDLE else record.id


def _gravest(holds: Mapping[str, Hold]) -> Hold | None:
    """The one that matters most of those that keep the account waiting for a person."""
    waiting = (holds[key] for key in WHOLE if key in holds)
    needs = [(GRAVEST_FIRST.index(h.need), -h.ends, h) for h in waiting if h.need]
    return min(needs, key=itemgetter(0, 1))[2] if needs else None


def _in_need(hold: Hold, record: Record, coolings: tuple[Cooling, ...]) -> State:
    assert hold.need is not None
    label = Label(hold.need.value)
    to_do = TO_DO[label]
    if label is Label.VALIDATION and hold.link is None:
        to_do = NO_LINK
    elif label is Label.MISCONFIGURED and record.client is not None:
        to_do = OWN_CLIENT
    return State(
        label,
        hold.reason,
        hold.since,
        hold.until,
        to_do.format(handle=handle(record), kind=record.kind),
        hold.link,
        coolings,
    )


def _coolings(holds: Mapping[str, Hold]) -> tuple[Cooling, ...]:
    coolings = (
        Cooling(
            None if key in WHOLE else key,
            hold.reason,
            hold.since,
            hold.until,
        )
        for key, hold in holds.items()
        if hold.need is None or key not in WHOLE
    )
    return tuple(sorted(coolings, key=lambda c: (c.ends, c.model or "")))


def _cooling(coolings: tuple[Cooling, ...], now: float) -> State:
    """The state of an account that needs nobody."""
    in_force = [cooling for cooling in coolings if now < cooling.ends]
    of_all = [cooling for cooling in in_force if cooling.model is None]
    if not in_force:
        return State(Label.SERVING, coolings=coolings)
    told = of_all or in_force
    last = told[-1]
    return State(
        Label.COOLING,
        "; ".join(dict.fromkeys(cooling.reason for cooling in told)),
        min(cooling.since for cooling in told),
        last.until,
        TO_DO[Label.COOLING],
        coolings=coolings,
        cools_for=None if of_all else len(in_force),
    )
