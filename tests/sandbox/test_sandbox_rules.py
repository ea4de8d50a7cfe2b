"""Tests for the rules of misbehaviour."""

import pytest
from sandbox_helpers import STREAM, Desk, envelope, form, status

from antigravity_sandbox.control import add_rules, rules, set_seed
from antigravity_sandbox.reply import Refused

CALL = "generateContent"


def codes(desk: Desk, count: int = 3, account: str = "ada") -> list[int | None]:
    """The statuses of some calls in a row."""
    body = envelope(account)
    return [status(desk.ask(CALL, body, account)) for _ in range(count)]


def test_times() -> None:
    """A rule applies as often as it was told, and is gone then."""
    desk = Desk()
    desk.rule("500", times=2)

    assert codes(desk) == [500, 500, 200]
    assert rules(desk.sandbox) == {"rules": []}


def test_chance() -> None:
    """A rule with a chance befalls so many of the calls, and no more."""
    desk = Desk()
    desk.rule("500", chance=0.2)

    met = codes(desk, 300)

    assert set(met) == {200, 500}
    assert 40 < met.count(500) < 80


def test_chances_in_turn() -> None:
    """When the dice spare a call, the next rule has its turn."""
    desk = Desk()
    desk.rule("500", chance=0.5)
    desk.rule("503-capacity", chance=1)
    desk.rule("408")

    assert set(codes(desk, 30)) == {500, 503}


def test_chance_and_times() -> None:
    """Only the calls that are hit are counted."""
    desk = Desk()
    desk.rule("500", chance=0.3, times=3)

    met = codes(desk, 60)

    assert met.count(500) == 3
    assert met[:3] != [500, 500, 500]
    assert rules(desk.sandbox) == {"rules": []}


def test_same_seed() -> None:
    """With the same seed the same calls are hit."""
    runs = []
    for seed in (7, 7, 8):
        desk = Desk()
        desk.rule("500", chance=0.5)
        set_seed(desk.sandbox, {"seed": seed})
        runs.append(codes(desk, 30))

    assert runs[0] == runs[1] != runs[2]


def test_first_wins() -> None:
    """Of the rules that apply, the first is taken."""
    desk = Desk()
    desk.rule("500", times=1)
    desk.rule("503-capacity")

    assert codes(desk) == [500, 503, 503]


@pytest.mark.parametrize(
    "matched",
    [
        {"account": "grace"},
        {"model": "gemini-3-pro"},
        {"method": STREAM},
        {"endpoint": "daily"},
    ],
)
def test_others_are_spared(matched: dict[str, str]) -> None:
    """A rule leaves alone what it does not name."""
    desk = Desk()
    desk.rule("500", **matched)

    assert codes(desk, 1) == [200]


@pytest.mark.parametrize(
    "matched",
    [
        {"account": "ada"},
        {"model": "gemini-2.5-flash"},
        {"method": CALL},
        {"endpoint": ""},
        {"account": "ada", "method": CALL},
    ],
)
def test_named_are_met(matched: dict[str, str]) -> None:
    """A rule meets what it names."""
    desk = Desk()
    desk.rule("500", **matched)

    assert codes(desk, 1) == [500]


def test_endpoint() -> None:
    """Endpoints are told apart."""
    desk = Desk()
    desk.rule("500", endpoint="daily")
    token = desk.token()

    _, acts = desk.call(CALL, envelope(), bearer=token, endpoint="daily")

    assert status(acts) == 500


def test_refreshes_are_spared() -> None:
    """A rule without a method does not befall refreshes; one with does."""
    desk = Desk()
    desk.rule("500")
    assert desk.refresh()[0] == 200

    desk.rule("500", method="token", account="ada")
    assert desk.refresh()[0] == 500
    assert desk.refresh(form("grace"))[0] == 200


def test_what_cannot_be_is_spared() -> None:
    """A rule about streams is not used up by other calls."""
    desk = Desk()
    desk.rule("lf", times=1)

    assert codes(desk, 1) == [200]
    call, _ = desk.call(STREAM, envelope(), bearer=desk.token())
    assert call.behaviour == "lf"


def test_refused_calls_are_spared() -> None:
    """A call that is refused anyway does not use a rule up."""
    desk = Desk()
    desk.rule("500", times=1)

    assert status(desk.call(CALL, envelope())[1]) == 401
    assert codes(desk, 1) == [500]


def test_model_wins() -> None:
    """A model that misbehaves does so whatever the rules say."""
    desk = Desk()
    desk.rule("500")

    assert status(desk.ask(CALL, envelope(model="sandbox-429-bare"))) == 429


def test_unknown_trick() -> None:
    """A model that nobody taught to misbehave does not exist."""
    assert status(Desk().ask(CALL, envelope(model="sandbox-nonsense"))) == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "behaviour"),
        ({"behaviour": "nonsense"}, "behaviour"),
        ({"behaviour": ["500"]}, "behaviour"),
        ({"behaviour": "500", "nonsense": 1}, "nonsense"),
        ({"behaviour": "500", "delay": "2s"}, "delay"),
        ({"behaviour": "500", "times": 0}, "times"),
        ({"behaviour": "500", "times": True}, "times"),
        ({"behaviour": "500", "account": 3}, "account"),
        ({"behaviour": "500", "method": "embedContent"}, "method"),
        ({"behaviour": "lf", "method": "token"}, "method"),
        ({"behaviour": "token-500", "method": "generateContent"}, "method"),
        ({"behaviour": "429-rate-limit", "delay": "soon"}, "delay"),
        ({"behaviour": "429-rate-limit", "delay": 5}, "delay"),
        ({"behaviour": "delay", "seconds": -1}, "seconds"),
        ({"behaviour": "delay", "seconds": "1"}, "seconds"),
        ({"behaviour": "cut", "after": "lunch"}, "after"),
        ({"behaviour": "cut", "after": -1}, "after"),
        ({"behaviour": "split", "n": 1.5}, "n"),
        ({"behaviour": "raw-json-error", "form": "xml"}, "form"),
        ({"behaviour": "error-event", "code": 200}, "code"),
        ({"behaviour": "error-event", "code": [503]}, "code"),
        ({"behaviour": "500", "chance": 0}, "chance"),
        ({"behaviour": "500", "chance": 1.1}, "chance"),
        ({"behaviour": "500", "chance": "often"}, "chance"),
        ({"behaviour": "500", "chance": True}, "chance"),
        ([{"behaviour": "500"}, {"behaviour": "500", "times": 0}], "[1].times"),
        ([{"behaviour": "500"}, {}], "[1].behaviour"),
        ([{"behaviour": "500"}, "500"], "[1]"),
    ],
)
def test_mistakes_are_named(body: object, field: str) -> None:
    """A mistake is answered with the field it was made in, and no rule is added."""
    desk = Desk()

    with pytest.raises(Refused) as caught:
        add_rules(desk.sandbox, body)

    assert caught.value.reply.status == 400
    assert f'"field": "{field}"'.encode() in caught.value.reply.body
    assert rules(desk.sandbox) == {"rules": []}


def test_overview() -> None:
    """A rule is shown as it was laid down."""
    desk = Desk()
    rule = {"behaviour": "cut", "account": "ada", "after": "headers", "times": 3}
    rule |= {"chance": 0.5}

    assert {"rules": [rule]} == add_rules(desk.sandbox, rule)
