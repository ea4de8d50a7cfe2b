"""Keeping the pool in step with the store, which the command line changes too."""

from typing import ClassVar

from attrs import define, field
from twisted.logger import Logger

from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.pool.store import StoreError


@define(eq=False)
class StoreWatch:
    """
    Lets the pool take up changes of the store, every time it looks, and store
    what it could not store before.

    Looking never fails, so that one bad moment of the disk does not end it.
    """

    pool: AccountPool
    _trouble: str = field(default="", init=False)
    _log: ClassVar[Logger] = Logger()

    def look(self) -> None:
        """Look; say it once when that fails, and once when it works again."""
        try:
            self.pool.refresh()
            trouble = ""
        except StoreError as error:
            trouble = error.message
        if trouble != self._trouble:
            self._trouble = trouble
            self._log.warn(
                "{what}", what=trouble or "the account store can be read again"
            )
        self.pool.writer.retry()
