"""Where requests wait for an account that is about to come free."""

from contextlib import suppress

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from antigravity_gw.errors import UpstreamTimeout
from antigravity_gw.pool.choosing import Errand
from antigravity_gw.waiting import within


@define(eq=False)
class WaitingRoom:
    """
    Lets requests wait, and look again in the order in which they came.

    Where one looks in vain, those behind it that want the same do not look at
    all, so that however many wait, an account that comes free costs little.
    """

    clock: IReactorTime
    _waiting: dict[Errand, Deferred[None]] = field(factory=dict, init=False)
    _is_stirred: bool = field(default=False, init=False)
    _is_stirring: bool = field(default=False, init=False)

    def __len__(self) -> int:
        return len(self._waiting)

    async def wait(self, errand: Errand, seconds: float) -> None:
        """
        Wait until it is worth looking again, or the time is over.

        The place is kept: one that looks in vain waits again where it was.
        """
        stirred: Deferred[None] = Deferred()
        self._waiting[errand] = stirred
        with suppress(UpstreamTimeout):
            await within(seconds, self.clock, stirred)

    def leave(self, errand: Errand) -> None:
        """This one waits no more."""
        self._waiting.pop(errand, None)

    def stir(self) -> None:
        """Something may have come free: let those who wait look."""
        self._is_stirred = True
        if self._is_stirring:
            return  # one that looks has stirred; it is seen to below
        self._is_stirring = True
        try:
            while self._is_stirred and self._waiting:
                self._is_stirred = False
                self._let_look()
        finally:
            self._is_stirring = False

    def _let_look(self) -> None:
        in_vain = set[tuple[str, frozenset[str]]]()
        for errand, stirred in list(self._waiting.items()):
            wanted = errand.model, frozenset(errand.avoid)
            if stirred.called or wanted in in_vain:
                continue
            stirred.callback(None)
            if self._waiting.get(errand, stirred) is not stirred:  # it waits again
                in_vain.add(wanted)
