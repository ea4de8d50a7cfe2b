"""Prometheus' own tool, which says whether what is written for it is right."""

import subprocess

from tools import debian_tool


def promtool(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """
    What promtool says; the test is skipped where it is not installed.

    Where the tests are run for everybody, it has to be.
    """
    tool = debian_tool("promtool", "prometheus")
    return subprocess.run(
        [tool, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
