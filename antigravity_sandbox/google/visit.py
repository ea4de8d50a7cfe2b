"""A call whose caller is known."""

from collections.abc import Mapping

from attrs import field, frozen

from antigravity_sandbox.accounts import Standing
from antigravity_sandbox.calls import Call
from antigravity_sandbox.google.errors import About
from antigravity_sandbox.kinds import CODE_ASSIST
from antigravity_sandbox.reply import Json


@frozen
class Ids:
    """What every event of an answer repeats."""

    response: str
    trace: str
    created: float


@frozen
class Visit:
    """
    A call with good credentials.

    :ivar standing: whose they are.
    :ivar body: the JSON object that was sent, empty when nothing was.
    :ivar now: the time of the call, in POSIX seconds.
    :ivar tricks: the models that misbehave when this kind of account asks for
        them, and how.
    """

    call: Call
    standing: Standing
    body: Json
    now: float
    ids: Ids
    tricks: Mapping[str, str] = field(factory=dict)

    @property
    def about(self) -> About:
        """What an error would have to tell of."""
        return About(
            model=self.call.model,
            project=self.standing.project,
            now=self.now,
            kind=self.call.kind or CODE_ASSIST,
            method=self.call.method,
            location=self.call.named.get("location", "global"),
            key=self.standing.account.api_key,
        )
