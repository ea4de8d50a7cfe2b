"""Tests for ``antigravity_gw.journey``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.errors import GatewayError, Unreachable
from antigravity_gw.journey import Journey
from antigravity_gw.needs import Need
from antigravity_gw.wire.verdict import Blame, Setback, Verdict

TOLD = Unreachable("x")


def setback(blame: Blame, delay: float | None = None) -> Setback:
    """A call that failed for which *blame* is to blame."""
    return Setback(Verdict(blame, "because", delay), TOLD)


def travelled(
    *steps: tuple[str, Blame], hosts: tuple[str, ...] = ("p", "d")
) -> Journey:
    """A journey with these accounts called, and these failures met."""
    journey = Journey(3)
    for account, blame in steps:
        host = journey.next_host(account, list(hosts))
        assert host is not None
        journey.note(account, host, setback(blame))
    return journey


def test_hosts_in_order() -> None:
    """A host that failed is followed by the next, whoever asks."""
    journey = travelled(("a", Blame.ENDPOINT))

    assert journey.next_host("b", ["p", "d"]) == "d"


@pytest.mark.parametrize("blame", [Blame.HUMAN, Blame.OPERATOR])
def test_accounts_that_cannot_serve(blame: Blame) -> None:
    """One that takes a person is not asked again; the next asks the same host."""
    journey = travelled(("a", blame))

    assert (journey.avoid, journey.tried) == ({"a"}, set())
    assert journey.next_host("b", ["p", "d"]) == "p"


@pytest.mark.parametrize("blame", [Blame.QUOTA, Blame.RATE])
def test_accounts_that_cool(blame: Blame) -> None:
    """One that may be back in time is the second choice, and the host is not blamed."""
    journey = travelled(("a", blame))

    assert (journey.avoid, journey.tried) == (set(), {"a"})
    assert journey.next_host("b", ["p", "d"]) == "p"


def test_another_account_may_ask_a_host_that_failed() -> None:
    """With one host, a failure is followed by another account."""
    journey = travelled(("a", Blame.CAPACITY), hosts=("p",))

    assert {"a"} == journey.tried
    assert journey.next_host("b", ["p"]) == "p"


def test_hiccups_are_asked_again() -> None:
    """One account at one host may try again after what may be a hiccup."""
    assert travelled(("a", Blame.ENDPOINT), hosts=("p",)).next_host("a", ["p"]) == "p"


def test_what_names_a_delay_is_not_asked_again() -> None:
    """A host that says when to come back is not asked before."""
    journey = Journey(3)
    journey.next_host("a", ["p"])
    journey.note("a", "p", setback(Blame.ENDPOINT, delay=40.0))

    assert journey.next_host("a", ["p"]) is None


def test_missing_models_are_not_the_accounts_affair() -> None:
    """That no host knows a model is upstream's own answer."""
    journey = travelled(("a", Blame.MISSING), ("a", Blame.MISSING))

    assert journey.failed == {"p", "d"}
    assert (journey.avoid, journey.trouble()) == (set(), TOLD)


def test_a_bad_request_ends_it() -> None:
    """The client's own fault is answered at once."""
    journey = travelled(("a", Blame.REQUEST))

    assert (journey.left, journey.trouble()) == (0, TOLD)


@pytest.mark.parametrize("blame", [Blame.TOKEN, Blame.PROJECT])
def test_what_can_be_mended_is_asked_again(blame: Blame) -> None:
    """The same account, with another token or project, asks the same host."""
    journey = travelled(("a", blame))

    assert (journey.avoid, journey.tried) == (set(), set())
    assert journey.next_host("a", ["p", "d"]) == "p"


def test_a_token_is_renewed_once() -> None:
    """The second refusal of one account's token takes a new login."""
    journey = travelled(("a", Blame.TOKEN))
    verdict = journey.note("a", "p", setback(Blame.TOKEN))

    assert verdict == Verdict(
        Blame.HUMAN,
        "a new access token was refused",
        need=Need.LOGIN,
        is_account_wide=True,
    )
    assert journey.avoid == {"a"}
    assert journey.trouble() is None


def test_a_project_is_looked_up_once() -> None:
    """If the one that was found anew is refused too, somebody has to choose it."""
    refused = Verdict(Blame.PROJECT, "no such project", need=Need.PROJECT)
    journey = Journey(3)
    first, second = (journey.note("a", "p", Setback(refused, TOLD)) for _ in range(2))

    assert first == second == refused
    assert journey.avoid == {"a"}


def test_a_project_and_a_token() -> None:
    """Mending one of them says nothing about the other."""
    journey = travelled(("a", Blame.PROJECT))

    assert journey.note("a", "p", setback(Blame.TOKEN)).blame is Blame.TOKEN
    assert journey.note("b", "p", setback(Blame.PROJECT)).blame is Blame.PROJECT
    assert journey.avoid == set()


@pytest.mark.parametrize("blame", [Blame.TOKEN, Blame.PROJECT])
def test_the_last_call_goes_to_somebody_else(blame: Blame) -> None:
    """With one call left, another account is likelier to answer."""
    journey = travelled(("a", Blame.HUMAN), ("b", blame))

    assert (journey.left, journey.tried) == (1, {"b"})


@pytest.mark.parametrize("blame", Blame)
def test_trouble_of_accounts_is_not_told(blame: Blame) -> None:
    """A client learns of an account's troubles only in general terms."""
    told = travelled(("a", blame)).trouble()

    assert (told is None) == setback(blame).verdict.is_about_account()


def test_no_trouble() -> None:
    """A journey that has not begun has met none."""
    assert Journey(3).trouble() is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(Blame),
            st.none() | st.floats(0, 100),
        )
    ),
    st.lists(st.sampled_from("pde"), min_size=1, unique=True),
)
def test_never_more_than_it_may(
    steps: list[tuple[str, Blame, float | None]], hosts: list[str]
) -> None:
    """Whatever happens, no more calls are made than were allowed."""
    journey, called = Journey(3), 0
    for account, blame, delay in steps:
        if not journey.left or account in journey.avoid:
            continue
        host = journey.next_host(account, hosts)
        if host is None:
            break
        called += 1
        journey.note(account, host, setback(blame, delay))

    assert called <= 3
    assert called == journey.calls
    assert journey.trouble() is None or isinstance(journey.trouble(), GatewayError)
