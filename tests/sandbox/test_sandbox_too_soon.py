"""Tests for the note taken of calls that come before the time they were told."""

import pytest
from sandbox_helpers import STREAM, Desk, envelope, kind_meeting, performed

from antigravity_sandbox.acts import Head
from antigravity_sandbox.control import account, overview
from antigravity_sandbox.kinds import CODE_ASSIST, METHODS
from antigravity_sandbox.mischief.catalogue import CATALOGUE

CALL = "generateContent"
PRO = "gemini-2.5-pro"


def called(
    desk: Desk,
    after: float = 0.0,
    who: str = "ada",
    method: str = CALL,
    model: str = PRO,
    kind: str = CODE_ASSIST,
) -> bool:
    """Whether a call so many seconds later was too soon."""
    desk.now += after
    return desk.by(kind, method, model, who)[0].too_soon


def warned(behaviour: str = "429-rate-limit", **more: object) -> Desk:
    """A sandbox in which ada has been answered a 429."""
    desk = Desk()
    desk.rule(behaviour, times=1, **more)
    assert not called(desk, kind=kind_meeting(behaviour))
    assert desk.sandbox.rules.rules == []
    return desk


@pytest.mark.parametrize("method", [CALL, STREAM])
def test_too_soon(method: str) -> None:
    """A call is too soon until the delay that was announced has passed."""
    desk = warned(delay="2.5s")

    noted = [called(desk, after, method=method) for after in (0, 2, 0.25, 0.25, 9)]

    assert noted == [True, True, True, False, False]
    assert overview(desk.sandbox)["tooSoon"] == 3
    assert account(desk.sandbox, "ada")["tooSoon"] == 3


def test_on_record() -> None:
    """The record says of each call whether it was too soon."""
    desk = warned()
    called(desk)

    calls = desk.sandbox.record.overview()["calls"]

    marks = [call["tooSoon"] for call in calls if call["method"] == CALL]
    assert marks == [False, True]


def test_others_are_not_meant() -> None:
    """Other accounts, other models and other methods were not told to wait."""
    desk = warned(delay="1h")

    assert not called(desk, who="grace")
    assert not called(desk, model="gemini-2.5-flash")
    assert not called(desk, method="loadCodeAssist")
    assert called(desk)


def test_kinds_apart() -> None:
    """What one kind of account was told does not bind another of the same owner."""
    desk = warned(delay="1h")

    assert [kind for kind in METHODS if called(desk, kind=kind)] == [CODE_ASSIST]


def test_last_counts() -> None:
    """The last delay counts, be it the shorter one."""
    desk = warned(delay="1h")
    desk.rule("429-rate-limit", times=1, delay="2s")
    assert called(desk)

    assert [called(desk, 1), called(desk, 1)] == [True, False]


DELAYED = [
    slug for slug, b in CATALOGUE.items() if slug[:3] == "429" and "delay" in b.takes
]
SILENT = [slug for slug in CATALOGUE if slug[:3] == "429" and slug not in DELAYED] + [
    "503-capacity",
    "500",
]


@pytest.mark.parametrize("slug", DELAYED)
def test_delayed(slug: str) -> None:
    """Every 429 with a delay announces it, the default if it was not told."""
    told, default = warned(slug, delay="7s"), warned(slug)
    kind = kind_meeting(slug)

    assert [called(told, after, kind=kind) for after in (6, 1)] == [True, False]
    assert called(default, 0.5, kind=kind)


@pytest.mark.parametrize("slug", SILENT)
def test_silent(slug: str) -> None:
    """Errors that have no delay, or are no 429, announce nothing."""
    assert not called(warned(slug), kind=kind_meeting(slug))


def test_silence_takes_nothing_back() -> None:
    """A 429 without a delay leaves standing what was announced."""
    desk = warned(delay="1h")
    desk.rule("429-bare", times=1)
    called(desk)

    assert called(desk)


def test_quota() -> None:
    """The sandbox's own 429 announces when the quota is full again."""
    desk = Desk()
    desk.tell("ada", quotas={PRO: 1}, quotaReset="90s")

    noted = [called(desk, after) for after in (0, 0, 89, 0, 1)]

    assert noted == [False, False, True, True, False]


def test_by_model() -> None:
    """A model that misbehaves by its name announces as well."""
    desk = Desk()
    model = "sandbox-429-rate-limit"

    assert [called(desk, model=model) for _ in range(2)] == [False, True]


def test_other_methods_are_told_nothing() -> None:
    """A 429 for another method is not about a model."""
    desk = Desk()
    desk.rule("429-quota-exhausted", method="loadCodeAssist")
    desk.ask("loadCodeAssist", b"{}")

    assert desk.sandbox.accounts.named("ada").announced == {}  # type: ignore[union-attr]


def test_crossing() -> None:
    """A call that comes while the 429 is on its way cannot know of it."""
    desk = Desk()
    desk.rule("429-rate-limit", times=1)
    bearer = desk.token()
    call = desk.sandbox.record.begin(
        at=0,
        kind="code_assist",
        method=CALL,
        endpoint="",
        query="",
        headers=[],
        bearer=bearer,
        body=b"",
    )
    acts = desk.sandbox.answer(call, envelope(model=PRO), desk.now)
    assert isinstance(next(acts), Head)

    crossing = called(desk)
    performed(acts)

    assert (crossing, called(desk)) == (False, True)


def test_unheard() -> None:
    """What the caller did not stay to hear was not announced."""
    desk = Desk()
    desk.rule("429-rate-limit", times=1)
    bearer = desk.token()
    call = desk.sandbox.record.begin(
        at=0,
        kind="code_assist",
        method=CALL,
        endpoint="",
        query="",
        headers=[],
        bearer=bearer,
        body=b"",
    )
    acts = desk.sandbox.answer(call, envelope(model=PRO), desk.now)
    next(acts)

    acts.close()

    assert not called(desk)


def test_restore() -> None:
    """A restored account has been told nothing, and has done nothing."""
    desk = warned(delay="1h")
    called(desk)

    desk.tell("ada", restore=True)

    assert overview(desk.sandbox)["tooSoon"] == 0
    assert not called(desk)
