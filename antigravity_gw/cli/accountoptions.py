"""How an account is used, on the command line."""

import argparse
import re
from collections.abc import Iterable

from antigravity_gw.checks import is_project
from antigravity_gw.cli.common import CommandError
from antigravity_gw.cli.options import number_between, or_none
from antigravity_gw.kind import Kind

SETTINGS = ("project", "location", "weight", "priority", "concurrency")
"""What an operator can set of an account."""

_LOCATION = re.compile(r"[a-z][a-z0-9-]*")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take :data:`SETTINGS`."""
    parser.add_argument(
        "--project",
        metavar="ID",
        type=or_none(_project),
        default=argparse.SUPPRESS,
        help="the Google Cloud project to use if Google names none, or 'none'",
    )
    parser.add_argument(
        "--location",
        metavar="L",
        type=or_none(_location),
        default=argparse.SUPPRESS,
        help="where Vertex AI serves it, such as europe-west4 (global)",
    )
    parser.add_argument(
        "--weight",
        metavar="W",
        type=number_between(float, 0.001, 1000),
        default=argparse.SUPPRESS,
        help="its share of new conversations, beside the others' (1)",
    )
    parser.add_argument(
        "--priority",
        metavar="P",
        type=number_between(int, -1000, 1000),
        default=argparse.SUPPRESS,
        help="accounts with a lower one are asked first (0)",
    )
    parser.add_argument(
        "--concurrency",
        metavar="N",
        type=or_none(number_between(int, 1, 10_000)),
        default=argparse.SUPPRESS,
        help="how many requests it may serve at a time, or 'none' for any number",
    )


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
