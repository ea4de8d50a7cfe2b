"""What Linux says of a process: the CPU time it took, the memory it has."""

import os
import re
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
_PEAK_ONLY = "5"
"""What resets the peak, and nothing else, written to ``clear_refs``."""


class CannotMeasure(Exception):
    """The process, or what is to be known of it, is not there."""


def cpu_seconds(pid: int) -> float:
    """What all threads of a process took so far, user and system."""
    return ticks_in(_read(pid, "stat")) / TICKS


def waited_seconds(pid: int) -> float:
    """How long its main thread could have run, but its core was taken."""
    return int(_read(pid, "schedstat").split()[1]) / 1e9


def resident(pid: int) -> int:
    """The memory it has now, in KB of 1024 bytes."""
    return kilobytes_in(_read(pid, "status"), "VmRSS")


def peak(pid: int) -> int:
    """The most it has had since it started, or since :func:`reset_peak`."""
    return kilobytes_in(_read(pid, "status"), "VmHWM")


def reset_peak(pid: int) -> bool:
    """Begin a new peak; False where that is not permitted."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text(_PEAK_ONLY)
    except OSError:
        return False
    return True


def busy_seconds(core: int) -> float:
    """How long a core has worked for anybody since the machine started."""
    return busy_ticks_in(Path("/proc/stat").read_text(), core) / TICKS


def ticks_in(stat: str) -> int:
    """User and system time in the text of ``/proc/PID/stat``, in clock ticks."""
    after_name = stat[stat.rindex(")") + 2 :].split()  # a name may hold anything
    return int(after_name[11]) + int(after_name[12])


def kilobytes_in(status: str, name: str) -> int:
    """A figure in the text of ``/proc/PID/status``."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise CannotMeasure(f"/proc has no {name} of the process")
    return int(found[1])


def busy_ticks_in(stat: str, core: int) -> int:
    """All that was not idle in a core's line of ``/proc/stat``, in clock ticks."""
    found = re.search(rf"^cpu{core} (.*)$", stat, re.MULTILINE)
    if found is None:
        raise CannotMeasure(f"/proc has no core {core}")
    user, nice, system, _idle, _wait, *rest = map(int, found[1].split())
    return user + nice + system + sum(rest[:3])


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        raise CannotMeasure("the process has ended") from None
