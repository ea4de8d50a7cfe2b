"""Tests of what the benchmark counts and computes; it is not run here."""

import asyncio
import os
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

PLACE = Path(__file__).parents[1] / "benchmarks"

# Found by its place: with the checkout on the path, the gateway would come from there.
spec: Any = spec_from_file_location(
    "benchmarks", PLACE / "__init__.py", submodule_search_locations=[str(PLACE)]
)
sys.modules["benchmarks"] = module_from_spec(spec)
answers: Any = import_module("benchmarks.answers")
load: Any = import_module("benchmarks.load")
proc: Any = import_module("benchmarks.proc")
table: Any = import_module("benchmarks.table")

STATUS = "Name:\tVmRSS: 1 kB\nVmHWM:\t   61000 kB\nVmRSS:\t   59200 kB\n"
CORES = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 4 800 800 8 16 32 0 0\ncpu1 5 0 0 0 0 0 0 0"
STREAM = b"".join(
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        *[b"20\r\ndata: @0000000000000000000 1\r\n\r\n\r\n"] * 3,
        b"0\r\n\r\n",
    ]
)


def received(*pieces: bytes) -> int:
    """How many events a client counts in an answer that comes in *pieces*."""

    async def asked() -> int:
        connection = load.Connection()
        written: list[bytes] = []
        connection.connection_made(
            SimpleNamespace(write=written.append, is_closing=lambda: False)
        )
        asking = asyncio.ensure_future(connection.ask(b"GET / HTTP/1.1\r\n\r\n"))
        while not written:
            await asyncio.sleep(0)
        for piece in pieces:
            connection.data_received(piece)
        connection.connection_lost(None)
        return int(await asking)

    return asyncio.run(asked())


def row(baseline: list[float], gateway: list[float], figure: str = "p50, ms") -> Any:
    """A row of the table."""
    return table.Row("unary:1", figure, baseline, gateway)


def test_ratio_is_that_of_the_medians() -> None:
    """One bad round of three moves neither the figures nor their ratio."""
    cells = row([2.0, 2.0, 90.0], [1.0, 3.0, 3.0]).cells()

    assert cells == ("unary:1 p50, ms", "2.00", "3.00", "1.50")


def test_nothing_has_no_ratio() -> None:
    """Where the baseline has none, such as of lost events, there is no ratio."""
    assert row([0], [0]).cells() == ("unary:1 p50, ms", "0", "0", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345.6, "12,346"), (99.94, "99.9"), (1.234, "1.23"), (0.0567, "0.057")],
)
def test_about_three_digits_are_shown(value: float, text: str) -> None:
    """More of them would only be noise."""
    assert table.shown(value) == text


def test_rounds_come_together() -> None:
    """What several rounds had of a figure is one row, in the order of measuring."""
    results = table.Results()
    for value in (1.0, 2.0):
        results.add("idle", "baseline", {"resident, MB": value})
        results.add("idle", "gateway", {"resident, MB": value * 2})
    results.add("body", "baseline", {"p50, ms": 1.0})

    assert results.rows() == [table.Row("idle", "resident, MB", [1.0, 2.0], [2.0, 4.0])]


def test_columns_are_aligned() -> None:
    """The table is Markdown that can be read as it is."""
    lines = list(table.lines([row([1], [1000]), row([1], [1], "requests/s")]))

    assert len({len(line) for line in lines}) == 1
    assert lines[2] == "| unary:1 p50, ms    |     1.00 |   1,000 | 1000.00 |"


def test_doubts_are_remarked_on() -> None:
    """A reader learns when it was not the proxy that was measured."""
    rows = [row([50], [100], table.FULL), row([3], [30], table.WAITED)]

    assert list(table.remarks(rows)) == [
        "unary:1, gateway: the clients' core was full",
        "unary:1, gateway: others had its core 30 % of the time",
    ]
    assert len(list(table.lines(rows))) == 2


def test_a_name_does_not_confuse() -> None:
    """A process may be called anything, even what looks like the rest of its line."""
    fields = " ".join(map(str, range(4, 30)))

    assert proc.ticks_in(f"7 (a) R 1 (b)) S {fields}\n") == 14 + 15


def test_figures_of_proc() -> None:
    """Memory is found by its name; a core's idle and waiting time is no work."""
    assert proc.kilobytes_in(STATUS, "VmRSS") == 59200
    assert proc.kilobytes_in(STATUS, "VmHWM") == 61000
    assert proc.busy_ticks_in(CORES, 0) == 1 + 2 + 4 + 8 + 16 + 32
    with pytest.raises(proc.CannotMeasure):
        proc.kilobytes_in("", "VmRSS")
    with pytest.raises(proc.CannotMeasure):
        proc.busy_ticks_in(CORES, 2)


def test_this_process_can_be_measured() -> None:
    """What the kernel writes is what is read."""
    assert proc.cpu_seconds(os.getpid()) > 0
    assert proc.resident(os.getpid()) <= proc.peak(os.getpid())


@given(st.lists(st.integers(0, len(STREAM)), max_size=9))
def test_cuts_do_not_matter(cuts: list[int]) -> None:
    """However an answer arrives, its events are counted, and its end is seen."""
    edges = sorted([0, *cuts, len(STREAM)])

    assert received(*(STREAM[a:b] for a, b in pairwise(edges))) == 3


@pytest.mark.parametrize(
    "answer", [STREAM[:-1], b"HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\n@"]
)
def test_no_answer_counts_as_failed(answer: bytes) -> None:
    """An error or half an answer ends the benchmark instead of speeding it up."""
    with pytest.raises(load.Failed):
        received(answer)


def test_events_can_be_counted() -> None:
    """The mark is once in every event, and the order is found in every envelope."""
    order = answers.Order(events=3, size=50, pause=20)
    envelope = b'{"model": "%s", "request": {}}' % order.model.encode()

    assert answers.enveloped(order, last=False).count(answers.MARK.encode()) == 1
    assert answers.MARK.encode() not in answers.question(attached=8)
    assert answers.Order.found_in(envelope) == order
