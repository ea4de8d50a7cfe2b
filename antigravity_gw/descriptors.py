"""
File descriptors: how many are needed, and making room for them.

Each connection takes one, the clients' and those to Google alike.
"""

import resource

from attrs import frozen
from twisted.application.service import Service
from twisted.logger import Logger

from antigravity_gw.config import Limits
from antigravity_gw.web.connections import Connections

SPARE = 96
"""For the log, the store, the listeners, and what libraries open."""

PLENTY = 4096
"""
Nobody is warned who has as many, unless he asked for more: 2000 streams at once.

The default of ``limits.requests`` bounds what is held in memory; it is nobody's wish.
"""


@frozen
class Room:
    """
    What there is room for.

    :ivar descriptors: how many may be open.
    :ivar needed: how many the configuration may come to need.
    :ivar connections: how many clients may be connected.
    :ivar is_tight: whether that is less than somebody would expect.
    """

    descriptors: int
    needed: int
    connections: int
    is_tight: bool


def room(limits: Limits, soft: int, hard: int) -> Room:
    """
    What to make of the limits of this process.

    :param soft: ``RLIMIT_NOFILE`` as it is; negative for none.
    :param hard: as far as it can be raised.
    """
    wanted = max(limits.requests, limits.connections)
    needed = wanted + limits.requests + SPARE
    raised = needed if hard < 0 else min(needed, hard)
    descriptors = raised if 0 <= soft < raised else soft
    if descriptors < 0:
        return Room(descriptors, needed, limits.connections or needed // 2, False)
    asked = limits.connections > 0 or limits.requests != Limits().requests
    return Room(
        descriptors,
        needed,
        limits.connections or max(1, descriptors // 2),
        is_tight=descriptors < (needed if asked else min(needed, PLENTY)),
    )


class Descriptors(Service):
    """Raises the limit of this process to what is needed, if that can be done."""

    _log = Logger()

    def __init__(self, limits: Limits, connections: Connections) -> None:
        self._limits = limits
        self._connections = connections

    def privilegedStartService(self) -> None:
        """Make room before anybody comes in."""
        super().privilegedStartService()
        self.go_by(self._limits)

    def go_by(self, limits: Limits) -> None:
        """Make room for *limits*, and say so if there is none."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        found = room(limits, soft, hard)
        if found.descriptors != soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (found.descriptors, hard))
        self._connections.limit = found.connections
        if found.is_tight:
            self._log.warn(
                "room for {connections} connections of clients only: this process may "
                "open {descriptors} files, and limits.requests = {requests} may need "
                "{needed}. Raise it with LimitNOFILE={needed} under systemd, or with "
                "'ulimit -n {needed}' in the shell that starts it",
                connections=found.connections,
                descriptors=found.descriptors,
                requests=limits.requests,
                needed=found.needed,
            )
