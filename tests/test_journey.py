"""Tests for ``antigravity_gw.journey``."""

from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.errors import GatewayError, Unreachable
from antigravity_gw.journey import Journey
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


def test_quota_is_not_the_hosts_fault() -> None:
    """Another account asks the same host."""
    journey = travelled(("a", Blame.QUOTA))

    assert {"a"} == journey.avoid
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
    """A model that no host knows is not asked for under other accounts."""
    journey = travelled(("a", Blame.MISSING), ("a", Blame.MISSING))

    assert journey.next_host("b", ["p", "d"]) is None
    assert journey.trouble() is TOLD


def test_a_bad_request_ends_it() -> None:
    """The client's own fault is answered at once."""
    journey = travelled(("a", Blame.REQUEST))

    assert (journey.left, journey.trouble()) == (0, TOLD)


def test_a_token_is_renewed_once() -> None:
    """The second refusal of one account's token is the account's affair."""
    journey = travelled(("a", Blame.TOKEN))
    assert set() == journey.avoid
    host = journey.next_host("a", ["p", "d"])
    verdict = journey.note("a", str(host), setback(Blame.TOKEN))

    assert ("p", Blame.ACCOUNT, {"a"}) == (host, verdict.blame, journey.avoid)


def test_the_last_call_goes_to_somebody_else() -> None:
    """With one call left, another account is likelier to answer."""
    journey = travelled(("a", Blame.QUOTA), ("b", Blame.TOKEN))

    assert (1, {"b"}) == (journey.left, journey.tried)


def test_trouble_of_accounts_is_not_told() -> None:
    """A client learns of an account's troubles only in general terms."""
    assert travelled(("a", Blame.QUOTA)).trouble() is None
    assert travelled(("a", Blame.ACCOUNT)).trouble() is None
    assert travelled(("a", Blame.TOKEN)).trouble() is None
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
