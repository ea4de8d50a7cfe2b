"""A browser without a window, driven by the scripts in ``tests/browser``."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import frozen
from nodejs import installed, output_of, tool

SCRIPTS = Path(__file__).parents[1] / "browser"
BROWSERS = ("/usr/bin/chromium", "chromium")
"""A browser that is there is used; else there is one in a package."""

LAMBDA = "AWS_Lambda_nodejs22.x"
"""Has that package unpack the libraries, too, that its browser needs."""

FONTS = "<fontconfig><dir>{0}/fonts</dir><cachedir>{0}/cache</cachedir></fontconfig>"
"""Where that package unpacks its fonts; without any, a page shows no text."""


@frozen
class Browser:
    """
    What it takes to run a script.

    :ivar path: of the browser; None for the one in a package.
    """

    package: Path
    environ: dict[str, str]
    path: str | None

    def run(self, script: str, **options: Any) -> Any:
        """What a script has seen, which is told *options*."""
        told = json.dumps({"browser": self.path, **options})
        node = tool("node")
        return json.loads(
            output_of(node, script, told, folder=self.package, **self.environ)
        )


@contextlib.contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """A browser; *folder* takes the scripts and what they import."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    omitted = ["--omit=optional"] if path else []
    package = installed(SCRIPTS, folder, *omitted)
    with TemporaryDirectory(prefix="antigravity-gw-browser-") as temporary:
        environ = {"TMPDIR": temporary}
        if not path:
            fonts = Path(temporary, "fonts.conf")
            fonts.write_text(FONTS.format(temporary))
            environ |= {"AWS_EXECUTION_ENV": LAMBDA, "FONTCONFIG_FILE": str(fonts)}
        yield Browser(package, environ, path)
