"""Tests for ``antigravity_gw.states``."""

from itertools import pairwise
from typing import Any

import pytest

from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Known
from antigravity_gw.pool.hold import ACCESS, EVERY_MODEL, Hold
from antigravity_gw.record import Record
from antigravity_gw.states import (
    GRAVEST_FIRST,
    TO_DO,
    Label,
    client_troubles,
    handle,
    headcount,
    quota_left,
    state_of,
)
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.oauth import OAuthClient

NOW = 1000.0
OWN = OAuthClient("own.apps", "hush")


def account(holds: dict[str, Hold] | None = None, **said: Any) -> Known:
    """An account called ada, with some *holds*."""
    return Known(Record("id-ada", said.pop("name", "ada"), "1//x", **said), holds or {})


def cools(until: float, reason: str = "out of quota") -> Hold:
    """A hold that ends by itself."""
    return Hold(reason, NOW - 60, until)


def needs(need: Need, until: float | None = None, **more: Any) -> Hold:
    """A hold that takes a person."""
    return Hold("because", NOW - 60, until, need, **more)


@pytest.mark.parametrize(
    ("holds", "title", "can_serve"),
    [
        ({}, "serving", True),
        ({"pro": cools(NOW)}, "serving", True),
        ({"pro": cools(NOW + 1)}, "cooling (1 model)", True),
        ({"pro": cools(NOW + 1), "flash": cools(NOW + 9)}, "cooling (2 models)", True),
        ({"pro": cools(NOW + 1), "flash": cools(NOW)}, "cooling (1 model)", True),
        ({EVERY_MODEL: cools(NOW + 1), "pro": cools(NOW + 9)}, "cooling", False),
        ({ACCESS: cools(NOW + 1)}, "cooling", False),
        ({ACCESS: needs(Need.LOGIN)}, "needs login", False),
        ({EVERY_MODEL: needs(Need.VALIDATION)}, "needs validation", False),
        ({EVERY_MODEL: needs(Need.ENTITLEMENT)}, "not entitled", False),
        ({ACCESS: needs(Need.PROJECT, NOW + 1)}, "needs a project", False),
        ({EVERY_MODEL: needs(Need.SUSPENDED)}, "suspended", False),
        ({ACCESS: needs(Need.CLIENT, NOW + 1)}, "misconfigured", False),
        ({EVERY_MODEL: needs(Need.VALIDATION, NOW - 1)}, "needs validation", False),
    ],
)
def test_titles(holds: dict[str, Hold], title: str, can_serve: bool) -> None:
    """What cools is told by its models; a need lasts until something was served."""
    state = state_of(account(holds), NOW)

    assert (title, can_serve) == (state.title, state.can_serve)


@pytest.mark.parametrize(("graver", "lesser"), list(pairwise(GRAVEST_FIRST)))
def test_the_gravest_need_is_told(graver: Need, lesser: Need) -> None:
    """Of two needs, the one that would make the other's remedy vain."""
    holds = {EVERY_MODEL: needs(lesser), ACCESS: needs(graver)}
    swapped = {EVERY_MODEL: needs(graver), ACCESS: needs(lesser)}

    assert graver.value == state_of(account(holds), NOW).label.value
    assert graver.value == state_of(account(swapped), NOW).label.value


def test_every_need_has_its_state_and_its_remedy() -> None:
    """None is forgotten, and only those who serve have nothing to read."""
    assert set(Need) == set(GRAVEST_FIRST)
    assert set(Label) - {Label.SERVING} == set(TO_DO)
    assert {need.value for need in Need} <= {label.value for label in Label}


def test_what_is_told_of_a_need() -> None:
    """Why, since when, until when, what to do, and where."""
    hold = needs(Need.VALIDATION, NOW + 5, link="https://accounts.google.com/x")
    state = state_of(account({EVERY_MODEL: hold}), NOW)

    assert (state.reason, state.since, state.until) == ("because", NOW - 60, NOW + 5)
    assert state.link == "https://accounts.google.com/x"
    assert "'antigravity-gw accounts enable ada'" in (state.to_do or "")
    assert "accounts.google.com" not in repr(state)


@pytest.mark.parametrize(
    ("hold", "said", "told"),
    [
        (needs(Need.LOGIN), {}, "'antigravity-gw login ada'"),
        (needs(Need.VALIDATION, link="https://x"), {}, "open the link"),
        (needs(Need.VALIDATION), {}, "sign in to Google"),
        (needs(Need.ENTITLEMENT), {}, "'antigravity-gw accounts enable ada'"),
        (needs(Need.PROJECT), {}, "'antigravity-gw accounts set ada --project ID'"),
        (needs(Need.SUSPENDED), {}, "Nothing here uses it again"),
        (needs(Need.CLIENT), {}, "oauth.client_id"),
        (needs(Need.CLIENT), {"client": OWN}, "--client-id"),
        (cools(NOW + 9), {}, "nothing: it ends by itself"),
        (cools(NOW + 9), {"disabled": 1.0}, "'antigravity-gw accounts enable ada'"),
    ],
)
def test_what_to_do(hold: Hold, said: dict[str, Any], told: str) -> None:
    """The command to type is named."""
    state = state_of(account({EVERY_MODEL: hold}, **said), NOW)

    assert told in (state.to_do or "")


