"""Tests for ``antigravity_gw.logs``: what the log says, in which form, and where."""

import io
import json
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.application.service import Application
from twisted.logger import (
    ILogObserver,
    Logger,
    LogLevel,
    formatEventAsClassicLogText,
)
from twisted.python.failure import Failure

from antigravity_gw.config import LogLevels
from antigravity_gw.daemon import Daemon
from antigravity_gw.journal import Served
from antigravity_gw.logs.levels import SUBSYSTEMS, Levels, subsystem_of
from antigravity_gw.logs.lines import FilteredLog, LineLog, Manner
from antigravity_gw.logs.places import NoSuchPlace, is_journal, opened

EVENT = {"log_namespace": "antigravity_gw.x", "log_level": LogLevel.info}
EVERYTHING = Levels("debug")


def written(
    *events: dict[str, Any], form: Any = "text", is_journal: bool = False
) -> str:
    """What is in the file after these."""
    file = io.StringIO()
    log = LineLog(file, Manner(form, EVERYTHING), is_journal)
    for event in events:
        log(event)
    return file.getvalue()


def failed() -> Failure:
    """An error with a traceback."""
    try:
        raise ValueError("x")
    except ValueError:
        return Failure()


@pytest.mark.parametrize(
    "event",
    [
        {"log_format": "{served}", "served": Served(method="GET", path="/")},
        {"log_format": "{served}", "served": Served(trouble="{braces} stay")},
        {"log_format": "{a} and {b}", "a": 1, "b": "two"},
        {"log_format": "two\nlines"},
        {"log_format": "bad", "log_failure": Failure(ValueError("x"))},
        {"log_format": "x", "log_system": "-"},
    ],
)
def test_the_same_as_twisted(event: dict[str, Any]) -> None:
    """Time, system and text, and tracebacks."""
    events = [{**EVENT, **event, "log_time": t} for t in (1e9, 1e9 + 0.9, 1e9 + 1.1)]
    expected = [formatEventAsClassicLogText(event) for event in events]

    assert written(*events) == "".join(str(text) for text in expected)


@pytest.mark.parametrize("form", ["text", "json", "journal"])
def test_nothing_to_say(form: str) -> None:
    """An event without words is none."""
    assert written({**EVENT, "log_time": 1e9, "log_format": ""}, form=form) == ""


def test_the_journal() -> None:
    """An event is one line with its priority, and no time; the journal has that."""
    events = [
        {**EVENT, "log_level": level, "log_time": 1e9, "log_format": "two\nlines"}
        for level in LogLevel.iterconstants()
    ]

    assert written(*events, form="journal").splitlines() == [
        f"<{number}>[antigravity_gw.x#{level}] two\\nlines"
        for number, level in zip(
            (7, 6, 4, 3, 2), ("debug", "info", "warn", "error", "critical"), strict=True
        )
    ]


def test_a_traceback_in_the_journal() -> None:
    """It is in the line of its event, which stays one."""
    event = {**EVENT, "log_time": 1e9, "log_format": "bad", "log_failure": failed()}
    line = written(event, form="journal")

    assert line.count("\n") == 1
    assert line.startswith("<6>[antigravity_gw.x#info] bad\\nTraceback")


def test_json() -> None:
    """A line is an object: when, how bad, where from, what, and the values in it."""
    event = {
        **EVENT,
        "log_namespace": "antigravity_gw.pool.pool.AccountPool",
        "log_time": 1e9 + 0.25,
        "log_format": "{a} and {b}\n{c}",
        "a": 1,
        "b": "two",
        "c": object,
    }
    told = json.loads(written(event, form="json"))
    message = told.pop("message")

    assert message.startswith("1 and two\n<class")
    assert told == {
        "time": "2001-09-09T01:46:40.250000Z",
        "level": "info",
        "subsystem": "pool",
        "logger": "antigravity_gw.pool.pool.AccountPool",
        "a": 1,
        "b": "two",
    }


