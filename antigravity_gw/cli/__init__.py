"""``antigravity-gw``: what an operator does besides running the daemon."""

from antigravity_gw.cli.command import main

__all__ = ["main"]
