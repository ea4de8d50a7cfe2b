"""Tests for ``antigravity_gw.catalog``."""

import pytest

from antigravity_gw.catalog import Catalog, Model
from antigravity_gw.errors import BadRequest

PRO = Model(name="pro", output_tokens=8)
FLASH = Model(name="flash")
CATALOG = Catalog(
    (PRO, FLASH),
    {
        "*": "flash",
        "gemini-*": "pro",
        "gemini-*-lite": "flash",
        "*-gemini": "first",
        "*-gemini*": "second",
        "pro-latest": "pro",
        "flash": "flash",
    },
    image_models=("*-image", "*-image-*"),
)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("pro-latest", "pro"),
        ("gemini-9", "pro"),
        ("gemini-9-lite", "flash"),
        ("x-gemini", "first"),
        ("anything", "flash"),
        ("flash", "flash"),
    ],
)
def test_the_most_specific_alias_wins(name: str, model: str) -> None:
    """Exact before pattern, long before short, first before second."""
    assert model == CATALOG.resolve(name)


def test_what_matches_nothing_goes_as_it_is() -> None:
    """A name that no alias fits is upstream's own."""
    assert Catalog((), {"a*": "b"}).resolve("x.y") == "x.y"
    assert Catalog((), {".*": "b"}).resolve("a") == "a"


def test_list() -> None:
    """Aliases are listed with the limits of what they stand for, patterns are not."""
    assert [m.name for m in CATALOG.listed()] == ["pro", "flash", "pro-latest"]
    assert CATALOG.listed()[2].output_tokens == 8


def test_entry() -> None:
    """An entry has the members SDKs read, and the name that was asked for."""
    entry = CATALOG.find("gemini-9")

    assert entry is not None
    assert entry.dressed() == {
        "name": "models/gemini-9",
        "version": "001",
        "displayName": "gemini-9",
        "description": "",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 8,
        "supportedGenerationMethods": [
            "generateContent",
            "streamGenerateContent",
            "countTokens",
        ],
    }
    assert Catalog((PRO,), {}).find("nobody") is None


def everything(name: str) -> bool:
    """What a client may use that may use all there is."""
    return bool(name)


def test_pages() -> None:
    """Pages follow each other to the end of the list, each model once."""
    catalog = Catalog(tuple(Model(name=f"m{i}") for i in range(7)), {})
    seen, token = [], ""
    while True:
        page = catalog.page("3", token, everything)
        seen += [model["displayName"] for model in page["models"]]
        token = page.get("nextPageToken", "")
        if not token:
            break

    assert [f"m{i}" for i in range(7)] == seen


@pytest.mark.parametrize("size", ["", "0", "50", "999999999"])
def test_page_sizes(size: str) -> None:
    """No size and 0 mean the default; what is too much is cut down."""
    assert len(Catalog((PRO, FLASH), {}).page(size, "", everything)["models"]) == 2


@pytest.mark.parametrize(
    ("size", "token"), [("-1", ""), ("x", ""), ("", "x"), ("", "3"), ("", "٣")]
)
def test_pages_that_are_not(size: str, token: str) -> None:
    """A size or token that makes no sense is the client's mistake."""
    with pytest.raises(BadRequest):
        Catalog((PRO, FLASH), {}).page(size, token, everything)


def test_what_a_client_may_not_use() -> None:
    """It is not on the list, and pages are as long as without it."""
    catalog = Catalog(tuple(Model(name=f"m{i}") for i in range(7)), {})
    first = catalog.page("2", "", lambda name: name in ("m1", "m3", "m6"))
    second = catalog.page("2", "2", lambda name: name in ("m1", "m3", "m6"))

    assert [m["displayName"] for m in first["models"]] == ["m1", "m3"]
    assert [m["displayName"] for m in second["models"]] == ["m6"]
    assert "nextPageToken" not in second


def test_image_models() -> None:
    """Image models are told by their resolved name."""
    assert CATALOG.makes_images("gemini-2.5-flash-image")
    assert CATALOG.makes_images("gemini-2.5-flash-image-preview")
    assert not CATALOG.makes_images("gemini-2.5-flash")