def test_a_request_in_json() -> None:
    """All that is known of a request stands by its name."""
    served = Served(id="r", method="GET", path="/x", status=200, sent=5, key="ci")
    event = {**EVENT, "log_time": 1e9, "log_format": "{served}", "served": served}
    told = json.loads(written(event, form="json"))

    assert told["message"] == "GET /x 200"
    assert told.items() >= served.facts().items()
    assert datetime.fromisoformat(told["time"]).timestamp() == 1e9


def test_a_failure_in_json() -> None:
    """Its traceback has a field of its own."""
    event = {**EVENT, "log_time": 1e9, "log_format": "bad", "log_failure": failed()}
    told = json.loads(written(event, form="json"))

    assert told["message"] == "bad"
    assert told["traceback"].endswith("builtins.ValueError: x\n")


@pytest.mark.parametrize("value", [2**70, -(2**70), "half a pair \ud800"])
def test_odd_values_in_json(value: object) -> None:
    """Whatever a value is, the line is JSON."""
    event = {**EVENT, "log_time": 1e9, "log_format": "{value}", "value": value}

    assert json.loads(written(event, form="json"))["value"] == value


def test_values_of_strangers() -> None:
    """What other libraries put into their events is not known to be fit to be told."""
    event = {**EVENT, "log_namespace": "twisted.x", "log_time": 1e9}
    told = json.loads(
        written({**event, "log_format": "said", "header": "secret"}, form="json")
    )

    assert "header" not in told


def test_values_do_not_pass_for_others() -> None:
    """A value that is called as what each line has cannot take its place."""
    event = {**EVENT, "log_time": 1e9, "log_format": "said", "level": 3, "time": 4}
    told = json.loads(written(event, form="json"))

    assert (told["level"], told["time"]) == ("info", "2001-09-09T01:46:40.000000Z")


def test_json_in_the_journal() -> None:
    """It is led by the priority, which the journal takes off."""
    event = {**EVENT, "log_time": 1e9, "log_format": "said"}

    assert written(event, form="json", is_journal=True).startswith('<6>{"time":')


def test_auto() -> None:
    """The form is the journal's where that reads, else that for people."""
    event = {**EVENT, "log_time": 1e9, "log_format": "said"}

    for is_there, form in ((True, "journal"), (False, "text")):
        expected = written(event, form=form)
        assert written(event, form="auto", is_journal=is_there) == expected


def test_half_a_character() -> None:
    """What cannot be written as it is, is written all the same."""
    file = io.TextIOWrapper(io.BytesIO(), "ascii")
    log = LineLog(file, Manner())
    log({**EVENT, "log_time": 1e9, "log_format": "é \ud800"})

    assert b"\\xe9 \\ud800" in file.buffer.getvalue()  # type: ignore[attr-defined]


# Levels


def test_subsystems_have_settings() -> None:
    """Each part of the daemon has a level of its own, and nothing else has."""
    assert set(SUBSYSTEMS) == {a.name for a in attrs.fields(LogLevels)}


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [
        ("antigravity_gw.web.site.GatewaySite", "requests"),
        ("antigravity_gw.web.guard.Guard", "web"),
        ("antigravity_gw.gateway.Gateway", "upstream"),
        ("antigravity_gw.pool.tokens.Tokens", "pool"),
        ("antigravity_gw.pool.writer.StoreWriter", "store"),
        ("antigravity_gw.reloading.Reloading", "daemon"),
        ("twisted.internet.protocol", "twisted"),
        ("antigravity_gwx", "twisted"),
        ("", "twisted"),
    ],
)
def test_subsystems(namespace: str, expected: str) -> None:
    """A module belongs to the part that names most of its path."""
    assert subsystem_of(namespace) == expected


def test_levels() -> None:
    """A part's own level holds for it, and the general one for the others."""
    levels = Levels("warn", {"requests": "off", "pool": "debug"})

    assert levels.lets_through("antigravity_gw.pool.tokens", "debug")
    assert not levels.lets_through("antigravity_gw.web.site", "critical")
    assert levels.lets_through("antigravity_gw.web.guard", "warn")
    assert not levels.lets_through("antigravity_gw.web.guard", "info")


