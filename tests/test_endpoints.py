"""Tests for ``antigravity_gw.upstream.endpoints``."""

from antigravity_gw.upstream.endpoints import Endpoints


def test_avoided_for_a_while() -> None:
    """A host that failed comes last until its time is over."""
    endpoints = Endpoints(("a", "b", "c"), avoid_seconds=30.0)
    endpoints.avoid("a", now=0.0)

    assert endpoints.in_order(now=29.0) == ["b", "c", "a"]
    assert endpoints.in_order(now=30.0) == ["a", "b", "c"]


def test_all_avoided() -> None:
    """When all have failed, the one that failed first is tried first."""
    endpoints = Endpoints(("a", "b"), avoid_seconds=30.0)
    endpoints.avoid("b", now=0.0)
    endpoints.avoid("a", now=1.0)

    assert endpoints.in_order(now=2.0) == ["b", "a"]


def test_recovered() -> None:
    """One that answers is trusted again at once."""
    endpoints = Endpoints(("a", "b"), avoid_seconds=30.0)
    endpoints.avoid("a", now=0.0)
    endpoints.recovered("a")

    assert endpoints.in_order(now=1.0) == ["a", "b"]
