"""Tests for ``antigravity_gw.wire.verdict`` and ``wire.google``."""

import json

import pytest
from bodies import REAL, Real
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.errors import Exhausted
from antigravity_gw.wire.google import error_body, read_error, redacted
from antigravity_gw.wire.verdict import Blame, judge


@pytest.mark.parametrize("real", REAL, ids=lambda real: real.name)
def test_real_bodies(real: Real) -> None:
    """Each body of Google's is blamed on the right party, with its delay."""
    verdict = judge(real.status, {}, read_error(real.body), now=0.0)

    assert real.blame is verdict.blame
    assert real.lasting == verdict.lasting
    assert real.delay == pytest.approx(verdict.delay, abs=1e-3)


def test_retry_after() -> None:
    """Without anything in the body, the Retry-After header counts."""
    assert judge(429, {"retry-after": "9"}, None, now=0.0).delay == 9.0


def test_timestamp_is_seen_from_now() -> None:
    """A moment is turned into the seconds until it."""
    body = (
        b'{"error":{"details":[{"@type":"x/google.rpc.ErrorInfo","metadata":'
        b'{"quotaResetTimeStamp":"1970-01-01T00:10:00Z"}}]}}'
    )

    assert judge(429, {}, read_error(body), now=60.0).delay == 540.0


def test_an_error_inside_a_200_has_its_own_code() -> None:
    """What a stream calls 503 is judged like a 503."""
    assert Blame.ENDPOINT is judge(503, {}, None, now=0.0).blame


def test_body_is_handed_on_as_spelled() -> None:
    """Out of its array and unchanged: the client reads what upstream wrote."""
    error = read_error(b' [ {"error": {"code": 400.0, "message":"a\\u0062"}} ] ')

    assert error is not None
    assert error.body == b'{"error":{"code": 400.0, "message":"a\\u0062"}}'


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(body: bytes) -> None:
    """Whatever upstream sends, reading its error does not fail."""
    error = read_error(body)

    assert error is None or error.body.startswith(b'{"error":')


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_any_json_can_be_judged(error: object) -> None:
    """No error object is so odd that judging it fails."""
    body = json.dumps({"error": {"details": error, "errors": [error], "code": error}})

    assert judge(429, {}, read_error(body.encode()), now=0.0).blame is Blame.QUOTA


def test_our_own_errors() -> None:
    """An error of ours has Google's shape, RetryInfo included."""
    error = json.loads(error_body(Exhausted("resting", retry_after=1.2)))["error"]

    assert [error[key] for key in ("code", "message", "status")] == [
        429,
        "resting",
        "RESOURCE_EXHAUSTED",
    ]
    assert error["details"][0]["retryDelay"] == "2s"


def test_redacted() -> None:
    """Words that belong to the operator do not reach a client."""
    assert redacted(b"on my-proj: no", "my-proj", "") == b"on REDACTED: no"
