"""Times and sentences as people read them.  No clock: *now* is an argument."""

import re
import textwrap
import unicodedata
from datetime import datetime, tzinfo

from antigravity_gw.times import DAY, HOUR, MINUTE

WIDTH = 80
"""The columns there are, whatever the terminal: what is printed is also mailed."""

_UNBROKEN = re.compile(r"'antigravity-gw [^']*'|\d+ (?:s|min|h|d)\b")
"""What stays on one line: a command that people copy, a number with its unit."""

_HARD = "\N{NO-BREAK SPACE}"


def span(seconds: float) -> str:
    """A length of time, in two units at most: ``4 d 12 h``."""
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return _two(whole, HOUR, "h", MINUTE, "min")
    return _two(whole, DAY, "d", HOUR, "h")


def _two(whole: int, large: int, first: str, small: int, second: str) -> str:
    rest = whole % large // small
    return f"{whole // large} {first}" + (f" {rest} {second}" if rest else "")


def ago(moment: float, now: float) -> str:
    """How long ago something was: ``3 min ago``."""
    return "just now" if now - moment < 1 else f"{span(now - moment)} ago"


def past(moment: float, now: float, zone: tzinfo | None = None) -> str:
    """When something was, with the time by the clock where that helps."""
    said = ago(moment, now)
    return said if now - moment < HOUR else f"{said} ({clock_time(moment, now, zone)})"


def clock_time(moment: float, now: float, zone: tzinfo | None = None) -> str:
    """
    A moment by the clock, with the day if it is another.

    :param zone: None for the one of this machine.
    """
    then = datetime.fromtimestamp(moment, zone)
    if then.date() == datetime.fromtimestamp(now, zone).date():
        return f"{then:%H:%M}"
    is_near = abs(moment - now) < 6 * DAY
    return f"{then:%a %H:%M}" if is_near else f"{then:%Y-%m-%d %H:%M}"


def coming(until: float | None, now: float, zone: tzinfo | None = None) -> str:
    """When something is tried again: ``tried again in 41 min (15:46)``."""
    if until is None:
        return "not tried again by itself"
    if until <= now:
        return "about to be tried again"
    if until - now < MINUTE:
        return f"tried again in {span(until - now)}"
    return f"tried again in {span(until - now)} ({clock_time(until, now, zone)})"


def course(
    since: float | None,
    until: float | None,
    now: float,
    zone: tzinfo | None = None,
) -> str:
    """When something began, and when it is tried again."""
    began = "" if since is None else f"began {past(since, now, zone)}, "
    return began + coming(until, now, zone)


def columns(text: str) -> int:
    """How many columns *text* takes on a terminal."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    none = sum(unicodedata.combining(letter) != 0 for letter in text)
    return len(text) + wide - none


def shortened(text: str, room: int) -> str:
    """*text*, without its middle if it needs more than *room* columns."""
    if columns(text) <= room:
        return text
    tail = text[len(text) - room // 3 :]
    head = text[: room - 1 - len(tail)]
    while columns(head) + 1 + columns(tail) > room:
        head = head[:-1]
    return f"{head}…{tail}"


def padded(text: str, width: int) -> str:
    """*text*, filled up with blanks to *width* columns."""
    return text + " " * (width - columns(text))


def paragraph(text: str, first: str = "", margin: str | None = None) -> list[str]:
    """
    The lines of *text*, broken between words where that does no harm.

    :param first: what the first line begins with.
    :param margin: what the others do; None for as many blanks.
    """
    text = _UNBROKEN.sub(lambda words: words[0].replace(" ", _HARD), text)
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first) if margin is None else margin,
        break_on_hyphens=False,
    )
    return [line.replace(_HARD, " ") for line in lines]
