"""Tests for ``antigravity_sandbox.google.paths``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_sandbox.google.paths import Address, read_path
from antigravity_sandbox.kinds import METHODS

MODEL = "publishers/google/models/gemini"


@pytest.mark.parametrize(
    ("verb", "path", "address"),
    [
        ("GET", "v1beta/models", Address("gemini_api_key", "listModels")),
        (
            "GET",
            "v1beta/models/m",
            Address("gemini_api_key", "getModel", {"model": "m"}),
        ),
        (
            "POST",
            "v1beta/models/m:countTokens",
            Address("gemini_api_key", "countTokens", {"model": "m"}),
        ),
        (
            "POST",
            "v1/projects/p/locations/l/publishers/google/models/m:generateContent",
            Address(
                "vertex",
                "generateContent",
                {"project": "p", "location": "l", "model": "m"},
            ),
        ),
        ("POST", "v1/token", Address(None, "exchange")),
        (
            "POST",
            "v1/projects/-/serviceAccounts/a@b:generateAccessToken",
            Address(None, "generateAccessToken", {"email": "a@b"}),
        ),
    ],
)
def test_addresses(verb: str, path: str, address: Address) -> None:
    """A path names the API, the method, and what it is about."""
    assert address == read_path(verb, path.split("/"))


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "v1beta/models"),
        ("GET", "v1beta/models/"),
        ("GET", "v1beta/models/m:generateContent/x"),
        ("GET", "v1/token"),
        ("POST", "v1beta/models/m"),
        ("POST", "v1beta/models/:generateContent"),
        ("POST", "v1beta/models/m:embedContent"),
        ("POST", f"v1/projects/p/locations/l/{MODEL}"),
        ("POST", f"v1beta/projects/p/locations/l/{MODEL}:generateContent"),
        ("POST", "v1/projects/-/serviceAccounts/a@b:signBlob"),
    ],
)
def test_nowhere(verb: str, path: str) -> None:
    """What is no call is no address."""
    assert read_path(verb, path.split("/")) is None


words = ["v1beta", "v1", "models", "projects", "locations", "publishers", "google"]
pieces = st.sampled_from([*words, "token", "-", ":", "m:generateContent", ""])
segments = st.lists(pieces | st.text(max_size=8), max_size=11)


@given(st.sampled_from(["GET", "POST", "PUT"]), segments)
def test_any_path(verb: str, path: list[str]) -> None:
    """Whatever the path, it is a call that there is, or none."""
    address = read_path(verb, path)

    if address and address.kind:
        assert address.method in METHODS[address.kind]
        assert all(name in "/".join(path) for name in address.named.values())
