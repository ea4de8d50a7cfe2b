"""Tests for rules and behaviours across the kinds of account."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_helpers import STREAM, Desk, events, kind_meeting, status, texts, written

from antigravity_sandbox.acts import HangUp
from antigravity_sandbox.control import add_rules, overview
from antigravity_sandbox.kinds import CODE_ASSIST, GEMINI, METHODS, VERTEX
from antigravity_sandbox.mischief.catalogue import CATALOGUE
from antigravity_sandbox.reply import Refused

CALL = "generateContent"
STREAMED = [
    slug
    for slug, behaviour in CATALOGUE.items()
    if not behaviour.of_grants and not behaviour.kinds and not slug[0].isdigit()
]


@pytest.mark.parametrize("kind", METHODS)
def test_rules_by_kind(kind: str) -> None:
    """A rule may be for one kind of account only."""
    desk = Desk()
    desk.rule("500", kind=kind)

    met = [k for k in METHODS if status(desk.by(k, CALL)[1]) == 500]

    assert met == [kind]


def test_denials_belong_to_their_kind() -> None:
    """A rule that names no kind leaves those alone that its behaviour is not of."""
    desk = Desk()
    desk.rule("400-key-invalid", times=1)

    assert [status(desk.by(kind, CALL)[1]) for kind in METHODS] == [200, 400, 200]


def test_whose_rule() -> None:
    """Account, kind and model together say whom a rule befalls."""
    desk = Desk()
    desk.rule("500", kind=GEMINI, account="ada", model="gemini-2.5-pro")

    def code(kind: str, model: str, account: str) -> int | None:
        return status(desk.by(kind, CALL, model, account)[1])

    assert code(GEMINI, "gemini-2.5-pro", "ada") == 500
    assert code(VERTEX, "gemini-2.5-pro", "ada") == 200
    assert code(GEMINI, "gemini-2.5-flash", "ada") == 200
    assert code(GEMINI, "gemini-2.5-pro", "grace") == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "anthropic"}, "kind"),
        ({"kind": 3}, "kind"),
        ({"behaviour": "400-key-invalid", "kind": "vertex"}, "kind"),
        ({"behaviour": "token-500", "kind": "vertex"}, "kind"),
        ({"behaviour": "400-key-invalid", "method": "loadCodeAssist"}, "method"),
        ({"behaviour": "403-license", "method": "token"}, "method"),
        ({"kind": "vertex", "method": "loadCodeAssist"}, "method"),
        ({"method": "loadCodeAssist", "kind": "vertex"}, "kind"),
        ({"kind": "vertex", "method": "token"}, "method"),
    ],
)
def test_rules_that_never_apply(body: dict[str, object], field: str) -> None:
    """A rule that no call could meet is refused, with the field that is too much."""
    with pytest.raises(Refused) as caught:
        add_rules(Desk().sandbox, {"behaviour": "500", **body})

    assert f'"field": "{field}"'.encode() in caught.value.reply.body


@pytest.mark.parametrize("slug", STREAMED)
@pytest.mark.parametrize("kind", [GEMINI, VERTEX])
def test_bare_streams_misbehave(slug: str, kind: str) -> None:
    """What befalls a stream of envelopes befalls one of bare responses."""
    desk = Desk()
    desk.rule(slug)

    call, acts = desk.by(kind, STREAM)

    assert slug == call.behaviour
    assert acts
    assert b'"response":' not in written(acts)


@pytest.mark.parametrize("kind", METHODS)
def test_broken_streams(kind: str) -> None:
    """A stream is cut after as many events as it was told, whatever they look like."""
    desk = Desk()
    desk.rule("cut", after=2)

    acts = desk.by(kind, STREAM)[1]

    assert acts[-1] == HangUp(reset=True)
    assert len(texts(events(written(acts)))) == 2


@pytest.mark.parametrize("kind", METHODS)
def test_fields_of_errors(kind: str) -> None:
    """An error names a field by its place in the body that was sent."""
    desk = Desk()
    desk.rule("400-unknown-name")

    error = json.loads(written(desk.by(kind, CALL)[1]))["error"]

    (violation,) = error["details"][0]["fieldViolations"]
    assert violation["field"].startswith("request.") is (kind == CODE_ASSIST)


names = st.sampled_from(
    ["contents", "parts", "role", "text", "tools", "system_instruction", "x"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner),
    max_leaves=12,
)


@given(values, st.sampled_from([CALL, STREAM, "countTokens"]))
def test_any_body(value: object, method: str) -> None:
    """Whatever is sent, it is served or refused."""
    desk, body = Desk(), json.dumps(value).encode()

    for _, acts in (desk.by_key(method, body), desk.at_vertex(method, body)):
        assert status(acts) in (200, 400)


def test_kinds_are_shown() -> None:
    """The overview tells whom a behaviour can befall; nobody means everybody."""
    shown = {b["slug"]: b["kinds"] for b in overview(Desk().sandbox)["behaviours"]}

    assert shown["400-key-invalid"] == [GEMINI]
    assert shown["500"] == []
    assert kind_meeting("429-vertex") == VERTEX
