"""What was measured, as a table and as JSON."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from attrs import define, field, frozen

LOST = "lost events"
FULL = "clients' core busy, %"
WAITED = "waited for the core, %"
"""Figures that say whether to trust the rest; the last two are only remarked on."""

TOO_FULL = 95.0
TOO_LONG = 10.0
"""From how many percent on they are worth a remark."""

HEAD = ("figure", "baseline", "gateway", "ratio")


@frozen
class Row:
    """
    One figure of one scenario, a value for each round.

    :ivar ratio: of the medians, gateway to baseline; None if the baseline has 0.
    """

    scenario: str
    figure: str
    baseline: list[float]
    gateway: list[float]

    @property
    def ratio(self) -> float | None:
        baseline = median(self.baseline)
        return median(self.gateway) / baseline if baseline else None

    def cells(self) -> tuple[str, ...]:
        """What the table shows of it."""
        ratio = self.ratio
        return (
            f"{self.scenario} {self.figure}",
            shown(median(self.baseline)),
            shown(median(self.gateway)),
            "" if ratio is None else f"{ratio:.2f}",
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, with the single rounds."""
        return {
            "scenario": self.scenario,
            "figure": self.figure,
            "baseline": {"median": median(self.baseline), "rounds": self.baseline},
            "gateway": {"median": median(self.gateway), "rounds": self.gateway},
            "ratio": self.ratio,
        }


@define
class Results:
    """The figures that have come in so far."""

    _values: dict[tuple[str, str], dict[str, list[float]]] = field(factory=dict)

    def add(self, scenario: str, target: str, figures: dict[str, float]) -> None:
        """Take up what one round had of one target."""
        for figure, value in figures.items():
            targets = self._values.setdefault((scenario, figure), {})
            targets.setdefault(target, []).append(value)

    def rows(self) -> list[Row]:
        """One for each figure that there is of both targets, in their order."""
        return [
            Row(scenario, figure, values["baseline"], values["gateway"])
            for (scenario, figure), values in self._values.items()
            if len(values) == 2
        ]


def remarks(rows: Sequence[Row]) -> Iterator[str]:
    """What a reader of the table should know of how it came about."""
    for row in rows:
        for name, values in (("baseline", row.baseline), ("gateway", row.gateway)):
            what, percent = f"{row.scenario}, {name}", median(values)
            if row.figure == FULL and percent >= TOO_FULL:
                yield f"{what}: the clients' core was full"
            if row.figure == WAITED and percent >= TOO_LONG:
                yield f"{what}: others had its core {percent:.0f} % of the time"


def shown(value: float) -> str:
    """A number with about three digits that count."""
    if value == 0:
        return "0"
    digits = next((n for limit, n in ((100, 0), (10, 1), (1, 2)) if value >= limit), 3)
    return f"{value:,.{digits}f}"


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """The table in Markdown, its columns aligned; remarks are left out."""
    told = [row for row in rows if row.figure not in (FULL, WAITED)]
    cells = [HEAD, *(row.cells() for row in told)]
    first, *others = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for number, (name, *values) in enumerate(cells):
        numbers = [
            value.rjust(width) for value, width in zip(values, others, strict=True)
        ]
        yield "| " + " | ".join([name.ljust(first), *numbers]) + " |"
        if number == 0:
            rules = ["-" * first, *("-" * (width - 1) + ":" for width in others)]
            yield "| " + " | ".join(rules) + " |"
