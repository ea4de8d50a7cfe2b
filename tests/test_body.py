"""Tests for ``antigravity_gw.upstream.body``."""

from helpers import now
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.upstream.body import PIECE, SealedBody


class Connection:
    """Takes what is written, and says so when that is enough for now."""

    def __init__(self, room: int = 10**9) -> None:
        self.pieces: list[bytes] = []
        self.room = room
        self.body: SealedBody | None = None

    def write(self, piece: bytes) -> None:
        """Take a piece."""
        self.pieces.append(piece)
        self.room -= len(piece)
        if self.room <= 0 and self.body is not None:
            self.body.pauseProducing()


@given(st.sampled_from([0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE]))
def test_all_of_it_is_written(size: int) -> None:
    """Whatever its length, with the length it was said to have."""
    connection, body = Connection(), SealedBody(b"head", b"x" * size, b"tail")
    written = body.startProducing(connection)
    sent = b"".join(connection.pieces)

    assert now(written) is None
    assert sent == b"head" + b"x" * size + b"tail"
    assert body.length == len(sent)


def test_short_bodies_are_one_piece() -> None:
    """A small request can go out as one packet; a long one is not copied for it."""
    short, long = b"x" * (PIECE - 2), b"x" * (PIECE - 1)

    assert SealedBody(b"h", short, b"t").in_one_piece() == b"h%bt" % short
    assert SealedBody(b"h", long, b"t").in_one_piece() is None


def test_the_connection_sets_the_pace() -> None:
    """A long body is handed over only as fast as it is taken."""
    connection, body = Connection(room=PIECE), SealedBody(b"h", b"x" * 5 * PIECE, b"t")
    connection.body = body
    written = body.startProducing(connection)
    assert len(connection.pieces) == 3 - 1
    assert not written.called
    connection.room = 10**9
    body.resumeProducing()

    assert now(written) is None
    assert len(b"".join(connection.pieces)) == body.length


def test_stopped() -> None:
    """When the connection is gone, nothing more is written."""
    connection, body = Connection(room=1), SealedBody(b"h", b"x" * 5 * PIECE, b"t")
    connection.body = body
    written = body.startProducing(connection)
    body.stopProducing()

    assert not written.called
    assert len(connection.pieces) == 1
