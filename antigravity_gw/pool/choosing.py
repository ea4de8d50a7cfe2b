"""
Whose turn it is.  No I/O, no clock, no dice.

Every conversation ranks all accounts, by a hash of the two together (weighted
rendezvous hashing).  It goes to the first in its ranking that can serve it, so no
table is needed to find that one again, and when an account drops out only its own
conversations move, and come back with it.  Of late it is remembered where each
began, which is elsewhere if its first account was busy, short of quota or away.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from enum import Enum
from hashlib import blake2b

from attrs import define, field

from antigravity_gw.errors import Exhausted, GatewayError, NeedsOperator
from antigravity_gw.pool.account import Account
from antigravity_gw.pool.hold import EVERY_MODEL
from antigravity_gw.wire.ask import Conversation


class Strategy(Enum):
    """How accounts of the same priority share the work."""

    SPREAD = "spread"
    """By weight: new conversations by load and remaining quota, too."""
    FILL = "fill"
    """The oldest account serves until it cannot, then the next."""


@define(eq=False)
class Errand:
    """
    What one request wants of the pool.

    :ivar id: tells the request from others.
    :ivar conversation: what it belongs to; None when there is no telling.
    :ivar deadline: when it has to have an account, in POSIX seconds.
    :ivar patience: for how many seconds in all it may wait for one to come free.
    :ivar kinds: of account that will do for it; None for any.
    :ivar later: kinds of account to ask only when no other is left.
    :ivar avoid: ids of accounts that will not do for it.
    :ivar tried: ids of accounts to take only when no other is left.
    """

    model: str
    id: str
    conversation: Conversation | None
    deadline: float
    patience: float = 0.0
    kinds: frozenset[str] | None = None
    later: set[str] = field(factory=set)
    avoid: set[str] = field(factory=set)
    tried: set[str] = field(factory=set)

    @property
    def ticket(self) -> bytes:
        """What the accounts are ranked by."""
        known = self.conversation
        return self.id.encode() if known is None else known.fingerprint


@define
class Homes:
    """
    Where conversations began of late; others are where their ranking says.

    :ivar limit: how many to remember; the longest unused goes.
    """

    limit: int = 10_000
    _by_fingerprint: OrderedDict[bytes, str] = field(factory=OrderedDict, init=False)

    def of(self, fingerprint: bytes) -> str | None:
        """The id of the account that a conversation lives with, if remembered."""
        if fingerprint in self._by_fingerprint:
            self._by_fingerprint.move_to_end(fingerprint)
        return self._by_fingerprint.get(fingerprint)

    def settle(self, fingerprint: bytes, id: str) -> None:
        """It lives there from now on."""
        self._by_fingerprint[fingerprint] = id
        if len(self._by_fingerprint) > self.limit:
            self._by_fingerprint.popitem(last=False)


@define
class Chooser:
    """Chooses accounts by one strategy."""

    strategy: Strategy = Strategy.SPREAD
    _homes: Homes = field(factory=Homes)

    def choose(
        self, accounts: Sequence[Account], errand: Errand, now: float
    ) -> Account:
        """
        The account that is to serve *errand*.

        :param accounts: the oldest first.
        :raises GatewayError: when none can, saying what has to happen first.
        """
        able = [
            account
            for account in accounts
            if account.id not in errand.avoid and account.can_serve(errand.model, now)
        ]
        able = [a for a in able if a.record.kind not in errand.later] or able
        able = [a for a in able if a.id not in errand.tried] or able
        if not able:
            raise why_none(accounts, errand.model, now, errand.kinds)
        if self.strategy is Strategy.FILL:
            return min(able, key=lambda account: _tier(account, errand.model, now))
        if errand.conversation is None:
            return _first(able, errand, now, is_new=True)
        if errand.conversation.is_new:
            return self._housed(accounts, able, errand, now)
        home = self._homes.of(errand.conversation.fingerprint)
        at_home = (
            a for a in able if a.id == home and not a.is_empty(errand.model, now)
        )
        return next(at_home, None) or _first(able, errand, now)

    def _housed(
        self,
        accounts: Sequence[Account],
        able: Sequence[Account],
        errand: Errand,
        now: float,
    ) -> Account:
        """
        The account that a new conversation begins with, and is to live with.

        Another one that began with the same words stays where it is.
        """
        chosen = _first(able, errand, now, is_new=True)
        if self._homes.of(errand.ticket) not in {account.id for account in accounts}:
            self._homes.settle(errand.ticket, chosen.id)
        return chosen


def worth_waiting(accounts: Sequence[Account], errand: Errand, now: float) -> float:
    """
    For how many seconds *errand* should wait before it looks again.

    At most as long as it may; an account that is merely busy may come free at
    any time before.

    :returns: 0 when none comes free while it may wait.
    """
    waits = [
        max(0.0, account.free_at(errand.model, now) - now)
        for account in accounts
        if account.id not in errand.avoid
    ]
    if min(waits, default=math.inf) > errand.patience:
        return 0.0
    return min([wait for wait in waits if wait > 0.0] + [errand.patience])


def _first(
    accounts: Sequence[Account], errand: Errand, now: float, is_new: bool = False
) -> Account:
    """
    The first in the conversation's ranking of *accounts*.

    :param is_new: whether it may live where there is room, so that accounts
        which are busy or short of quota come later.
    """

    def place(account: Account) -> tuple[int, bool, float]:
        weight = account.record.weight
        if is_new:
            headroom = account.headroom(errand.model, now)
            weight *= headroom / (1 + account.serving)
        return *_tier(account, errand.model, now), -_score(account, errand, weight)

    return min(accounts, key=place)


def _tier(account: Account, model: str, now: float) -> tuple[int, bool]:
    return account.record.priority, account.is_empty(model, now)


def _score(account: Account, errand: Errand, weight: float) -> float:
    """
    How well *account* fits the conversation; the best of all wins.

    Over many conversations each account wins in proportion to its weight, and
    a change of one weight moves no conversation between two others (Mosko et
    al., "weighted rendezvous hashing": ``-weight / ln(hash)``).
    """
    digest = blake2b(errand.ticket, digest_size=8, key=account.id.encode()[:64])
    hashed = (int.from_bytes(digest.digest()) + 1) / (2**64 + 2)
    return -weight / math.log(hashed)


def of_kinds(
    accounts: Sequence[Account], kinds: frozenset[str] | None
) -> Sequence[Account]:
    """Those of *accounts* that may be asked; None for any kind."""
    if kinds is None:
        return accounts
    return [account for account in accounts if account.record.kind in kinds]


def why_none(
    accounts: Sequence[Account],
    model: str,
    now: float,
    kinds: frozenset[str] | None = None,
) -> GatewayError:
    """What to tell a client for whom there is no account, in general terms."""
    if kinds is not None and not accounts:
        return NeedsOperator(
            f"{model} may be asked for only under accounts of another kind than this "
            "gateway has: its operator has to look at models.kinds in the configuration"
        )
    if not accounts:
        return NeedsOperator(
            "this gateway has no account yet: its operator has to add one with "
            "'antigravity-gw accounts add'"
        )
    waits = [account.waits_for(model, now) for account in accounts]
    counts = ", ".join(
        f"{waits.count(what)} {what or 'cooling or busy'}"
        for what in sorted(set(waits), key=lambda what: what or "")
    )
    if all(waits):
        return NeedsOperator(
            f"no account of this gateway can serve ({counts}): its operator has to "
            "look at 'antigravity-gw accounts list'"
        )
    wait = min(account.free_at(model, now) for account in accounts) - now
    what = "" if model == EVERY_MODEL else f" {model}"
    return Exhausted(
        f"no account of this gateway can serve{what} just now ({counts}); the first "
        f"is back in {max(1, math.ceil(wait))} s",
        retry_after=wait,
    )
