"""An account, and what the pool remembers of it.  No clock: *now* is an argument."""

import math

from attrs import define, field, frozen

from antigravity_gw.pool.hold import Hold, Holds
from antigravity_gw.record import Record
from antigravity_gw.wire.companion import Remaining

STALE = 86400.0
"""What Google has said of a quota is worth so many seconds."""

LEAST_HEADROOM = 0.01
"""What an account counts with that has next to no quota left."""


@frozen
class Access:
    """
    An access token, and how long it is used.

    :ivar expires: when it is not used any more, in POSIX seconds.
    :ivar minted_from: tells the credential it was exchanged for.
    """

    token: str = field(repr=False)
    expires: float
    minted_from: str = field(repr=False)


@frozen
class Known:
    """
    An account as the store has it: what was said, and what was learnt.

    :ivar holds: by model.
    :ivar project: the one that was found for it.
    :ivar quota: what remains, by model.
    :ivar quota_seen: when Google said so, in POSIX seconds.
    """

    record: Record
    holds: dict[str, Hold] = field(factory=dict)
    access: Access | None = None
    project: str | None = field(default=None, repr=False)
    quota: dict[str, Remaining] = field(factory=dict)
    quota_seen: float = 0.0


@define(eq=False)
class Account:
    """
    One account in the pool.

    :ivar client_id: names the OAuth client it is used with.
    :ivar project: the one that was found for it.
    :ivar doubted: the project that upstream has refused, while it is not known
        whether there is a better one.
    :ivar configured_until: until when to make do with the configured project
        instead of asking for another, in POSIX seconds.
    :ivar quota: what remains by model, according to Google.
    :ivar quota_seen: when it said so, in POSIX seconds.
    :ivar serving: how many requests it is serving now.
    """

    record: Record
    client_id: str = ""
    holds: Holds = field(factory=Holds)
    project: str | None = field(default=None, repr=False)
    doubted: str | None = field(default=None, repr=False)
    configured_until: float = 0.0
    quota: dict[str, Remaining] = field(factory=dict)
    quota_seen: float = 0.0
    serving: int = 0

    def start_afresh(self, known: Known) -> None:
        """Forget what was learnt, and go by what is *known*."""
        self.record = known.record
        self.holds = Holds(dict(known.holds))
        self.project, self.doubted = known.project, None
        self.configured_until = 0.0
        self.quota, self.quota_seen = dict(known.quota), known.quota_seen

    def known(self) -> Known:
        """What is known of it, as far as that says in which state it is."""
        return Known(
            self.record,
            self.holds.by_model,
            quota=self.quota,
            quota_seen=self.quota_seen,
        )

    @property
    def id(self) -> str:
        """Its opaque id."""
        return self.record.id

    @property
    def epoch(self) -> int:
        """The age since which the operator has said nothing new of it."""
        return self.record.epoch

    @property
    def is_full(self) -> bool:
        """Whether it serves as many requests as it may."""
        most = self.record.concurrency
        return most is not None and self.serving >= most

    def can_serve(self, model: str, now: float) -> bool:
        """Whether it may be asked for *model* now."""
        return not (
            self.is_full
            or self.record.disabled is not None
            or self.holds.bar(model, now)
        )

    def free_at(self, model: str, now: float) -> float:
        """When no hold is in force, in POSIX seconds; infinite for not by itself."""
        if self.record.disabled is not None:
            return math.inf
        return self.holds.free_at(model, now)

    def waits_for(self, model: str, now: float) -> str | None:
        """What a person has to do before it may be asked for *model*, if anything."""
        if self.record.disabled is not None:
            return "disabled"
        held = self.holds.in_force(model, now)
        return next((hold.need.value for hold in held if hold.need), None)

    def remaining(self, model: str, now: float) -> float | None:
        """What is left of *model*'s quota, from 0 to 1; None when nobody knows."""
        left = self.quota.get(model)
        if left is None or now > self.quota_seen + STALE:
            return None
        is_back = left.resets is not None and left.resets <= now
        return None if is_back else left.fraction

    def headroom(self, model: str, now: float) -> float:
        """:meth:`remaining`, with an unknown one counted as all of it."""
        left = self.remaining(model, now)
        return 1.0 if left is None else max(left, LEAST_HEADROOM)

    def is_empty(self, model: str, now: float) -> bool:
        """Whether Google says in so many words that there is nothing left."""
        return self.remaining(model, now) == 0.0
