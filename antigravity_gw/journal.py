"""What is remembered of one request, for the line that is logged about it."""

from attrs import define


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
    :ivar trouble: what went wrong, in general terms; the last thing that did.
    """

    key: str = ""
    asked: str = ""
    model: str = ""
    account: str = ""
    attempts: int = 0
    events: int = 0
    trouble: str = ""

    def line(self) -> str:
        """The part of the log line that this record knows; empty without a model."""
        facts = {
            "key": self.key,
            "model": self.asked,
            "as": self.model if self.model != self.asked else "",
            "account": self.account,
            "attempts": self.attempts,
            "events": self.events,
            "trouble": self.trouble and f'"{self.trouble}"',
        }
        return " ".join(f"{name}={value}" for name, value in facts.items() if value)
