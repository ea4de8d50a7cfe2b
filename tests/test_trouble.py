"""Tests for ``antigravity_gw.trouble``."""

from typing import Any

from twisted.logger import Logger

from antigravity_gw.trouble import LastingTrouble


def test_it_is_told_once(logged: list[dict[str, Any]]) -> None:
    """That it begins, that it is another, and that it is over; nothing else is."""
    trouble = LastingTrouble(Logger(), "it fails: {error}", "it works again")
    notes = ("", "it is {full}", "it is {full}", "it is gone", "", "", "it is gone")
    lasts = []
    for error in notes:
        trouble.note(error)
        lasts.append(bool(trouble))

    assert lasts == [bool(error) for error in notes]
    assert trouble.error == "it is gone"
    assert [(e["log_format"], e.get("error")) for e in logged] == [
        ("it fails: {error}", "it is {full}"),
        ("it fails: {error}", "it is gone"),
        ("it works again", None),
        ("it fails: {error}", "it is gone"),
    ]