def test_another_manner() -> None:
    """Form and levels change from one line to the next, and none is lost."""
    file, event = io.StringIO(), {**EVENT, "log_time": 1e9, "log_format": "said"}
    log = LineLog(file, Manner())
    log(event)
    log.go_by(Manner("journal"))
    log(event)
    log.go_by(Manner("text", Levels("warn")))
    log(event)

    assert [line[-26:] for line in file.getvalue().splitlines()] == [
        "[antigravity_gw.x#info] said"[-26:],
        "[antigravity_gw.x#info] said"[-26:],
    ]


def test_another_log_is_filtered() -> None:
    """Where the form is another's, such as syslog's, the levels hold, too."""
    heard: list[Any] = []
    log = FilteredLog(heard.append, Manner("auto", Levels("warn")))  # type: ignore[arg-type]
    log(EVENT)
    log.go_by(Manner())
    log(EVENT)

    assert heard == [EVENT]


# Places


def test_whose_log() -> None:
    """An application has our log, and twistd asks it."""
    application: Any = Application("x")
    log = LineLog(io.StringIO())
    Daemon({}, log).setServiceParent(application)

    assert application.getComponent(ILogObserver) is log


def test_in_front() -> None:
    """In the foreground, lines go to standard output."""
    for name in (None, "", "-"):
        log: Any = opened({"nodaemon": True, "logfile": name}, {}, Manner())
        assert log.file is sys.stdout


def test_in_a_file(tmp_path: Path) -> None:
    """With --logfile they go there, in the form that is configured."""
    path, event = tmp_path / "gw.log", {**EVENT, "log_time": 1e9}
    before = signal.getsignal(signal.SIGUSR1)
    try:
        twistd = {"nodaemon": True, "logfile": str(path)}
        log: Any = opened(twistd, {}, Manner("journal"))
    finally:
        signal.signal(signal.SIGUSR1, before)
    log({**event, "log_format": "said é \ud800"})
    log.file.close()

    assert path.read_text() == "<6>[antigravity_gw.x#info] said \\xe9 \\ud800\n"


def test_no_such_place(tmp_path: Path) -> None:
    """What cannot be opened is told of in a sentence."""
    with pytest.raises(NoSuchPlace, match="--nodaemon"):
        opened({"nodaemon": False, "logfile": "-"}, {}, Manner())
    with pytest.raises(NoSuchPlace, match="No such file"):
        opened({"nodaemon": True, "logfile": str(tmp_path / "no" / "x")}, {}, Manner())


def test_somebody_else_logs(tmp_path: Path) -> None:
    """With --logger, no file is opened that nobody would write to."""
    path = tmp_path / "gw.log"
    opened({"nodaemon": True, "logger": "x.y", "logfile": str(path)}, {}, Manner())

    assert not path.exists()


def test_syslog() -> None:
    """Syslog has Twisted's form, and our levels."""
    assert isinstance(
        opened({"syslog": True, "prefix": "gw"}, {}, Manner()), FilteredLog
    )


def test_is_journal(tmp_path: Path) -> None:
    """The journal reads when the file is the one that systemd names."""
    with (tmp_path / "x").open("w") as file:
        stat = os.fstat(file.fileno())
        named = {"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"}

        assert is_journal(file, named)
        assert not is_journal(file, {})
        assert not is_journal(file, {"JOURNAL_STREAM": f"{stat.st_dev}:1"})
    assert not is_journal(io.StringIO(), named)


def test_quiet_debugging_is_cheap() -> None:
    """A line that nobody wants is not put into words."""
    asked: list[str] = []

    class Costly:
        def __format__(self, spec: str) -> str:
            asked.append(spec)
            return ""

    log = LineLog(io.StringIO())
    logger = Logger("antigravity_gw.x", observer=log)
    logger.debug("{costly}", costly=Costly())
    assert asked == []
    log.go_by(Manner("text", EVERYTHING))
    logger.debug("{costly}", costly=Costly())

    assert asked == [""]
