"""Tests for ``antigravity_gw.upstream.endpoints``."""

from antigravity_gw.upstream.endpoints import Endpoints


def test_avoided_for_a_while() -> None:
    """A host that failed comes last until its time is over."""
    endpoints = Endpoints(avoid_seconds=30.0)
    endpoints.avoid("a", now=0.0)

    assert endpoints.in_order(("a", "b", "c"), now=29.0) == ["b", "c", "a"]
    assert endpoints.in_order(("a", "b", "c"), now=30.0) == ["a", "b", "c"]


def test_all_avoided() -> None:
    """When all have failed, the one that failed first is tried first."""
    endpoints = Endpoints(avoid_seconds=30.0)
    endpoints.avoid("b", now=0.0)
    endpoints.avoid("a", now=1.0)

    assert endpoints.in_order(("a", "b"), now=2.0) == ["b", "a"]


def test_recovered() -> None:
    """One that answers is trusted again at once."""
    endpoints = Endpoints(avoid_seconds=30.0)
    endpoints.avoid("a", now=0.0)
    endpoints.recovered("a")

    assert endpoints.in_order(("a", "b"), now=1.0) == ["a", "b"]


def test_no_room_for_a_model() -> None:
    """A host that has no room for one model is avoided for that, as long as it says."""
    endpoints = Endpoints(avoid_seconds=30.0)
    endpoints.avoid("a", 0.0, "pro", seconds=40.0)

    assert endpoints.in_order(("a", "b"), 39.0, "pro") == ["b", "a"]
    assert endpoints.in_order(("a", "b"), 39.0, "flash") == ["a", "b"]
    assert endpoints.in_order(("a", "b"), 40.0, "pro") == ["a", "b"]
    endpoints.avoid("a", 0.0, "pro", seconds=10**6)
    assert endpoints.in_order(("a", "b"), 300.0, "pro") == ["a", "b"]


def test_recovered_for_a_model() -> None:
    """That it answers about one model says that it lives, not that it has room."""
    endpoints = Endpoints(avoid_seconds=30.0)
    endpoints.avoid("a", 0.0)
    endpoints.avoid("a", 0.0, "pro")
    endpoints.recovered("a", "flash")

    assert endpoints.in_order(("a", "b"), 1.0, "flash") == ["a", "b"]
    assert endpoints.in_order(("a", "b"), 1.0, "pro") == ["b", "a"]
    endpoints.recovered("a", "pro")
    assert endpoints.in_order(("a", "b"), 1.0, "pro") == ["a", "b"]
