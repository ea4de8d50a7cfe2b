"""What a key may do, on the command line."""

import argparse
import time

from antigravity_gw.checks import is_model_pattern
from antigravity_gw.cli.options import number_between, or_none, take
from antigravity_gw.settings import moment_of
from antigravity_gw.times import length_of


def add_key_settings(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take what an operator can set of a key; 'none' takes it back."""
    for option, metavar, read, told in (
        (
            "--requests-per-minute",
            "N",
            number_between(int, 1, 100_000),
            "how many answers it may ask for in any 60 seconds",
        ),
        (
            "--streams",
            "N",
            number_between(int, 0, 10**6),
            "how many streams it may have at a time (limits.streams_per_key); 0 for "
            "any number",
        ),
        (
            "--tokens-per-day",
            "N",
            number_between(int, 1, 10**15),
            "how many tokens its answers may cost in a day of UTC",
        ),
        (
            "--models",
            "PATTERN,...",
            _patterns,
            "which models it may use, such as 'gemini-2.5-*,flash'",
        ),
        (
            "--expires",
            "WHEN",
            _moment,
            "until when it is good: 90d, 2030-01-31 or 2030-01-31T18:00:00Z",
        ),
    ):
        take(parser, option, metavar, or_none(read), f"{told}; or 'none'")


def _patterns(text: str) -> tuple[str, ...]:
    patterns = tuple(text.split(","))
    for pattern in patterns:
        if not is_model_pattern(pattern):
            raise argparse.ArgumentTypeError(
                "expected models' names, which may have '*' in them, with commas and "
                f"no blanks between them, not {pattern!r}"
            )
    return patterns


def _moment(text: str) -> float:
    """POSIX seconds of a moment, or of one that is so far away."""
    length = length_of(text)
    if length is not None:
        return time.time() + length
    try:
        return moment_of(text).timestamp()
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            str(error).replace("expected a", "expected 90d, or a", 1)
        ) from error
