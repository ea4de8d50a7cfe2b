"""How much the log says, by the part of the daemon that says it.  No I/O."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from attrs import field, frozen

Level = Literal["debug", "info", "warn", "error", "critical", "off"]

FormName = Literal["auto", "text", "json", "journal"]

RANKS = {"debug": 0, "info": 1, "warn": 2, "error": 3, "critical": 4, "off": 5}

SUBSYSTEMS: Mapping[str, tuple[str, ...]] = {
    "requests": ("antigravity_gw.web.site",),
    "web": (
        "antigravity_gw.web",
        "antigravity_gw.listening",
        "antigravity_gw.accepting",
        "antigravity_gw.relay",
    ),
    "upstream": (
        "antigravity_gw.gateway",
        "antigravity_gw.upstream",
        "antigravity_gw.kinds",
    ),
    "pool": ("antigravity_gw.pool",),
    "store": (
        "antigravity_gw.pool.watch",
        "antigravity_gw.pool.writer",
        "antigravity_gw.usage",
    ),
    "daemon": ("antigravity_gw",),
    "twisted": ("",),
}
"""
The parts of the daemon as operators know them, and the modules that each is.

A module belongs to the part that names most of its path.
"""


@lru_cache(maxsize=1024)  # it is asked for each line
def subsystem_of(namespace: str) -> str:
    """The part of the daemon that what was said in *namespace* comes from."""
    homes = {home: name for name, all in SUBSYSTEMS.items() for home in all}
    while namespace and namespace not in homes:
        namespace = namespace.rpartition(".")[0]
    return homes[namespace]


@frozen
class Levels:
    """
    The least that is said, in general and by some subsystems.

    :ivar level: holds where nothing else does.
    :ivar of: by subsystem.
    """

    level: Level = "info"
    of: Mapping[str, Level] = field(factory=dict)
    _least: dict[str, int] = field(factory=dict, init=False, repr=False, eq=False)

    def lets_through(self, namespace: str, level: str) -> bool:
        """Whether what is said in *namespace* with *level* goes into the log."""
        least = self._least.get(namespace)
        if least is None:
            least = RANKS[self.of.get(subsystem_of(namespace), self.level)]
            self._least[namespace] = least
        return RANKS[level] >= least
