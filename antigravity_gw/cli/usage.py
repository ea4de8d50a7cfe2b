"""``antigravity-gw usage``: what was used, for people and for programs."""

import argparse
import csv
import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from attrs import asdict

from antigravity_gw.cli.charts import chart, notes
from antigravity_gw.cli.common import CommandError, overrides, print_json, warn
from antigravity_gw.cli.words import clock_time, paragraph, span
from antigravity_gw.database import NoStore, StoreError
from antigravity_gw.loading import Loaded, load
from antigravity_gw.objects import timestamp
from antigravity_gw.pool.store import Store
from antigravity_gw.times import HOUR
from antigravity_gw.usage.counts import Count, Line, ranked, title
from antigravity_gw.usage.periods import Period, moment, whole_hours
from antigravity_gw.usage.store import UsageStore

BY = ("key", "account", "model", "hour", "day")
COURSES = ("hour", "day")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of something to compute."""


def add_usage_parser(commands: Any) -> None:
    """Add the command."""
    now = time.time()
    parser = commands.add_parser(
        "usage",
        help="requests and tokens by client key, account or model",
        description="Show requests and tokens by client key, account, model, hour or "
        "day. Needs no daemon; what a running one has counted is there after a few "
        "seconds.",
    )
    parser.add_argument("--by", choices=BY, default="key", help="default: key")
    when = partial(_moment, now)
    parser.add_argument(
        "--since",
        type=when,
        default="7d",
        metavar="WHEN",
        help="30min, 24h, 7d, 4w, 2026-11-01 or 2026-11-01T12:00:00Z (default: 7d)",
    )
    parser.add_argument(
        "--until", type=when, metavar="WHEN", help="the same (default: now)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="answer in JSON")
    form.add_argument("--csv", action="store_true", help="answer in CSV")
    parser.set_defaults(command=partial(show_usage, now))


def _moment(now: float, text: str) -> float:
    try:
        return moment(text, now)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def show_usage(now: float, options: argparse.Namespace) -> int:
    """Print what was used."""
    loaded = load(options.config, os.environ, overrides(options))
    until = now if options.until is None else options.until
    if until <= options.since:
        raise CommandError("--until must be later than --since")
    period = whole_hours(options.since, until)
    lines = _lines(loaded, options.by, period)
    names = _names(loaded) if options.by == "account" and lines else {}
    if options.json:
        print_json(_object(options.by, lines or [], names, period))
    elif options.csv:
        _print_csv(options.by, lines or [], names)
    elif lines is None:
        _say_nothing_yet(loaded)
    else:
        _print_chart(options.by, lines, names, period, now)
    return 0


def _lines(loaded: Loaded, by: str, period: Period) -> list[Line] | None:
    """What there is, named as it is stored; None when there is no store."""
    try:
        store = UsageStore.open_to_read(loaded.state_directory())
        if by not in COURSES:
            return ranked(store.sums(by, period.since, period.until))
        hours = store.sums("hour", period.since, period.until)
    except NoStore:
        return None
    return _course(by, {int(start): count for start, count in hours.items()})


def _course(by: str, hours: Mapping[int, Count]) -> list[Line]:
    """A line for each hour or day from the first to the last that has something."""
    if not hours:
        return []
    sums: dict[str, Count] = {}
    for start in range(min(hours), max(hours) + 1, HOUR):
        day = f"{datetime.fromtimestamp(start):%F}"
        name = day if by == "day" else str(timestamp(start))
        sums[name] = sums.get(name, Count()) + hours.get(start, Count())
    return [Line(name, count) for name, count in sums.items()]


def _names(loaded: Loaded) -> dict[str, str]:
    """What the operator calls the accounts that there are, by id."""
    try:
        store = Store.open_to_read(loaded.state_directory())
        return {known.record.id: known.record.name for known in store.accounts()}
    except NoStore:
        return {}
    except StoreError as error:
        warn(f"accounts are shown by their ids: {error}")
        return {}


def _label(by: str, name: str, names: Mapping[str, str]) -> dict[str, str | None]:
    """What a line is for, by the names of columns."""
    if by == "account":
        return {by: name, "name": names.get(name)}
    return {by: name}


def _numbers(count: Count) -> dict[str, int]:
    return {**asdict(count), "total": count.total}


def _object(
    by: str, lines: Sequence[Line], names: Mapping[str, str], period: Period
) -> dict[str, Any]:
    total = sum((line.count for line in lines), Count())
    return {
        "by": by,
        "from": timestamp(period.since),
        "until": timestamp(period.until),
        "lines": [
            {**_label(by, line.name, names), **_numbers(line.count)} for line in lines
        ],
        "total": _numbers(total),
    }


def _print_csv(by: str, lines: Sequence[Line], names: Mapping[str, str]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow((*_label(by, "", names), *_numbers(Count())))
    for line in lines:
        label = (name or "" for name in _label(by, line.name, names).values())
        writer.writerow((*map(harmless, label), *_numbers(line.count).values()))


def harmless(cell: str) -> str:
    """*cell*, but that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _print_chart(
    by: str,
    lines: Sequence[Line],
    names: Mapping[str, str],
    period: Period,
    now: float,
) -> None:
    until = "now" if period.until >= now else clock_time(period.until, now)
    length = span(min(period.until, now) - period.since)
    said = f"from {clock_time(period.since, now)} to {until} ({length})"
    if not lines:
        print("\n".join(paragraph(f"Nothing was used {said}.")))
        return
    shown = [Line(_shown(by, line.name, names), line.count) for line in lines]
    print(f"Usage by {by} {said}\n")
    table = chart(by.upper(), shown, is_course=by in COURSES, plain=not _has_blocks())
    print("\n".join((*table, "", *notes())))


def _shown(by: str, name: str, names: Mapping[str, str]) -> str:
    """*name* as people read it: hours by the clock of this machine."""
    if by == "hour":
        return f"{datetime.fromisoformat(name).astimezone():%F %H:%M}"
    return title(by, names.get(name, name))


def _has_blocks() -> bool:
    """Whether what is printed may have letters for bars in it."""
    try:
        "█▏".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _say_nothing_yet(loaded: Loaded) -> None:
    file = loaded.state_directory() / UsageStore.FILE_NAME
    said = "The daemon makes it soon after a client has first asked a model something."
    if not loaded.config.usage.keep_days:
        said = "usage.keep_days is 0, so the daemon writes nothing down."
    print("\n".join(paragraph(f"No usage was stored yet: there is no {file}. {said}")))
