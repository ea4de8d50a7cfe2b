"""How much an account may ask, and when again.  No clock: *now* is an argument."""

from collections.abc import Iterator

from attrs import define, field

EVERY_MODEL = ""
"""In place of a model's name: a quota that all models share."""


@define
class Quota:
    """
    A number of generate calls, used one at a time and given back all at once.

    :ivar size: how many there are when it is full.
    :ivar empty_since: when the last one was used, in POSIX seconds; None while
        there are some left.
    """

    size: int
    spent: int = 0
    empty_since: float | None = None

    @property
    def left(self) -> int:
        """How many calls remain."""
        return max(0, self.size - self.spent)

    @property
    def fraction(self) -> float:
        """What remains of 1."""
        return self.left / self.size if self.size else 0.0

    def look(self, now: float, reset: float) -> None:
        """Fill it again if it has been empty for *reset* seconds."""
        if self.empty_since is not None and now - self.empty_since >= reset:
            self.spent, self.empty_since = 0, None
        if not self.left and self.empty_since is None:
            self.empty_since = now


@define
class Purse:
    """All quotas of one account, by the model; see also :data:`EVERY_MODEL`."""

    _quotas: dict[str, Quota] = field(factory=dict, init=False)

    def allow(self, model: str, calls: int | None) -> None:
        """Let *model* be asked that many times more; None for no limit."""
        self._quotas.pop(model, None)
        if calls is not None:
            self._quotas[model] = Quota(calls)

    def clear(self) -> None:
        """End all limits."""
        self._quotas.clear()

    @property
    def models(self) -> list[str]:
        """The models that have a quota of their own."""
        return [model for model in self._quotas if model != EVERY_MODEL]

    @property
    def left(self) -> dict[str, int]:
        """How many calls remained of each quota when it was last looked at."""
        return {model: quota.left for model, quota in self._quotas.items()}

    def wait(self, model: str, now: float, reset: float) -> float | None:
        """
        In how many seconds *model* may be asked again, None when it may now.

        :param reset: the seconds for which a quota that is used up stays so.
        """
        empty = (quota.empty_since for quota in self._of(model, now, reset))
        waits = (reset - (now - since) for since in empty if since is not None)
        return max(waits, default=None)

    def fraction(self, model: str, now: float, reset: float) -> float:
        """What remains of 1 for *model*, by the quota that has least."""
        return min((q.fraction for q in self._of(model, now, reset)), default=1.0)

    def limit(self, model: str, now: float, reset: float) -> int:
        """The size of the quota that has least left for *model*, 0 without one."""
        quotas = self._of(model, now, reset)
        least = min(quotas, key=lambda quota: quota.left, default=Quota(0))
        return least.size

    def spend(self, model: str, now: float, reset: float) -> None:
        """Make one call of *model*, which every quota must have left."""
        for quota in self._of(model, now, reset):
            quota.spent += 1
            quota.look(now, reset)

    def _of(self, model: str, now: float, reset: float) -> Iterator[Quota]:
        """The quotas that a call of *model* needs, as they are now."""
        for name in (EVERY_MODEL, model):
            if name in self._quotas:
                self._quotas[name].look(now, reset)
                yield self._quotas[name]
