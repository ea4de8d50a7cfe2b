"""How an account is used, on the command line."""

import argparse
import re
from collections.abc import Iterable

from antigravity_gw.checks import is_project
from antigravity_gw.cli.common import CommandError
from antigravity_gw.cli.options import number_between, or_none, take
from antigravity_gw.kind import Kind

SETTINGS = ("project", "location", "weight", "priority", "concurrency")
"""What an operator can set of an account."""

_LOCATION = re.compile(r"[a-z][a-z0-9-]*")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take :data:`SETTINGS`."""
    for option, metavar, read, told in (
        (
            "--project",
            "ID",
            or_none(_project),
            "the Google Cloud project to use if Google names none, or 'none'",
        ),
        (
            "--location",
            "L",
            or_none(_location),
            "where Vertex AI serves it, such as europe-west4 (global)",
        ),
        (
            "--weight",
            "W",
            number_between(float, 0.001, 1000),
            "its share of new conversations, beside the others' (1)",
        ),
        (
            "--priority",
            "P",
            number_between(int, -1000, 1000),
            "accounts with a lower one are asked first (0)",
        ),
        (
            "--concurrency",
            "N",
            or_none(number_between(int, 1, 10_000)),
            "how many requests it may serve at a time, or 'none' for any number",
        ),
    ):
        take(parser, option, metavar, read, told)


def _project(text: str) -> str:
    if text.isdigit():
        raise argparse.ArgumentTypeError(
            "expected the project's id, such as my-project-1234, not its number"
        )
    if not is_project(text):
        raise argparse.ArgumentTypeError(
            f"expected a project's id, such as my-project-1234, not {text!r}"
        )
    return text


def _location(text: str) -> str:
    if not _LOCATION.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"expected a location, such as europe-west4 or global, not {text!r}"
        )
    return text


def check_settings(kind: type[Kind], settings: Iterable[str]) -> None:
    """
    See that *settings* mean something for accounts of one kind.

    :raises CommandError: when one does not.
    """
    has = {"location": kind.has_location, "project": kind.has_project}
    for setting in settings:
        if not has.get(setting, True):
            raise CommandError(f"an account of kind {kind.name} has no {setting}")
