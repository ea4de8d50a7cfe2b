"""
Leaving an account alone: why, for how long, and the way back.

A hold that is over does not vanish: one request tries whether things are well
again, and only when that is served is the hold forgotten.  While it tries, the
others stay away; if it fails, they stay away for longer.  No clock and no dice:
*now* and *chance* are arguments.
"""

import math

from attrs import define, evolve, field, frozen

from antigravity_gw.needs import Need

EVERY_MODEL = "*"
"""Stands for the account as a whole where a model is named."""

ACCESS = "@access"
"""Stands for its access token and its project, without which no model is asked."""

SHORTEST = 1.0
"""A hold lasts so many seconds at least, whatever upstream says."""

LONGEST_TRIAL = 10.0
"""A trial that has shown nothing in so many seconds is followed by another one."""

FORGOTTEN = 86400.0
"""A hold that is over for so many seconds is not worth a trial."""

SET_BACK = 60.0
"""A clock that says so many seconds before a hold began has been set back."""

JITTER, MOST_JITTER = 0.1, 3.0
"""How much longer than asked one may last: this share, and so many seconds."""


@frozen
class Rest:
    """
    How long to leave something alone when upstream does not say, in seconds.

    :ivar first: the first time.
    :ivar longest: however often it fails, doubling each time.
    """

    first: float
    longest: float

    def seconds(self, asked: float | None, repeats: int) -> float:
        """
        How long this time: what upstream *asked*, without a cap, or what has grown.

        :param repeats: how many holds there were before in a row.
        """
        first = max(SHORTEST, self.first if asked is None else asked)
        grown = first * 2.0 ** min(repeats, 64)
        return max(first, min(grown, self.longest))


@frozen
class Hold:
    """
    Why an account, or one model of it, is left alone.

    :ivar reason: a clause for the operator; it holds no secret.
    :ivar since: when the first of them in a row began, in POSIX seconds.
    :ivar until: when one request may try, in POSIX seconds; None for not before
        the operator says so.
    :ivar need: what a person has to do; None when it passes by itself.
    :ivar repeats: how many there were before in a row.
    :ivar link: where the person can do it.
    """

    reason: str
    since: float
    until: float | None = None
    need: Need | None = None
    repeats: int = 0
    link: str | None = field(default=None, repr=False)

    @property
    def ends(self) -> float:
        """:attr:`until` as a number; infinite when that is the operator's affair."""
        return math.inf if self.until is None else self.until

    def is_in_force(self, now: float) -> bool:
        """
        Whether nobody may try yet.

        One that ends does so even if the clock was set back meanwhile: when it
        seems not to have begun, nobody knows any more how long it was to last.
        """
        if self.until is None:
            return True
        return self.since - SET_BACK < now < self.until

    def with_(self, other: "Hold") -> "Hold":
        """
        Both of them: for as long as the longer one, for the graver reason.

        :param other: a later one.
        """
        if self.need is not None and other.need is None:
            graver = self
        elif self.need is None and other.need is not None:
            graver = other
        else:
            graver = self if self.ends >= other.ends else other
        longer = max(self, other, key=lambda hold: hold.ends)
        return evolve(graver, until=longer.until)


@frozen(eq=False)
class Trial:
    """
    One request's try whether holds that are over still hold.

    :ivar keys: those it tries.
    :ivar until: how long the others leave it at that, in POSIX seconds.
    """

    keys: frozenset[str]
    until: float


@define(eq=False)
class Holds:
    """The holds of one account, by model."""

    by_model: dict[str, Hold] = field(factory=dict)
    _trials: dict[str, Trial] = field(factory=dict, init=False)

    def on(self, model: str) -> list[Hold]:
        """All that concern *model*, those of the whole account among them."""
        return [self.by_model[key] for key in self._keys(model)]

    def in_force(self, model: str, now: float) -> list[Hold]:
        """Those because of which *model* must not be asked for now."""
        return [hold for hold in self.on(model) if hold.is_in_force(now)]

    def bar(self, model: str, now: float) -> bool:
        """Whether to stay away from *model*: a hold is in force, or being tried."""
        if not self.by_model:  # as nearly always
            return False
        trials = (self._trials.get(key) for key in self._keys(model))
        is_tried = any(trial is not None and now < trial.until for trial in trials)
        return is_tried or bool(self.in_force(model, now))

    def free_at(self, model: str, now: float) -> float:
        """When no hold on *model* is in force, in POSIX seconds; may be infinite."""
        return max((hold.ends for hold in self.in_force(model, now)), default=now)

    def try_out(self, model: str, now: float) -> Trial:
        """
        Let one request try whether the holds on *model*, all over, still hold.

        :returns: what to give to :meth:`tried` when that is known.
        """
        trial = Trial(frozenset(self._keys(model)), now + LONGEST_TRIAL)
        self._trials |= dict.fromkeys(trial.keys, trial)
        return trial

    def tried(self, trial: Trial) -> None:
        """The request is through with it, well or not; a later one may go on."""
        for key in trial.keys:
            if self._trials.get(key) is trial:
                del self._trials[key]

    def forget(self, now: float) -> list[str]:
        """
        Forget the holds that are long over.

        :returns: the keys whose hold is gone.
        """
        over = [k for k, hold in self.by_model.items() if hold.ends + FORGOTTEN < now]
        for key in over:
            del self.by_model[key]
        return over

    def place(
        self,
        key: str,
        now: float,
        rest: Rest | None,
        reason: str,
        *,
        asked: float | None = None,
        chance: float = 0.0,
        need: Need | None = None,
        link: str | None = None,
    ) -> Hold | None:
        """
        Leave *key* alone from now on: a model, or what stands for more.

        Calls that were under way when a hold began are no repeats of it,
        however many of them fail.

        :param rest: for how long; None for until the operator says so.
        :param asked: the seconds upstream asked to wait, if it did.
        :param chance: from 0 to 1; how much of the jitter to add.
        :returns: the hold, or None when one in force says as much already.
        """
        old = self.by_model.get(key)
        is_fresh = old is not None and old.is_in_force(now)
        since, repeats, until = now, 0, None
        if old is not None and old.need is need:
            # The clock may have been set back to before it began.
            since, repeats = min(old.since, now), old.repeats + (not is_fresh)
        if rest is not None:
            seconds = rest.seconds(asked, repeats)
            until = now + seconds + chance * min(JITTER * seconds, MOST_JITTER)
        hold = Hold(reason, since, until, need, repeats, link)
        if old is not None and is_fresh:
            hold = old.with_(hold)
            if hold == old:
                return None
        self.by_model[key] = hold
        return hold

    def forgive(self, need: Need) -> list[str]:
        """
        What made a person necessary may have been mended.

        :returns: the keys whose hold is gone.
        """
        forgiven = [key for key, hold in self.by_model.items() if hold.need is need]
        for key in forgiven:
            del self.by_model[key]
        return forgiven

    def lift(self, now: float, *keys: str) -> dict[str, Hold]:
        """
        These were served, so those of their holds that are over have done their work.

        One in force stays: what was served may have been asked before it began.

        :returns: the holds that are gone, by their keys.
        """
        over = {
            key: self.by_model[key]
            for key in keys
            if key in self.by_model and not self.by_model[key].is_in_force(now)
        }
        for key in over:
            del self.by_model[key]
        return over

    def _keys(self, model: str) -> list[str]:
        keys = dict.fromkeys((EVERY_MODEL, ACCESS, model))
        return [key for key in keys if key in self.by_model]
