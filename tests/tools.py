"""Programs of Debian's that tests need."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def debian_tool(program: str, package: str) -> str:
    """
    Where *program* is.

    Without it the test is left out, and it is said what to install; but where the
    tests have to be complete, which ``CI`` in the environment says, it fails.
    """
    found = shutil.which(program)
    if found is None:
        reason = f"there is no {program} here; on Debian: apt install {package}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def output(*command: str | Path) -> str:
    """
    All that *command* says, if it succeeds.

    :raises AssertionError: when it does not, with all that it has said.
    """
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
