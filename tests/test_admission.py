"""Tests for ``antigravity_gw.web.admission``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.errors import (
    BodiesTooLarge,
    BodyTooLarge,
    GatewayError,
    TooManyRequests,
    TooManyStreams,
)
from antigravity_gw.web.admission import Admission, Limits, Share

LIMITS = Limits(body_bytes=10, bodies_bytes=25, requests=3, streams_per_key=2)

steps = st.one_of(
    st.tuples(
        st.just("admit"),
        st.integers(0, 12),
        st.booleans(),
        st.sampled_from([None, "", "ann", "bob"]),
    ),
    st.tuples(st.just("grow"), st.integers(0, 5), st.integers(0, 9)),
    st.tuples(st.just("end"), st.integers(0, 5)),
)


class House:
    """An admission, and those that are inside."""

    def __init__(self) -> None:
        self.admission = Admission(LIMITS)
        self.inside: list[Share] = []

    def follow(self, step: tuple[object, ...]) -> None:
        """Do what *step* says; where it is refused, nothing must have changed."""
        before = str(self.admission)
        try:
            self._do(*step)
        except GatewayError:
            assert str(self.admission) == before

    def _do(self, what: object, which: int = 0, *more: object) -> None:
        if what == "admit":
            counts, stream_of = more
            share = self.admission.admit(
                which,
                counts=bool(counts),
                stream_of=stream_of if isinstance(stream_of, str) else None,
            )
            self.inside.append(share)
        elif self.inside and what == "grow":
            (size,) = more
            share = self.inside[which % len(self.inside)]
            self.admission.grow(share, int(str(size)))
        elif self.inside:
            self.admission.give_back(self.inside.pop(which % len(self.inside)))

    def taken(self) -> tuple[int, int, dict[str, int]]:
        """What those that are inside take up."""
        streams = [s.stream_of for s in self.inside if s.stream_of is not None]
        return (
            sum(share.requests for share in self.inside),
            sum(share.body for share in self.inside),
            {name: streams.count(name) for name in set(streams)},
        )


@given(st.lists(steps, max_size=40))
def test_sums(story: list[tuple[object, ...]]) -> None:
    """Whatever happens, the sums are those of the shares, and within the limits."""
    house = House()
    for step in story:
        house.follow(step)
        admission = house.admission
        sums = (admission.requests, admission.bodies, dict(admission.streams))

        assert sums == house.taken()
        assert 0 <= admission.requests <= LIMITS.requests
        assert 0 <= admission.bodies <= LIMITS.bodies_bytes
        assert all(0 < n <= LIMITS.streams_per_key for n in admission.streams.values())
        assert all(share.body <= LIMITS.body_bytes for share in house.inside)
    for share in house.inside:
        house.admission.let_go(share)
        house.admission.give_back(share)

    assert house.admission == Admission(LIMITS)


def test_one_body() -> None:
    """The longest body is taken, declared or not, and no longer one."""
    admission = Admission(LIMITS)
    admission.grow(admission.admit(0), 10)
    admission.admit(10)

    with pytest.raises(BodyTooLarge, match=r"10 bytes.*limits\.body_bytes"):
        admission.admit(11)


def test_all_bodies() -> None:
    """All of them have to fit in; one without a body always does."""
    admission = Admission(LIMITS)
    share = admission.admit(10)
    admission.admit(10)
    with pytest.raises(BodiesTooLarge) as caught:
        admission.admit(6, counts=False)
    admission.admit(0)
    admission.give_back(share)

    admission.grow(admission.admit(6), 4)
    assert caught.value.headers() == {"retry-after": "1"}


def test_a_body_that_never_fits() -> None:
    """What is too long even alone is not told to come again."""
    with pytest.raises(BodyTooLarge):
        Admission(Limits(body_bytes=30, bodies_bytes=20)).admit(25)


def test_requests() -> None:
    """Those that do not count get in when all places are taken."""
    admission = Admission(LIMITS)
    shares = [admission.admit(0) for _ in range(3)]
    with pytest.raises(TooManyRequests):
        admission.admit(0)
    admission.admit(0, counts=False)
    admission.give_back(shares[0])

    assert admission.admit(0).requests == 1


def test_streams() -> None:
    """Each client has its own number of streams."""
    admission = Admission(LIMITS)
    admission.admit(0, stream_of="ann")
    share = admission.admit(0, stream_of="ann")
    with pytest.raises(TooManyStreams):
        admission.admit(0, stream_of="ann")
    admission.give_back(share)

    assert admission.admit(0, stream_of="ann").stream_of == "ann"
    assert Admission(Limits()).admit(0, stream_of="").stream_of == ""


def test_streams_of_a_clients_own() -> None:
    """A number that is a client's own counts instead; 0 is any number."""
    admission = Admission(LIMITS)
    admission.admit(0, stream_of="ann", streams=1)
    with pytest.raises(TooManyStreams, match=r"as it may, 1 \(streams\)"):
        admission.admit(0, stream_of="ann", streams=1)
    for _ in range(2):
        admission.admit(0, stream_of="ann", streams=0, counts=False)
    with pytest.raises(TooManyStreams, match=r"2 \(limits.streams_per_key\)"):
        admission.admit(0, stream_of="ann")


def test_new_limits() -> None:
    """Limits that are lowered let be what is inside; nothing more comes in."""
    admission = Admission(LIMITS)
    share = admission.admit(10)
    admission.limits = Limits(body_bytes=1, bodies_bytes=1, requests=1)
    with pytest.raises(TooManyRequests):
        admission.admit(0)
    admission.give_back(share)

    assert admission.admit(1).body == 1
