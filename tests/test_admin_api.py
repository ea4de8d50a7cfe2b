"""``docs/admin-api.json`` against the code: every path, and what is really answered."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from administered import Administered
from jsonschema import Draft202012Validator
from twisted.internet.defer import fail
from twisted.web.resource import Resource
from world import TEXT, WHOLE, Reply, event

from antigravity_gw.admin.files import read_files
from antigravity_gw.database import StoreError
from antigravity_gw.needs import Need
from antigravity_gw.pool.hold import EVERY_MODEL, Hold
from antigravity_gw.states import Label
from antigravity_gw.wire.companion import Remaining

DOCS = Path(__file__).parents[1] / "docs"
API = json.loads((DOCS / "admin-api.json").read_text())
NOW = 1_000_000.0


@pytest.fixture
def world(tmp_path: Path) -> Administered:
    """A gateway where a lot is going on."""
    world = Administered(tmp_path)
    world.google.script = [Reply(500, b"{}")]
    world.generate()
    world.google.script = [WHOLE]
    world.generate()
    world.google.script = [Reply(body=event(TEXT), stays_open=True)]
    world.stream()
    account = world.account("c")
    account.quota = {"pro": Remaining(0.5, NOW + 9), "flash": Remaining(None, None)}
    account.holds.by_model["pro"] = Hold("out of quota", NOW, NOW + 9)
    account.holds.by_model[EVERY_MODEL] = Hold("see it", NOW, None, Need.VALIDATION)
    world.clock.advance(60)
    return world


def paths(resource: Resource, place: str) -> Iterator[tuple[str, str]]:
    """Each path below *resource*, and each method there; an id stands for any."""
    for method in getattr(resource, "renderers", {}):
        if method != "HEAD":
            yield place, method.lower()
    for name, child in resource.children.items():
        yield from paths(child, f"{place}/{name.decode()}")
    if place.endswith("/accounts"):
        one: Any = resource
        yield from paths(one.getChild(b"{id}", None), f"{place}/{{id}}")


def check(path: str, method: str, status: int, answer: Any) -> None:
    """See that an answer is what the file says of it."""
    said = API["paths"][path][method]["responses"][str(status)]
    (kind,) = said["content"].values()
    whole = {**kind["schema"], "components": API["components"]}
    Draft202012Validator(whole).validate(answer)


def test_every_path_is_there(world: Administered) -> None:
    """The file names each path and method that there is, and no other."""
    told = {
        (path, method)
        for path, item in API["paths"].items()
        for method in item
        if method != "parameters"
    }

    assert told == set(paths(world.page.children[b"api"], "/admin/api"))


def test_schemas_are_schemas() -> None:
    """Each is a JSON schema, closed, so that a member which is not told would fail."""
    for name, described in API["components"]["schemas"].items():
        Draft202012Validator.check_schema(described)
        assert described["additionalProperties"] is False, name


@pytest.mark.parametrize(
    "path",
    [
        *("session", "snapshot", "status", "accounts", "requests", "failures"),
        *("plots", "plots?range=day", "usage", "usage?by=account", "usage?by=model"),
    ],
)
def test_what_is_answered(world: Administered, path: str) -> None:
    """Real answers are as the file says."""
    answer = world.look(path)

    assert answer
    check(f"/admin/api/{path.partition('?')[0]}", "get", 200, answer)


def test_what_is_done(world: Administered) -> None:
    """So are those of actions, and of a test."""
    for action in ("disable", "enable", "end-cooldown", "test"):
        world.google.script = [Reply(503, b"{}")]
        client = world.do(f"accounts/c/{action}")

        assert client.status == 200
        path = f"/admin/api/accounts/{{id}}/{action}"
        check(path, "post", 200, client.json())


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/admin/api/usage", "get", 400),
        ("/admin/api/usage", "get", 503),
        ("/admin/api/accounts/{id}/enable", "post", 403),
        ("/admin/api/accounts/{id}/enable", "post", 404),
        ("/admin/api/accounts/{id}/test", "post", 400),
    ],
)
def test_what_is_refused(
    world: Administered, path: str, method: str, status: int
) -> None:
    """And so are those that are not well."""
    if method == "get":
        if status == 503:
            world.ledger.in_thread = lambda *_: fail(StoreError("the disk is full"))
        client = world.get(f"{path}?by={'nothing' if status == 400 else 'key'}")
    else:
        id = "nobody" if status == 404 else "a"
        token = "" if status == 403 else None
        under = path.removeprefix("/admin/api/").replace("{id}", id)
        body = b'{"model": "/"}' if status == 400 else b"{}"
        client = world.do(under, body, token=token)

    assert client.status == status
    check(path, method, status, client.json())


def test_states() -> None:
    """The file names every state there is."""
    told = API["components"]["schemas"]["Account"]["properties"]["state"]["enum"]

    assert set(told) == {label.value for label in Label}


def test_events_have_the_members_of_a_snapshot(world: Administered) -> None:
    """What is told by events is a snapshot in parts."""
    parts = set(API["components"]["schemas"]["Snapshot"]["properties"])

    assert parts == set(world.view.sections())
    script = read_files()[("live.js",)].content.decode()
    for part in parts:
        assert f'"{part}"' in script


def test_what_is_vendored() -> None:
    """The plots are drawn by uPlot, whose files are those of its release."""
    noted = (DOCS / "dependencies.md").read_text()
    files = {place[1]: file for place, file in read_files().items() if place[1:]}

    assert len(files) == 3
    for name, file in files.items():
        assert hashlib.sha256(file.content).hexdigest() in noted, name
    assert b"(v1.6.32)" in files["uPlot.iife.min.js"].content
    assert b"The MIT License" in files["uPlot.LICENSE.txt"].content
