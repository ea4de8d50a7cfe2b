"""The files of the page, read once, and what they are."""

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable

from attrs import frozen

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
"""Content types by the ends of names; nothing else is served."""

PAGE = "index.html"


@frozen
class File:
    """
    One of them.

    :ivar tag: its ``ETag``.
    """

    content: bytes
    type: str
    tag: bytes


def read_files() -> dict[tuple[str, ...], File]:
    """All files of the page, by the segments of their paths below it."""
    return _below(files(__package__) / "static", ())


def _below(folder: Traversable, place: tuple[str, ...]) -> dict[tuple[str, ...], File]:
    found: dict[tuple[str, ...], File] = {}
    for entry in folder.iterdir():
        here = (*place, entry.name)
        if entry.is_dir():
            found |= _below(entry, here)
        elif kind := TYPES.get(entry.name.rpartition(".")[2]):
            content = entry.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:32]
            found[here] = File(content, kind, b'"%b"' % digest.encode("ascii"))
    return found
