"""
Trying accounts: one small question each, asked as the daemon would ask it.

What comes of it is stored as the daemon stores it, and a daemon that runs goes
by it soon.  An account that is suspended, disabled or cooling is asked all the
same, since its operator says so; it stays what it is unless the answer tells
otherwise, and so no client is served with it meanwhile.
"""

from typing import cast
from uuid import uuid4

from attrs import evolve, frozen
from twisted.web.server import Request

from antigravity_gw.database import StoreError
from antigravity_gw.errors import GatewayError
from antigravity_gw.gateway import Gateway
from antigravity_gw.journal import Served
from antigravity_gw.outcome import Outcome
from antigravity_gw.pool.account import Account, Known
from antigravity_gw.pool.hold import ACCESS, EVERY_MODEL, Hold
from antigravity_gw.pool.store import Store
from antigravity_gw.wire.ask import Ask

LONGEST = 60.0
"""How long to wait for one account, in seconds."""

QUESTION = (
    b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],'
    b'"generationConfig":{"maxOutputTokens":8}}'
)


@frozen
class Trial:
    """
    Tries accounts, one at a time.

    :ivar gateway: has no accounts but those that are tried.
    :ivar model: the one to ask.
    """

    gateway: Gateway
    store: Store
    model: str

    async def run(self, known: Known) -> Outcome:
        """
        Try one account.

        :raises StoreError: when what came of it cannot be stored.
        """
        outcome = await self.ask(self.begin(known))
        await self.keep(known)
        return outcome

    def begin(self, known: Known) -> Account:
        """Take an account up, as if nothing spoke against asking it."""
        pool = self.gateway.pool
        pool.take_up([_unprejudiced(known, self.model, pool.now())])
        (account,) = pool.accounts
        return account

    async def ask(self, account: Account) -> Outcome:
        """Ask the account that was taken up."""
        began, served = self.gateway.pool.now(), Served()
        trouble = await self._asked(served)
        took, holds = self.gateway.pool.now() - began, self.held(account)
        if trouble is not None:  # a hold says it best
            trouble = next((hold.reason for hold in holds.values()), trouble)
        cause = None if trouble is None else served.cause
        return Outcome(self.model, trouble, took, holds, cause)

    async def keep(self, known: Known) -> None:
        """
        Store what came of it.

        :raises StoreError: when that cannot be done.
        """
        writer = self.gateway.pool.writer
        if not await writer.flushed():
            raise StoreError(f"what came of it cannot be stored in {self.store.path}")
        await writer.in_thread(self.store.touch, known.record.id)

    async def _asked(self, served: Served) -> str | None:
        """Ask; return why there was no answer, if there was none."""
        ask = Ask(
            id=str(uuid4()),
            model=self.model,
            body=QUESTION,
            conversation=None,
            framing=None,
            began=self.gateway.pool.now(),
        )
        try:
            await self.gateway.serve(ask, cast(Request, _Nobody()), served)
        except GatewayError as error:
            return served.trouble or error.message
        return None

    def held(self, account: Account) -> dict[str, Hold]:
        """What bars the model now, by what it is held against."""
        by_model, now = account.holds.by_model, self.gateway.pool.now()
        return {
            key: by_model[key]
            for key in (EVERY_MODEL, ACCESS, self.model)
            if key in by_model and by_model[key].is_in_force(now)
        }


def _unprejudiced(known: Known, model: str, now: float) -> Known:
    """
    *known*, so that it can be asked for *model* now, with a token of its own.

    The holds that would be in the way are over.  If they turn out to hold, that
    does not count as a repeat: they would last the longer, the more often the
    operator looks.
    """
    holds = {
        key: _over(hold, now) if key in (EVERY_MODEL, ACCESS, model) else hold
        for key, hold in known.holds.items()
    }
    record = evolve(known.record, disabled=None, concurrency=None)
    return evolve(known, record=record, holds=holds, access=None, project=None)


def _over(hold: Hold, now: float) -> Hold:
    return evolve(hold, until=min(hold.ends, now), repeats=hold.repeats - 1)


class _Nobody:
    """Stands where the request of a client would, and does not look at the answer."""

    def setHeader(self, name: str, value: str) -> None:
        """A header of the answer."""

    def write(self, data: bytes) -> None:
        """The answer."""
