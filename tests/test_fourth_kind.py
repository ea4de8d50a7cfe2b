"""What it takes to add a kind of account: one class, its registration, and the docs."""

import json
import math
from pathlib import Path

import pytest
from attrs import define, evolve
from world import HELLO, LAST, Reply, World

from antigravity_gw.causes import Cause
from antigravity_gw.config import KINDS as TABLES
from antigravity_gw.kind import Caller, Given, Kind, Kinds
from antigravity_gw.kinds.registered import KINDS, NAMES, kind_called
from antigravity_gw.needs import Need
from antigravity_gw.record import Record
from antigravity_gw.upstream.order import Order
from antigravity_gw.wire.ask import Ask
from antigravity_gw.wire.envelope import unwrapped
from antigravity_gw.wire.judging import Row, Table, human
from antigravity_gw.wire.oauth import AccessToken
from antigravity_gw.wire.signs import says

DOCS = Path(__file__).parents[1] / "docs"
OUT_OF_SEED = human(Need.CREDENTIAL, "the parrot wants seed", Cause.KEY_INVALID)


@define(eq=False)
class Parrot(Kind):
    """A kind that nobody has heard of, in as few lines as there can be."""

    name = "parrot"
    title = "Parrot"
    secret = "password"
    errors = Table({403: (Row(says("no seed"), OUT_OF_SEED),)})
    opened = staticmethod(unwrapped)

    @classmethod
    def read_credential(cls, text: str) -> Given:
        """Any word will do."""
        return Given(text)

    def order(self, ask: Ask, caller: Caller, host: str) -> Order:
        """The model is part of the path."""
        action = "say" if ask.is_whole else "sing"
        url = f"{host}/perch/{ask.model}:{action}"
        return Order(url, (("x-parrot", caller.token),))

    async def mint(self, record: Record) -> AccessToken:
        """The password is what lets it in."""
        return AccessToken(record.credential, math.inf)

    def project_of(self, record: Record) -> str | None:
        """It has none."""
        return ""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A pool with an account of that kind, and one of Code Assist behind it."""
    world = World(tmp_path, accounts="")
    reach = evolve(world.kind.means.reach, endpoints=("http://perch.example",))
    upstream = evolve(world.upstream, errors=Parrot.errors)
    means = evolve(world.kind.means, upstream=upstream, reach=reach)
    world.kinds.go_by(Kinds({"parrot": Parrot(means), world.kind.name: world.kind}))
    world.store.put(Record("polly", "polly@x", "cracker", kind="parrot"))
    world.add("a")
    return world


def test_it_serves(world: World) -> None:
    """Pool, gateway and front ask the interface, and nothing else."""
    world.google.script = [Reply(body=b'{"candidates":[{"finishReason":"STOP"}]}')]
    client = world.generate()
    (call,) = world.google.calls

    assert (client.status, client.json()) == (
        200,
        {"candidates": [{"finishReason": "STOP"}]},
    )
    assert (call.host, call.request.uri) == ("perch.example", b"/perch/pro:say")
    assert (call.headers["x-parrot"], call.raw) == (["cracker"], HELLO)
    assert "authorization" not in call.headers


def test_its_errors_are_its_own(world: World) -> None:
    """Another account takes over, and the operator reads what this one needs."""
    world.google.script = [
        Reply(403, b'{"error":{"code":403,"message":"There is no seed."}}'),
        Reply(body=b'{"response":%b}' % json.dumps(LAST).encode()),
    ]

    assert world.generate().status == 200
    assert [call.host for call in world.google.calls] == [
        "perch.example",
        "one.example",
    ]
    waits_for = world.account("polly").waits_for("pro", world.pool.now())
    assert waits_for == Need.CREDENTIAL.value


def test_a_kind_from_the_future(world: World) -> None:
    """What another version has stored is left alone, and said to be."""
    world.store.put(Record("x", "x@x", "?", kind="unheard of"))
    world.take_up()

    assert [account.id for account in world.pool.accounts] == ["polly", "a"]
    assert len(world.store.accounts()) == 3


def test_registration() -> None:
    """A kind that is registered has a table, a name on the command line, and a page."""
    configuration = (DOCS / "config.toml").read_text()

    assert NAMES == TABLES == tuple(kind.name for kind in KINDS)
    assert kind_called("parrot") is None
    for kind in KINDS:
        assert kind_called(kind.name) is kind
        assert f"[upstream.{kind.name}]" in configuration
        assert f"`{kind.name}`" in (DOCS / "kinds.md").read_text()
