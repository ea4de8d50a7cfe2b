"""Prometheus' own tool, which says whether what is written for it is right."""

import os
import shutil
import subprocess

import pytest


def promtool(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """
    What promtool says; the test is skipped where it is not installed.

    Where the tests are run for everybody, it has to be.
    """
    tool = shutil.which("promtool")
    if tool is None:
        message = "this needs promtool; on Debian: apt install prometheus"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return subprocess.run(
        [tool, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
