"""How often accounts may be tested.  No I/O, no clock."""

from attrs import define, field

from antigravity_gw.errors import Busy

EVERY = 10.0
"""One account may be tested once in so many seconds: each costs a call."""


class TooManyTests(Busy):
    """An account was tested just now, or another is being tested."""


@define
class Turns:
    """Whose turn it is to be tested: one account's at a time."""

    _is_taken: bool = field(default=False, init=False)
    _ended: dict[str, float] = field(factory=dict, init=False)

    def take(self, id: str, now: float) -> None:
        """
        Begin to test the account of this id; :meth:`end` is to follow.

        :raises TooManyTests: when it has to wait.
        """
        self._ended = {i: t for i, t in self._ended.items() if now - t < EVERY}
        if self._is_taken:
            raise TooManyTests("another account is being tested; wait until it is done")
        if id in self._ended:
            left = EVERY - (now - self._ended[id])
            raise TooManyTests("this account was tested just now", retry_after=left)
        self._is_taken = True

    def end(self, id: str, now: float) -> None:
        """The test is over."""
        self._is_taken = False
        self._ended[id] = now
