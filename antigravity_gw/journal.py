"""What is remembered of one request, for the line that is logged about it."""

from attrs import define

from antigravity_gw.causes import Cause

SERVED = "served"
CLIENT_LEFT = "client_left"


@define
class Served:
    """
    How one request went.

    :ivar key: the name of the client's key, if it has shown one.
    :ivar asked: the model the client named.
    :ivar model: the model upstream was asked for.
    :ivar account: the opaque id of the account that was asked last.
    :ivar attempts: how many calls were made upstream.
    :ivar events: how many events were sent to the client.
    :ivar ended: how it ended, in a word: :data:`SERVED`, :data:`CLIENT_LEFT`, or
        that of the error which the client was answered with.
    :ivar trouble: what went wrong, in general terms; the last thing that did.
    :ivar cause: what was behind that, if upstream has said so.
    """

    key: str = ""
    asked: str = ""
    model: str = ""
    account: str = ""
    attempts: int = 0
    events: int = 0
    ended: str = SERVED
    trouble: str = ""
    cause: Cause | None = None

    def fail(self, ended: str, trouble: str) -> None:
        """It ends badly; why it does is said once, by who knows first."""
        if self.ended == SERVED:
            self.ended = ended
        self.trouble = self.trouble or trouble

    def line(self) -> str:
        """The part of the log line that this record knows; empty without a model."""
        facts = {
            "key": self.key,
            "model": self.asked,
            "as": self.model if self.model != self.asked else "",
            "account": self.account,
            "attempts": self.attempts,
            "events": self.events,
            "ended": self.ended if self.ended != SERVED else "",
            "trouble": self.trouble and f'"{self.trouble}"',
        }
        return " ".join(f"{name}={value}" for name, value in facts.items() if value)
