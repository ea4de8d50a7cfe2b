"""What the page reads of the books in which usage is kept."""

from typing import Protocol

from antigravity_gw.usage.counts import By, Line, Minute


class Books(Protocol):
    """
    All that was counted of requests.

    :ivar trouble: why nothing can be stored or read just now; empty if it can.
    """

    trouble: str

    async def lines(self, by: By, since: float) -> list[Line]:
        """What requests came to since a moment, most tokens first."""

    def minutes(self, since: float) -> list[Minute]:
        """The minutes in which something happened, in order."""
