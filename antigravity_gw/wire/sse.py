"""
Server-sent events, as bytes in and data out.

The format is the event stream of the WHATWG HTML standard, section 9.2.
Only ``data`` matters to Gemini; other fields and comments are passed over.
"""

from attrs import define, field

from antigravity_gw.errors import MalformedStream

BOM = b"\xef\xbb\xbf"
STRAY_LIMIT = 64 * 1024
"""How much of a body that is no event stream is kept for the error, in bytes."""


@define
class EventDecoder:
    """
    Finds the events in the chunks of one ``text/event-stream`` body.

    Lines may end in LF, CRLF or CR.  Each byte is looked at once, however
    long its line and however small the chunks.

    :ivar limit: the longest unfinished event to hold, in bytes.
    :ivar stray: lines that no event stream has, such as a bare JSON error,
        which upstream sends under this content type too (joined by LF, at
        most :data:`STRAY_LIMIT` bytes).
    """

    limit: int = 32 * 2**20
    stray: bytearray = field(factory=bytearray, init=False)
    _line: bytearray = field(factory=bytearray, init=False)
    _data: list[bytes] = field(factory=list, init=False)
    _held: int = field(default=0, init=False)
    _after_cr: bool = field(default=False, init=False)
    _at_start: bool = field(default=True, init=False)

    def feed(self, chunk: bytes) -> list[bytes]:
        """
        Take the next bytes of the body.

        :returns: the data of each event they complete, its lines joined by LF.
        :raises MalformedStream: when an event outgrows :attr:`limit`.
        """
        if self._is_between_events and (event := _whole_event(chunk)) is not None:
            return [event]
        events: list[bytes] = []
        chunk = self._with_lf(chunk)
        *ends, rest = chunk.split(b"\n") if b"\n" in chunk else (chunk,)
        for end in ends:
            line = end
            if self._line:
                self._line += end
                line = bytes(self._line)
                self._line.clear()
            self._read(line, events)
        self._line += rest
        if len(self._line) + self._held > self.limit:
            raise MalformedStream(
                f"upstream sent an event longer than {self.limit} bytes"
            )
        return events

    def finish(self) -> list[bytes]:
        """The event that the end of the body left unterminated, if there is one."""
        events: list[bytes] = []
        if self._line:
            self._read(bytes(self._line), events)
            self._line.clear()
        self._read(b"", events)
        return events

    @property
    def _is_between_events(self) -> bool:
        return not (self._line or self._data or self._after_cr or self._at_start)

    def _with_lf(self, chunk: bytes) -> bytes:
        """*chunk* with LF for every line end; a CRLF may be cut in two."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" not in chunk:
            return chunk
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _read(self, line: bytes, events: list[bytes]) -> None:
        """Note what *line* says; append to *events* the one that it ends."""
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(BOM)
        if not line:
            if self._data:
                events.append(b"\n".join(self._data))
                self._data, self._held = [], 0
        elif line.startswith(b"data:"):
            value = line[5:].removeprefix(b" ")
            self._data.append(value)
            self._held += len(value) + 1
        elif line == b"data":
            self._data.append(b"")
            self._held += 1
        elif not line.startswith((b":", b"event:", b"id:", b"retry:")):
            room = STRAY_LIMIT - len(self.stray)
            self.stray += line[:room] + b"\n"[: room - len(line)]


def _whole_event(chunk: bytes) -> bytes | None:
    """The data of *chunk*, if it is just one event with just one line, as most are."""
    if not chunk.startswith(b"data: "):
        return None
    if chunk.endswith(b"\r\n\r\n"):
        data = chunk[6:-4]
    elif chunk.endswith(b"\n\n"):
        data = chunk[6:-2]
    else:
        return None
    return None if b"\n" in data or b"\r" in data else data
