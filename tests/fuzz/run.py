"""The fuzzers' command line; ``python tests/fuzz/run.py --help``."""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.engine import Run, Target, complaint
from fuzz.targets import TARGETS

REPORT_EVERY = 30.0
"""Seconds from one line about the progress to the next."""


def main() -> int:
    """Fuzz for a while; the status is 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="|".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="look at the case of this number only")
    options = parser.parse_args()
    findings = 0
    for name in options.targets or TARGETS:
        target = TARGETS[name]()
        if options.case is not None:
            findings += _look_at(target, options.case)
        else:
            findings += _fuzz(target, options.first, 60.0 * options.minutes)
        target.close()
    return 1 if findings else 0


def _look_at(target: Target, number: int) -> int:
    case = Run(target).case(number)
    found = complaint(target, case)
    print(case)
    print("nothing is wrong" if found is None else f"{found.kind}: {found.what}")
    return found is not None


def _fuzz(target: Target, first: int, seconds: float) -> int:
    run = Run(target, first)
    ends = time.monotonic() + seconds
    while (now := time.monotonic()) < ends:
        for finding in run.until(min(ends, now + REPORT_EVERY)):
            print(finding, flush=True)
        times = {kind: found.times for kind, found in run.findings.items()}
        print(f"{target.name}: {run.tried} cases, {times}", flush=True)
    return len(run.findings)


if __name__ == "__main__":
    sys.exit(main())
