"""Server-sent events: Google's framing, and others that a reader has to bear."""

import json

from attrs import frozen

from antigravity_sandbox.acts import Headers
from antigravity_sandbox.reply import Json, encoded

STREAM_HEADERS: Headers = (
    ("Content-Type", "text/event-stream"),
    ("Content-Disposition", "attachment"),
    ("Vary", "Origin, X-Origin, Referer"),
    ("Server", "ESF"),
    ("X-Content-Type-Options", "nosniff"),
)


@frozen
class Framing:
    """
    How events become bytes.

    :ivar newline: what ends a line, and once more the event.
    :ivar prefix: what a line of data begins with.
    :ivar before: lines put above the data of every event.
    :ivar separators: what stands between JSON's items, and after its keys.
    :ivar indent: blanks to indent the JSON by, which spreads an event over
        several ``data`` lines; None for one line.
    :ivar opening: bytes ahead of the first event.
    :ivar closing: bytes after the last one.
    """

    newline: str = "\r\n"
    prefix: str = "data: "
    before: tuple[str, ...] = ()
    separators: tuple[str, str] = (",", ":")
    indent: int | None = None
    opening: bytes = b""
    closing: bytes = b""

    def frame(self, event: Json) -> bytes:
        """One event, with the blank line that ends it."""
        text = json.dumps(
            event, ensure_ascii=False, separators=self.separators, indent=self.indent
        )
        data = [self.prefix + line for line in text.split("\n")]
        lines = [*self.before, *data, "", ""]
        return encoded(self.newline.join(lines))


GOOGLE = Framing()
