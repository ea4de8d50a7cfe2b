"""A small picture, for the models that paint."""

import struct
import zlib

from antigravity_sandbox.reply import encoded

SIDE = 64
"""Pixels in a row, and rows."""


def png(text: str) -> bytes:
    """A gradient in a colour of its own for each *text*, as a PNG file."""
    red, green, blue, _ = struct.pack(">I", zlib.crc32(encoded(text)))
    rows = bytearray()
    for y in range(SIDE):
        rows.append(0)  # the filter of the row: none
        for x in range(SIDE):
            rows += bytes((red ^ 2 * x, green ^ 2 * y, blue ^ (x + y)))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(bytes(rows))),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
