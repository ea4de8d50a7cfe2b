"""Usage as people read it, in 80 columns.  No I/O, no clock."""

from collections.abc import Iterator, Sequence

from antigravity_gw.cli.words import WIDTH, columns, padded, paragraph, shortened
from antigravity_gw.usage.counts import Count, Line

HEADINGS = ("REQS", "ERRS", "PROMPT", "OUTPUT", "THOUGHT", "CACHED", "TOKENS")
NARROWEST = 5
"""No number takes more columns."""

SHORTEST_BAR = 8
_UNITS = ("", "k", "M", "G", "T", "P", "E")
_EIGHTHS = " ▏▎▍▌▋▊▉"


def human(number: int) -> str:
    """*number* in five columns at most: ``999``, ``1.2k``, ``12.3M``, ``450G``."""
    size = float(number)
    for unit in _UNITS:
        if unit == "" and number < 1000:
            return str(number)
        digits = f"{size:.1f}" if size < 99.95 else f"{size:.0f}"
        if float(digits) < 1000 and unit:
            return digits + unit
        size /= 1000.0
    return f"{number:.0e}"


def bar(part: float, whole: float, room: int, *, plain: bool = False) -> str:
    """
    As much of *room* columns as *part* is of *whole*; never nothing for something.

    :param plain: whether it has to do with ASCII.
    """
    if part <= 0 or whole <= 0:
        return ""
    share = min(1.0, part / whole) * room
    if plain:
        return "#" * max(1, round(share))
    full, eighths = divmod(max(1, round(share * 8)), 8)
    return ("█" * full + _EIGHTHS[eighths]).rstrip()


def chart(
    what: str, lines: Sequence[Line], *, is_course: bool = False, plain: bool = False
) -> Iterator[str]:
    """
    A table with a bar in each line, and the total.

    :param what: what the lines are, as a heading.
    :param is_course: whether they follow each other in time: bars are then beside
        the longest, and else shares of all tokens.
    """
    total = sum((line.count for line in lines), Count())
    rows = [_numbers(line.count) for line in (*lines, Line("", total))]
    widths = [
        max(NARROWEST, len(heading), *(len(row[at]) for row in rows))
        for at, heading in enumerate(HEADINGS)
    ]
    room = WIDTH - sum(widths) - len(widths) - 1
    names = [
        shortened(visible(n), room - SHORTEST_BAR) for n in (e.name for e in lines)
    ]
    width = max(len(what), len("total"), *map(columns, names))
    whole = max(line.count.total for line in lines) if is_course else total.total

    def row(name: str, numbers: Sequence[str], end: str) -> str:
        cells = [n.rjust(w) for n, w in zip(numbers, widths, strict=True)]
        return " ".join((padded(name, width), *cells, end)).rstrip()

    yield row(what, HEADINGS, "" if is_course else "SHARE")
    for name, numbers, line in zip(names, rows, lines, strict=False):
        yield row(
            name, numbers, bar(line.count.total, whole, room - width, plain=plain)
        )
    yield row("total", rows[-1], "")


def notes() -> list[str]:
    """What the columns mean."""
    return paragraph(
        "TOKENS are those of the prompts, outputs and thoughts together; CACHED ones "
        "are among those of the prompts. An hour counts as a whole."
    )


def visible(name: str) -> str:
    """*name* with nothing in it that a terminal would obey."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def _numbers(count: Count) -> list[str]:
    return [
        human(number)
        for number in (
            *(count.requests, count.errors, count.prompt, count.output),
            *(count.thoughts, count.cached, count.total),
        )
    ]
