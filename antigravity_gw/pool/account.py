"""Accounts, and whose turn it is.  No clock: *now* is an argument."""

import math
from collections import OrderedDict
from collections.abc import Collection, Sequence
from enum import Enum

from attrs import define, evolve, field, frozen

from antigravity_gw.errors import Exhausted, GatewayError, NeedsOperator
from antigravity_gw.wire.oauth import OAuthClient

EVERY_MODEL = "*"
"""Stands for the account as a whole where a model is named."""


class Need(Enum):
    """What a person has to do before an account can serve again."""

    LOGIN = "needs login"
    CLIENT = "OAuth client refused"
    PROJECT = "needs a project"
    ACCESS = "refused by Google"
    SUSPENDED = "suspended"


@frozen
class Block:
    """
    Why an account is out until somebody mends it.

    :ivar reason: one sentence for the operator; it holds no secret.
    :ivar since: POSIX seconds.
    :ivar until: when to try whether it has been mended, in POSIX seconds; None
        for not before the operator says so.
    """

    need: Need
    reason: str
    since: float
    until: float | None = None

    def holds(self, now: float) -> bool:
        """Whether the account is still to be left alone."""
        return self.until is None or now < self.until


@frozen
class Record:
    """
    What the store keeps of an account.

    :ivar id: opaque, made by us; the only thing about an account that is logged.
    :ivar name: what the operator calls it; often an e-mail, so never logged.
    :ivar client: the OAuth client its token belongs to; None for the configured one.
    :ivar project: the Google Cloud project the operator set for it, if any.
    :ivar added: POSIX seconds.
    """

    id: str
    name: str = field(repr=False)
    refresh_token: str = field(repr=False)
    client: OAuthClient | None
    project: str | None = field(repr=False)
    added: float
    block: Block | None = None


@define(eq=False)
class Account:
    """
    One account, and what the pool remembers of it.

    :ivar resting: until when each model rests, in POSIX seconds.
    :ivar serving: how many requests it is serving now.
    """

    record: Record
    resting: dict[str, float] = field(factory=dict)
    serving: int = 0

    @property
    def id(self) -> str:
        """Its opaque id."""
        return self.record.id

    @property
    def block(self) -> Block | None:
        """Why it is out until somebody mends it, if it is."""
        return self.record.block

    def ready_at(self, model: str) -> float:
        """When *model* may be asked for again, in POSIX seconds."""
        rests = (self.resting.get(key, 0.0) for key in (model, EVERY_MODEL))
        return max(rests)

    def back_at(self, model: str) -> float:
        """When it may serve *model* again, in POSIX seconds; infinite if never."""
        blocked = 0.0
        if self.block is not None:
            blocked = math.inf if self.block.until is None else self.block.until
        return max(blocked, self.ready_at(model))

    def is_blocked(self, now: float) -> bool:
        """Whether it is out until somebody mends it."""
        return self.block is not None and self.block.holds(now)

    def can_serve(self, model: str, now: float) -> bool:
        """Whether it is neither blocked nor resting."""
        return not self.is_blocked(now) and self.ready_at(model) <= now

    def rest(self, model: str, until: float) -> None:
        """Leave *model* alone until then; never shortens a longer rest."""
        self.resting[model] = max(until, self.resting.get(model, 0.0))

    def note(self, block: Block | None) -> None:
        """Leave the account alone until somebody mends it, or not any more."""
        self.record = evolve(self.record, block=block)


def choose(
    accounts: Sequence[Account],
    model: str,
    now: float,
    *,
    home: str | None = None,
    last: str | None = None,
    avoid: Collection[str] = (),
    second_choice: Collection[str] = (),
) -> Account:
    """
    The account that serves the next request for *model*.

    A conversation stays at its home, and while that cannot serve with the one
    that comes after it.  A new one goes to the account whose turn it is.

    :param home: the id of the account the conversation is at home with, if any.
    :param last: the id of the account that was last in turn.
    :param avoid: ids of accounts that will not do for this request.
    :param second_choice: ids of accounts to take only when no other is left.
    :raises GatewayError: when none can, saying what has to happen first.
    """
    able = [a for a in accounts if a.can_serve(model, now) and a.id not in avoid]
    preferred = [a for a in able if a.id not in second_choice] or able
    if not preferred:
        raise why_none(accounts, model, now)
    ids = [account.id for account in accounts]
    start = ids.index(last) + 1 if last in ids else 0
    if home in ids:
        start = ids.index(home)
    turn = {id: place for place, id in enumerate(ids[start:] + ids[:start])}
    return min(preferred, key=lambda account: turn[account.id])


def why_none(accounts: Sequence[Account], model: str, now: float) -> GatewayError:
    """What to tell a client for whom there is no account, in general terms."""
    if not accounts:
        return NeedsOperator(
            "this gateway has no account yet: its operator has to add one with "
            "'antigravity-gw accounts add'"
        )
    blocked = [account for account in accounts if account.is_blocked(now)]
    if len(blocked) == len(accounts):
        return NeedsOperator(
            f"no account of this gateway can serve ({_needs(blocked)}): its operator "
            "has to look at 'antigravity-gw accounts list'"
        )
    wait = max(1.0, min(account.back_at(model) for account in accounts) - now)
    what = "as a whole" if model == EVERY_MODEL else f"for {model}"
    return Exhausted(
        f"every account of this gateway is resting {what} or needs its operator; "
        f"the first is back in {math.ceil(wait)} s",
        retry_after=wait,
    )


def _needs(blocked: Sequence[Account]) -> str:
    needs = [account.block.need.value for account in blocked if account.block]
    return ", ".join(f"{needs.count(n)} {n}" for n in dict.fromkeys(needs))


@define
class Sessions:
    """
    Which account each conversation is at home with.

    :ivar limit: how many conversations to remember; the longest unused goes.
    """

    limit: int = 10_000
    _homes: OrderedDict[bytes, str] = field(factory=OrderedDict, init=False)

    def home(self, conversation: bytes | None) -> str | None:
        """The id of the account *conversation* is at home with, if it has one."""
        if conversation is None or conversation not in self._homes:
            return None
        self._homes.move_to_end(conversation)
        return self._homes[conversation]

    def settle(self, conversation: bytes | None, account_id: str) -> None:
        """Give a conversation its home, unless it has one to come back to."""
        if conversation is None:
            return
        self._homes.setdefault(conversation, account_id)
        while len(self._homes) > self.limit:
            self._homes.popitem(last=False)

    def forget(self, account_ids: Collection[str]) -> None:
        """The accounts with these ids are gone: nobody is at home there."""
        for conversation, home in list(self._homes.items()):
            if home in account_ids:
                del self._homes[conversation]
