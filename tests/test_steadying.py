"""Tests for ``antigravity_gw.steadying``: a clock that is set back."""

from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from antigravity_gw.steadying import LEAST, Steadying


class Machine(MemoryReactorClock):
    """A reactor whose clock can be set, beside one that cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.set_back = 0.0
        self.advance(1_000_000.0)

    def steady(self) -> float:
        """Seconds that nobody can set."""
        return float(self.seconds()) + self.set_back

    def set_clock_back(self, seconds: float) -> None:
        """The clock says something else from now on."""
        self.rightNow -= seconds
        self.set_back += seconds


@pytest.fixture
def machine() -> Machine:
    """A machine whose clock is right."""
    return Machine()


def test_timers_go_on(machine: Machine, logged: list[dict[str, Any]]) -> None:
    """What was to be done in ten seconds is done in ten seconds."""
    done: list[str] = []
    steadying = Steadying(machine, machine.steady)
    machine.callLater(10.0, done.append, "soon")
    machine.callLater(7200.0, done.append, "late")
    machine.advance(1.0)
    machine.set_clock_back(3600.0)
    steadying.look()
    machine.advance(8.9)
    assert done == []
    machine.advance(0.2)
    assert done == ["soon"]
    machine.advance(7200.0 - 10.1)

    assert done == ["soon", "late"]
    assert [event["seconds"] for event in logged] == [3600.0]


def test_what_is_overdue(machine: Machine) -> None:
    """What should have been done while nobody looked is done at once."""
    done: list[str] = []
    steadying = Steadying(machine, machine.steady)
    machine.callLater(0.5, done.append, "now")
    machine.set_clock_back(60.0)
    machine.rightNow += 1.0  # nobody has looked yet
    steadying.look()
    machine.advance(0.0)

    assert done == ["now"]


@pytest.mark.parametrize("seconds", [0.0, LEAST / 2, -3600.0])
def test_nothing_to_mend(
    machine: Machine, seconds: float, logged: list[dict[str, Any]]
) -> None:
    """A clock that is put right by a little, or set ahead, has timers come by it."""
    done: list[str] = []
    steadying = Steadying(machine, machine.steady)
    machine.callLater(10.0, done.append, "then")
    machine.set_clock_back(seconds)
    steadying.look()
    machine.advance(10.0 + max(0.0, seconds))

    assert (done, logged) == (["then"], [])


def test_it_is_watched(machine: Machine) -> None:
    """A thread looks while the daemon runs, and no longer."""
    looked: list[Any] = []
    machine.callFromThread = lambda look: looked.append(look) or steadying.stopService()
    steadying = Steadying(machine, machine.steady)
    steadying.startService()
    machine.run()
    assert steadying._ended.wait(30.0)

    assert looked == [steadying.look]
