"""What comes of asking one account a question.  No I/O, no clock."""

from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen

from antigravity_gw.causes import Cause
from antigravity_gw.objects import state_object
from antigravity_gw.pool.account import Known
from antigravity_gw.pool.hold import Hold
from antigravity_gw.states import Label, State, state_of

NOBODYS_FAULT = "nothing about the account, which is not to blame; test it again later"
"""What to do when a test failed and nothing is held against the account."""


@frozen
class Outcome:
    """
    How an account has done.

    :ivar model: the one that was asked.
    :ivar reason: why it does not serve; None when it does.
    :ivar seconds: how long that took to find out.
    :ivar holds: what is held against it now, and was found out just now.
    :ivar cause: what is behind it, if the answer has said so.
    """

    model: str
    reason: str | None
    seconds: float
    holds: Mapping[str, Hold] = field(factory=dict)
    cause: Cause | None = None

    @property
    def serves(self) -> bool:
        """Whether an answer came."""
        return self.reason is None


@frozen
class Result:
    """
    What came of testing an account.

    :ivar known: the account, as it is known afterwards.
    :ivar state: its state.
    :ivar found: the state it would have for what was found out just now.
    """

    known: Known
    outcome: Outcome
    state: State
    found: State

    @classmethod
    def of(cls, known: Known, outcome: Outcome, now: float) -> "Result":
        """The result for an account that has just been tried."""
        enabled = evolve(known.record, disabled=None)
        found = evolve(known, record=enabled, holds=dict(outcome.holds))
        return cls(known, outcome, state_of(known, now), state_of(found, now))

    @property
    def is_unexplained(self) -> bool:
        """Whether it does not serve, and that is nothing held against it."""
        return not self.outcome.serves and self.found.label is Label.SERVING

    @property
    def is_as_before(self) -> bool:
        """Whether it is still in a state from before, which was not found just now."""
        return self.state.reason not in (None, self.found.reason)

    def as_object(self) -> dict[str, Any]:
        """For programs."""
        record, outcome = self.known.record, self.outcome
        state = self.state if outcome.serves or self.is_unexplained else self.found
        told = {
            "name": record.name,
            "id": record.id,
            "model": outcome.model,
            "serves": outcome.serves,
            "seconds": round(outcome.seconds, 3),
            **state_object(state),
            "reason": outcome.reason,
        }
        return {**told, "to_do": NOBODYS_FAULT} if self.is_unexplained else told
