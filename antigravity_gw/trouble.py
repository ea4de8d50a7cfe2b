"""What goes wrong for a while, and is told of once."""

from attrs import define
from twisted.logger import Logger


@define(eq=False)
class LastingTrouble:
    """
    Trouble that may last, of which the log tells no more often than it changes.

    :ivar log: where it is told of.
    :ivar begins: what is said when there is trouble, or another; ``{error}`` in it
        is which.
    :ivar is_over: what is said when there is none any more.
    :ivar error: which trouble there is just now; empty for none.
    """

    log: Logger
    begins: str
    is_over: str
    error: str = ""

    def __bool__(self) -> bool:
        return bool(self.error)

    def note(self, error: str) -> None:
        """There is this trouble now; or none, if *error* is empty."""
        if error == self.error:
            return
        self.error = error
        if error:
            self.log.error(self.begins, error=error)
        else:
            self.log.warn(self.is_over)
