"""
Measures the gateway beside a minimal proxy, and prints a table.

    python -m benchmarks [--quick] [--only SCENARIO,...] [--json FILE]

README.md, beside this file, says what the figures mean.
"""

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.load import Failed
from benchmarks.processes import BASELINE, GATEWAY, Cores, House
from benchmarks.scenarios import (
    BIG,
    BIG_ANSWER,
    BIG_QUESTION,
    QUICK,
    USUAL,
    Pace,
    clients_in,
    measure,
)
from benchmarks.table import LOST, Results, lines, remarks
from benchmarks.verify import verify

SPARE_FILES = 200


def main() -> None:
    """Go through the rounds; exit with a line when something is in the way."""
    options = parsed()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        run(options)
    except (Failed, OSError) as error:
        sys.exit(f"benchmark: {error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks", description="Measure the gateway beside a minimal proxy."
    )
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="how often (3; with --quick 1)"
    )
    parser.add_argument("--quick", action="store_true", help="shorter, and rougher")
    parser.add_argument("--big", action="store_true", help=f"also {BIG}")
    parser.add_argument(
        "--only",
        metavar="SCENARIO,...",
        help=f"instead of {','.join(USUAL)}; another number than these may be given",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it all there")
    parser.add_argument(
        "--gateway-python",
        type=Path,
        metavar="PYTHON",
        default=Path(sys.executable),
        help="the interpreter that another version of the gateway is installed for",
    )
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    if options.rounds < 1:
        parser.error("--rounds has to be 1 or more")
    usual = [*USUAL, BIG] if options.big else USUAL
    options.scenarios = options.only.split(",") if options.only else usual
    return options


def run(options: argparse.Namespace) -> None:
    """
    Measure, and print.

    :raises Failed: when something cannot be measured, or events were lost.
    """
    allow_files(options.scenarios)
    if options.json:
        options.json.touch()  # rather no file now than no file in the end
    cores = Cores.available()
    os.sched_setaffinity(0, {cores.others})
    with tempfile.TemporaryDirectory(prefix="antigravity-gw-bench-") as folder:
        house = House(Path(folder), options.gateway_python.absolute(), cores)
        machine = described(house)
        results = measured(house, options)
    rows = results.rows()
    print(*lines(rows), "", sep="\n")
    print(f"{machine}; medians of {options.rounds} round(s).")
    print("ratio: gateway / baseline. Per second more is better, else less.")
    for remark in remarks(rows):
        print(remark)
    if options.json:
        figures = [row.as_json() for row in rows]
        told = {"machine": machine, "rounds": options.rounds, "figures": figures}
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    if lossy := [
        row.scenario for row in rows if row.figure == LOST and any(row.gateway)
    ]:
        raise Failed(f"the gateway lost events: {', '.join(lossy)}")


def measured(house: House, options: argparse.Namespace) -> Results:
    """Both targets in turn, each in a fresh process for each scenario."""
    pace = QUICK if options.quick else Pace()
    results = Results()
    with house.upstream() as upstream:
        house.furnish(upstream)
        for name in (BASELINE, GATEWAY):
            tell(f"verifying: {name}")
            with house.target(name, upstream) as target:
                verify(target, upstream, BIG_ANSWER, BIG_QUESTION)
        for number in range(options.rounds):
            for scenario in options.scenarios:
                for name in (BASELINE, GATEWAY):
                    tell(f"round {number + 1} of {options.rounds}: {scenario}: {name}")
                    with house.target(name, upstream) as target:
                        results.add(scenario, name, measure(scenario, target, pace))
    return results


def allow_files(scenarios: Iterable[str]) -> None:
    """
    Raise the limit of open files as far as the scenarios need.

    :raises Failed: when that is not permitted.
    """
    most = max((clients_in(name), name) for name in scenarios)
    needed = 2 * most[0] + SPARE_FILES  # a proxy has two connections per client
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise Failed(
                f"{most[1]} needs {needed} open files and the limit is {hard}: "
                f"raise it (ulimit -Hn), or leave that out with --only"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def described(house: House) -> str:
    """What it all runs on."""
    cores = f"{os.cpu_count()} cores"
    if house.cores.are_shared:
        cores = "only one core for the measured and the measuring: rates are too low"
    return f"{cores}, {house.versions()}"


def tell(what: str) -> None:
    """Say how far it is, beside the table."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
