"""Tests for ``antigravity_gw.tally``, and for what it is fed with."""

from antigravity_gw import errors
from antigravity_gw.errors import GatewayError
from antigravity_gw.tally import Tally


def test_line() -> None:
    """All numbers on one line, the largest first."""
    tally = Tally()
    for end in ("client_left", "served", "served"):
        tally.count(end)

    assert tally.line() == "served=2 client_left=1"
    assert Tally().line() == ""


def words(kind: type[GatewayError]) -> set[str]:
    """The word for an error, and those for its kinds."""
    return {kind.word()}.union(*map(words, kind.__subclasses__()))


def test_words() -> None:
    """What a request is counted as is the name of the error that ended it."""
    assert errors.BodyTooLarge.word() == "body_too_large"
    assert errors.NotFound.word() == "not_found"
    assert words(GatewayError) >= {
        *("too_many_requests", "too_many_streams", "bodies_too_large"),
        *("head_timeout", "body_timeout", "write_timeout", "too_far_ahead"),
        *("broken_answer", "upstream_timeout", "exhausted", "needs_operator"),
    }
