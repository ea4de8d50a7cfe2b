"""Tests for ``antigravity_gw.supervision``: what systemd asks for, in which words."""

import pytest

from antigravity_gw.supervision import Supervision, more_time, reloading, status

HOUR = {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "3600000000"}


def test_what_is_asked_for() -> None:
    """Where to report, and for how long one may say nothing; life is shown twice."""
    supervision = Supervision.taken({**HOUR, "WATCHDOG_PID": "7"}, 7)

    assert supervision == Supervision("/run/n", 3600.0)
    assert supervision.alive_every == 1800.0


def test_nobody_asks() -> None:
    """Without the variables there is nobody to tell."""
    assert Supervision.taken({}, 7) == Supervision()


def test_another_process_is_watched() -> None:
    """A watchdog that is set on our parent is not ours to feed."""
    assert Supervision.taken({**HOUR, "WATCHDOG_PID": "8"}, 7).alive_every == 0


@pytest.mark.parametrize("every", ["", "soon", "-1", "0", "1.5", "\u0663"])
def test_no_time(every: str) -> None:
    """What is no number of microseconds sets no watchdog."""
    assert Supervision.taken({**HOUR, "WATCHDOG_USEC": every}, 7).alive_every == 0


def test_children_do_not_report() -> None:
    """The variables are taken out, and others stay."""
    environ = {**HOUR, "WATCHDOG_PID": "7", "HOME": "/"}
    Supervision.taken(environ, 7)

    assert environ == {"HOME": "/"}


def test_addresses() -> None:
    """A path is a path, and an abstract name is written with an at sign."""
    assert Supervision("/run/n").socket_address() == "/run/n"
    assert Supervision("@n").socket_address() == "\0n"
    with pytest.raises(ValueError, match="neither"):
        Supervision("vsock:2:1234").socket_address()


def test_words() -> None:
    """Times are in whole microseconds, and a status is one line."""
    assert reloading(12.3456789) == ("RELOADING=1", "MONOTONIC_USEC=12345678")
    assert more_time(1.5) == "EXTEND_TIMEOUT_USEC=1500000"
    assert status("a\nREADY=1  b") == "STATUS=a READY=1 b"
    assert len(status("x" * 5000)) < 500