def test_disabled_comes_first() -> None:
    """It says who did it; what was wrong before is not forgotten."""
    plain = state_of(account(disabled=7.0), NOW)
    troubled = account({EVERY_MODEL: needs(Need.SUSPENDED)}, disabled=7.0)

    assert (plain.label, plain.since, plain.until) == (Label.DISABLED, 7.0, None)
    assert plain.reason == "its operator has disabled it"
    assert str(state_of(troubled, NOW).reason).endswith("before that: because")


def test_coolings() -> None:
    """The soonest back comes first, and those to be tried are among them."""
    holds = {
        "pro": cools(NOW + 50),
        "flash": cools(NOW + 5, "too many requests"),
        "lite": cools(NOW - 5),
    }
    state = state_of(account(holds), NOW)

    assert [cooling.model for cooling in state.coolings] == ["lite", "flash", "pro"]
    assert state.reason == "too many requests; out of quota"
    assert (state.since, state.until) == (NOW - 60, NOW + 50)


def test_cooling_as_a_whole() -> None:
    """What keeps it from every model is told before what is about one."""
    holds = {"pro": cools(NOW + 50), ACCESS: cools(NOW + 5, "no token")}
    state = state_of(account(holds), NOW)

    assert (state.reason, state.until) == ("no token", NOW + 5)
    assert [cooling.model for cooling in state.coolings] == [None, "pro"]


def test_a_client_is_told_once() -> None:
    """One trouble for all accounts that have the same OAuth client."""
    refused = needs(Need.CLIENT, NOW + 5)
    later = Hold("because", NOW - 90, NOW + 9, Need.CLIENT)
    accounts = [
        account({ACCESS: refused}),
        account({EVERY_MODEL: later}),
        account({ACCESS: refused}, client=OWN),
        account({ACCESS: refused}, disabled=1.0),
        account({ACCESS: refused, EVERY_MODEL: needs(Need.LOGIN)}),
        account(),
    ]
    shared, own = client_troubles(accounts, "configured.apps")

    assert (shared.id, shared.users) == ("configured.apps", 2)
    assert (own.id, own.users) == ("own.apps", 1)
    assert (shared.state.since, shared.state.until) == (NOW - 90, NOW + 5)
    assert shared.state.reason == "because"


def test_a_client_that_waits_for_its_operator() -> None:
    """There need not be a time when it is tried again."""
    (trouble,) = client_troubles([account({ACCESS: needs(Need.CLIENT)})], "")

    assert (trouble.id, trouble.state.until) == ("", None)


@pytest.mark.parametrize(
    ("quota", "left"),
    [
        ({}, None),
        ({"a": Remaining(None, None)}, None),
        ({"a": Remaining(0.8, None), "b": Remaining(0.2, NOW + 1)}, 0.2),
        ({"a": Remaining(0.8, None), "b": Remaining(0.2, NOW)}, 0.8),
        ({"a": Remaining(0.0, None)}, 0.0),
    ],
)
def test_quota_left(quota: dict[str, Remaining], left: float | None) -> None:
    """That of the model with least; what has come back since is not known."""
    assert left == quota_left(Known(Record("1", "ada", "1//x"), quota=quota), NOW)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("ada@example.org", "ada@example.org"),
        ("ada lovelace", "id-ada"),
        ("ada;rm", "id-ada"),
        ("-ada", "id-ada"),
        ("a" * 24, "a" * 24),
        ("a" * 25, "id-ada"),
    ],
)
def test_handle(name: str, called: str) -> None:
    """What can be typed as it is and is short stays; an id always can."""
    assert called == handle(account(name=name).record)


def test_headcount() -> None:
    """Those that serve come first; who cannot serve some models counts as one."""
    accounts = [
        account(),
        account({"pro": cools(NOW + 1)}),
        account({EVERY_MODEL: cools(NOW + 1)}),
        account({ACCESS: needs(Need.LOGIN)}),
        account({EVERY_MODEL: needs(Need.SUSPENDED)}),
        account(disabled=NOW),
    ]
    states = [state_of(each, NOW) for each in accounts]

    assert headcount(states) == (
        "accounts: 2 serving, 1 cooling, 2 waiting for somebody, 1 disabled"
    )
    assert headcount(states[:1]) == "accounts: 1 serving"
    assert headcount([]) == "no accounts: 'antigravity-gw accounts add' makes one"
