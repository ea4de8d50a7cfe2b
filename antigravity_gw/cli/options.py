"""Reading what a command line says is to be set."""

import argparse
from collections.abc import Callable, Iterable
from typing import Any

from antigravity_gw.times import length_of

NONE = "none"
"""What takes a setting back."""


def or_none(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """What *read* makes of a text, or None for the word that says so."""
    return lambda text: None if text == NONE else read(text)


def number_between(kind: type, least: float, most: float) -> Callable[[str], Any]:
    """What reads a number from the command line."""

    def read(text: str) -> Any:
        try:
            number = kind(text)
        except ValueError:
            number = None
        if number is None or not least <= number <= most:
            raise argparse.ArgumentTypeError(
                f"expected a number from {least:g} to {most:g}, not {text!r}"
            )
        return number

    return read


def span_of(text: str) -> float:
    """Seconds, of a length of time."""
    length = length_of(text)
    if length is None:
        raise argparse.ArgumentTypeError(
            f"expected a length of time such as 90d, 24h or 30min, not {text!r}"
        )
    return float(length)


def take(
    parser: argparse.ArgumentParser,
    option: str,
    metavar: str,
    read: Callable[[str], Any],
    told: str,
) -> None:
    """Let *parser* take a setting, which :func:`given` has if it was named."""
    parser.add_argument(
        option, metavar=metavar, type=read, default=argparse.SUPPRESS, help=told
    )


def given(options: argparse.Namespace, settings: Iterable[str]) -> dict[str, Any]:
    """Those of *settings* that the command line names."""
    named = vars(options)
    return {setting: named[setting] for setting in settings if setting in named}


def some_given(options: argparse.Namespace, settings: Iterable[str]) -> dict[str, Any]:
    """The same of a command line that makes no sense without any."""
    found = given(options, settings)
    if not found:
        known = (f"--{setting.replace('_', '-')}" for setting in settings)
        options.usage_error(f"name what to set: {', '.join(known)}")
    return found
