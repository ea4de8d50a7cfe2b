"""Tests for ``antigravity_gw.wire.companion``."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.causes import Cause
from antigravity_gw.needs import Need
from antigravity_gw.wire.companion import (
    FREE,
    LEGACY,
    MODELS_KEPT,
    REFUSALS,
    REFUSED,
    Ineligible,
    Membership,
    Remaining,
    Tier,
    is_operation,
    load_body,
    may_be_asked_otherwise,
    onboard_body,
    project_in,
    quota_body,
    read_load,
    read_models_quota,
    read_operation,
    read_quota,
    refusal,
    tier_to_join,
)
from antigravity_gw.wire.jsons import decoded
from antigravity_gw.wire.verdict import Blame, Setback, Verdict

ABROAD = b"""{
  "allowedTiers": [{
    "id": "standard-tier", "name": "Gemini Code Assist", "description": "...",
    "userDefinedCloudaicompanionProject": true, "privacyNotice": {},
    "isDefault": true
  }],
  "ineligibleTiers": [{
    "reasonCode": "UNSUPPORTED_LOCATION", "reasonMessage": "...",
    "tierId": "free-tier", "tierName": "Gemini Code Assist for individuals"
  }]
}"""
"""Of somebody whom the free tier is not for (gemini-cli#1432)."""

MEMBER = b"""{
  "currentTier": {
    "id": "free-tier", "name": "Gemini Code Assist for individuals",
    "privacyNotice": {"showNotice": true, "noticeText": "..."}
  },
  "allowedTiers": [
    {"id": "free-tier", "isDefault": true},
    {"id": "standard-tier", "userDefinedCloudaicompanionProject": true}
  ],
  "cloudaicompanionProject": "winter-rain-a1b2c",
  "gcpManaged": false,
  "paidTier": {"id": "g1-pro-tier", "availableCredits": [{"creditAmount": "25"}]}
}"""
"""Of a subscriber, with members of which nobody has told us."""

ENDED = b"""{
  "ineligibleTiers": [{
    "reasonCode": "UNSUPPORTED_CLIENT", "tierId": "free-tier",
    "reasonMessage": "This client is no longer supported for ada@example.com."
  }]
}"""
"""Of somebody whose client the tier has been ended for (gemini-cli#28229)."""

LINK = "https://accounts.google.com/signin/continue?sarp=1&scc=1&plt=x"
UNVERIFIED = json.dumps(
    {
        "allowedTiers": [{"id": "free-tier", "isDefault": True}],
        "ineligibleTiers": [
            {"reasonCode": "INELIGIBLE_ACCOUNT", "tierId": "g1-pro-tier"},
            {
                "reasonCode": "VALIDATION_REQUIRED",
                "reasonMessage": "Verify your account to continue.",
                "tierId": "free-tier",
                "validationUrl": LINK,
                "validationUrlLinkText": "Verify your account",
            },
        ],
    }
).encode()
"""Of somebody whom Google wants to see first."""


AT_NOON = 1795176000.0
BUCKETS = b"""{"buckets": [
  {"remainingAmount": "1490", "remainingFraction": 0.99333334,
   "resetTime": "2026-11-20T12:00:00Z", "tokenType": "REQUESTS",
   "modelId": "gemini-2.5-flash"},
  {"remainingFraction": 0, "resetTime": "2026-11-20T12:00:00.5Z",
   "tokenType": "REQUESTS", "modelId": "gemini-2.5-pro"},
  {"resetTime": "2026-11-20T12:00:00Z", "tokenType": "REQUESTS",
   "modelId": "gemini-3-pro-preview"}
]}"""
MODELS = b"""{
  "models": {
    "gemini-3-flash": {
      "displayName": "Gemini 3 Flash", "model": "MODEL_PLACEHOLDER_M18",
      "quotaInfo": {"remainingFraction": 1, "resetTime": "2026-11-20T12:00:00Z"},
      "supportedMimeTypes": {"image/png": true}, "maxTokens": 1048576
    },
    "gemini-3-pro-high": {"quotaInfo": {"resetTime": "2026-11-20T12:00:00Z"}},
    "tab_flash_lite_preview": {}
  },
  "deprecatedModelIds": {"gemini-2.0-flash": {"newModelId": "gemini-3-flash"}}
}"""

FREE_TIER = Tier(FREE, wants_project=False)
STANDARD_TIER = Tier("standard-tier", wants_project=True)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


def about(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have what they should, but of any kind."""
    rows = st.lists(anything | st.fixed_dictionaries({}, optional=_any(names)))
    table = st.dictionaries(st.text(max_size=9), _object(names))
    return st.fixed_dictionaries(
        {}, optional={name: anything | rows | table | _object(names) for name in names}
    )


def _any(names: tuple[str, ...]) -> dict[str, st.SearchStrategy[Any]]:
    return dict.fromkeys(names, anything)


def _object(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=_any(names))


def read(body: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(body)
    return answer


def read_again(answer: object) -> dict[str, Any]:
    """*answer* as it comes out of a response, if it can be in one at all."""
    return decoded(json.dumps(answer).encode(), dict[str, Any]) or {}


def test_what_is_asked() -> None:
    """A project is named where there is one; who asks does not pose as anybody."""
    nobody = {
        "ideType": "IDE_UNSPECIFIED",
        "platform": "PLATFORM_UNSPECIFIED",
        "pluginType": "PLUGIN_UNSPECIFIED",
    }
    named = {"cloudaicompanionProject": "mine"}

    assert read(load_body(None)) == {"metadata": nobody}
    assert read(load_body("mine")) == {"metadata": nobody, **named}
    assert read(onboard_body("free-tier", None)) == {
        "tierId": "free-tier",
        "metadata": nobody,
    }
    assert read(onboard_body("x", "mine")) == {
        "tierId": "x",
        "metadata": nobody,
        **named,
    }
    assert read(quota_body("mine")) == {"project": "mine"}
    assert read(quota_body(None)) == {}


@pytest.mark.parametrize(
    ("body", "membership"),
    [
        (
            MEMBER,
            Membership("winter-rain-a1b2c", "free-tier", True, FREE_TIER),
        ),
        (
            ABROAD,
            Membership(
                onboard_to=STANDARD_TIER,
                ineligible=(Ineligible("UNSUPPORTED_LOCATION"),),
            ),
        ),
        (ENDED, Membership(ineligible=(Ineligible("UNSUPPORTED_CLIENT"),))),
        (
            UNVERIFIED,
            Membership(
                onboard_to=FREE_TIER,
                ineligible=(
                    Ineligible("INELIGIBLE_ACCOUNT"),
                    Ineligible("VALIDATION_REQUIRED", LINK),
                ),
            ),
        ),
        (b'{"allowedTiers":[{"id":"free-tier"}]}', Membership(onboard_to=LEGACY)),
        (b'{"currentTier":null}', Membership(onboard_to=LEGACY)),
        (
            b'{"currentTier":{},"allowedTiers":null,"ineligibleTiers":null}',
            Membership(is_member=True, onboard_to=LEGACY),
        ),
        (
            b'{"allowedTiers":[],"ineligibleTiers":[{"tierId":"free-tier"}]}',
            Membership(ineligible=(Ineligible("UNKNOWN"),)),
        ),
    ],
    ids=[
        *("member", "abroad", "ended", "unverified", "no default", "nothing"),
        *("a tier without id", "no reason"),
    ],
)
def test_membership(body: bytes, membership: Membership) -> None:
    """The tier an account has, or else the one to join, and why it may not."""
    assert read_load(read(body)) == membership


def test_free_tier_takes_no_project() -> None:
    """The free tier is joined without a project, whatever it says of itself."""
    free = {
        "id": "free-tier",
        "isDefault": True,
        "userDefinedCloudaicompanionProject": True,
    }

    assert read_load({"allowedTiers": [free]}).onboard_to == FREE_TIER


@pytest.mark.parametrize(
    ("project", "found"),
    [
        ("winter-rain-a1b2c", "winter-rain-a1b2c"),
        ("example.com:my-project", "example.com:my-project"),
        ({"id": "in-an-object", "name": "In an object"}, "in-an-object"),
        (123456789, None),
        ("123456789", None),
        ({"id": 123456789}, None),
        ("", None),
        (" ", None),
        ("two words", None),
        ("x" * 129, None),
        ({}, None),
        (["list"], None),
        (None, None),
    ],
)
def test_project(project: object, found: str | None) -> None:
    """A project is named by its id, in one of two ways; a number is no id."""
    assert project_in({"cloudaicompanionProject": project}) == found


@pytest.mark.parametrize(
    ("url", "link"),
    [
        (LINK, LINK),
        ("https://accounts.google.com/", "https://accounts.google.com/"),
        ("http://accounts.google.com/signin", None),
        ("https://accounts.google.com.example/signin", None),
        ("https://accounts.google.com@example.com/", None),
        ("https://example.com/https://accounts.google.com/", None),
        ("https://accounts.google.com/\x1b[2J", None),
        ("https://accounts.google.com/`date`", None),
        ("https://accounts.google.com/\nhttps://example.com", None),
        ("https://accounts.google.com/" + "x" * 2049, None),
        (5, None),
        (None, None),
    ],
)
def test_link(url: object, link: str | None) -> None:
    """People are only sent to Google itself."""
    told = {"reasonCode": "VALIDATION_REQUIRED", "validationUrl": url}
    found = read_load({"ineligibleTiers": [told]})

    assert found.ineligible == (Ineligible("VALIDATION_REQUIRED", link),)
    assert refusal(found.ineligible).link == link


@pytest.mark.parametrize("code", sorted(REFUSALS.keys() - {"VALIDATION_REQUIRED"}))
def test_refusal(code: str) -> None:
    """Each of Google's codes is put into words of our own."""
    verdict = refusal([Ineligible("NEW_CODE"), Ineligible(code)])

    assert (verdict.blame, verdict.need) == (Blame.HUMAN, Need.ENTITLEMENT)
    assert verdict.reason == REFUSALS[code]
    assert verdict.cause is not None


@pytest.mark.parametrize("ineligible", [[], [Ineligible("UNKNOWN")]])
def test_refusal_without_a_reason(ineligible: list[Ineligible]) -> None:
    """Where Google gives no reason, none is made up."""
    assert refusal(ineligible) == Verdict(
        Blame.HUMAN, REFUSED, need=Need.ENTITLEMENT, cause=Cause.INELIGIBLE
    )


def test_validation_goes_first() -> None:
    """Among several reasons, the one that the account's owner can mend counts."""
    verdict = refusal(read_load(read(UNVERIFIED)).ineligible)

    assert verdict.blame is Blame.HUMAN
    assert (verdict.need, verdict.link) == (Need.VALIDATION, LINK)


def test_any_link_will_do() -> None:
    """Of several that want the owner, the first that says where is taken."""
    several = [Ineligible("VALIDATION_REQUIRED"), Ineligible("X", "https://x")]
    several.append(Ineligible("VALIDATION_REQUIRED", LINK))

    assert refusal(several).link == LINK


def test_link_is_not_shown() -> None:
    """What identifies the account does not reach the log by way of a repr."""
    found = read_load(read(UNVERIFIED) | {"cloudaicompanionProject": "my-project"})

    assert "accounts.google.com" not in repr(found)
    assert "my-project" not in repr(found)


def test_googles_words_are_not_copied() -> None:
    """A message of Google's may hold an e-mail, so nothing of it is shown."""
    found = read_load(read(ENDED))

    assert "example.com" not in f"{found} {refusal(found.ineligible)}"


NOWHERE = (Ineligible("UNSUPPORTED_LOCATION"),)


@pytest.mark.parametrize(
    ("found", "configured", "tier"),
    [
        (Membership("google-s", is_member=True), None, None),
        (Membership("google-s", is_member=True, ineligible=NOWHERE), None, None),
        (Membership(is_member=True), None, None),
        (Membership(is_member=True, ineligible=NOWHERE), "mine", None),
        (Membership(onboard_to=FREE_TIER), None, FREE_TIER),
        (Membership(onboard_to=FREE_TIER), "mine", FREE_TIER),
        (Membership(onboard_to=STANDARD_TIER), "mine", STANDARD_TIER),
        (Membership(onboard_to=STANDARD_TIER, ineligible=NOWHERE), None, None),
        (Membership("google-s", onboard_to=LEGACY), None, None),
        (Membership("google-s", onboard_to=LEGACY), "mine", None),
        (Membership("mine", onboard_to=LEGACY), "mine", LEGACY),
    ],
    ids=[
        *("member", "member here", "member without", "member's own", "free"),
        *("free with", "standard with", "standard without", "assigned"),
        *("assigned another", "echoed"),
    ],
)
def test_tier_to_join(
    found: Membership, configured: str | None, tier: Tier | None
) -> None:
    """Who is no member joins a tier, if that has what it takes to join."""
    assert tier_to_join(found, configured) == tier


@pytest.mark.parametrize(
    ("found", "configured", "need"),
    [
        (Membership(is_member=True, ineligible=NOWHERE), None, Need.ENTITLEMENT),
        (Membership(ineligible=NOWHERE), None, Need.ENTITLEMENT),
        (Membership(ineligible=NOWHERE), "mine", Need.ENTITLEMENT),
        (
            Membership(
                onboard_to=LEGACY, ineligible=(Ineligible("VALIDATION_REQUIRED"),)
            ),
            "mine",
            Need.VALIDATION,
        ),
    ],
    ids=["member without", "newcomer", "newcomer with", "validation"],
)
def test_may_not_join(found: Membership, configured: str | None, need: Need) -> None:
    """Where Google will have nobody, it is a person's turn."""
    with pytest.raises(Setback) as caught:
        tier_to_join(found, configured)

    assert caught.value.verdict == refusal(found.ineligible)
    assert caught.value.verdict.need is need


def test_operation_under_way() -> None:
    """What is under way has a name to ask for."""
    operation = read_operation({"name": "operations/abc.d-1_X/2", "done": False})

    assert (operation.name, operation.is_done) == ("operations/abc.d-1_X/2", False)


def test_operation_done() -> None:
    """What is done has a project, perhaps."""
    project = {"id": "winter-rain-a1b2c", "name": "Winter rain"}
    response = {"@type": "...", "cloudaicompanionProject": project}
    operation = read_operation({"done": True, "response": response})

    assert (operation.is_done, operation.project) == (True, "winter-rain-a1b2c")
    assert operation.error is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "abc",
        "operations",
        "operations/",
        "operations//a",
        "operations/a/",
        "operations/..",
        "operations/../v1internal:generateContent",
        "operations/a/../../b",
        "operations/a..b",
        "operations/.",
        "operations/a?alt=sse",
        "operations/a#b",
        "operations/a%2e%2e",
        "operations/a b",
        "operations/a\r\nHost: example.com",
        "operations/a\n",
        "operations/\u00e4",
        "operations/\u0661",
        "/operations/a",
        "https://example.com/operations/a",
        "@example.com/operations/a",
        "operations/" + "a" * 256,
        5,
        ["operations/a"],
        {},
    ],
)
def test_odd_operations(name: object) -> None:
    """What would be something else in a URL never gets into one."""
    with pytest.raises(Setback) as caught:
        read_operation({"name": name})

    assert caught.value.verdict.blame is Blame.ENDPOINT
    assert read_operation({"name": name, "done": True}).name is None


@pytest.mark.parametrize(
    ("code", "status"),
    [(7, 403), (9, 400), (13, 500), (16, 401), (403, 403), (99, 99), ("x", 0)],
)
def test_operation_that_failed(code: object, status: int) -> None:
    """An operation's error has the codes of gRPC, and is told in those of HTTP."""
    error = {"code": code, "message": "no", "details": [{"reason": "WHY"}]}
    operation = read_operation({"done": True, "error": error})

    assert operation.error is not None
    assert operation.error.code == status
    assert operation.error.reasons() == {"WHY"}


def test_quota() -> None:
    """What is not said is unknown; only an explicit 0 is nothing."""
    assert read_quota(read(BUCKETS), now=AT_NOON - 3600) == {
        "gemini-2.5-flash": Remaining(0.99333334, AT_NOON),
        "gemini-2.5-pro": Remaining(0.0, AT_NOON + 0.5),
        "gemini-3-pro-preview": Remaining(None, AT_NOON),
    }


def test_models_quota() -> None:
    """The list of models says the same in another form."""
    assert read_models_quota(read(MODELS), now=AT_NOON - 3600) == {
        "gemini-3-flash": Remaining(1.0, AT_NOON),
        "gemini-3-pro-high": Remaining(None, AT_NOON),
        "tab_flash_lite_preview": Remaining(None, None),
    }


def test_past_reset() -> None:
    """What should have come back already comes back now."""
    assert read_quota(read(BUCKETS), now=AT_NOON + 60)["gemini-2.5-flash"] == Remaining(
        0.99333334, AT_NOON + 60
    )


FULL, HALF, NONE = Remaining(1.0, 5.0), Remaining(0.5, 50.0), Remaining(0.0, 9.0)
LATER, UNKNOWN = Remaining(0.0, 59.0), Remaining(None, 7.0)


@pytest.mark.parametrize(
    ("several", "tightest"),
    [
        ([FULL, HALF], HALF),
        ([HALF, FULL], HALF),
        ([HALF, NONE, FULL], NONE),
        ([NONE, LATER], LATER),
        ([LATER, NONE], LATER),
        ([UNKNOWN, HALF], HALF),
        ([FULL, UNKNOWN], FULL),
        ([UNKNOWN, UNKNOWN], UNKNOWN),
    ],
)
def test_several_buckets(several: list[Remaining], tightest: Remaining) -> None:
    """A request needs every bucket of its model, so the emptiest counts."""
    buckets = [
        {
            "modelId": "pro",
            "remainingFraction": each.fraction,
            "resetTime": f"1970-01-01T00:00:{each.resets:02.0f}Z",
        }
        for each in several
    ]

    assert read_quota({"buckets": buckets}, now=0.0) == {"pro": tightest}


@pytest.mark.parametrize("fraction", [1.01, -0.1, 1e400, True, "0", "0.5", [0], {}])
def test_odd_fractions(fraction: object) -> None:
    """A fraction that is none is unknown."""
    buckets = [{"modelId": "pro", "remainingFraction": fraction}]

    assert read_quota({"buckets": buckets}, now=0.0) == {"pro": Remaining()}


@pytest.mark.parametrize("name", ["", " ", "a b", "a\n", "x" * 129, 5, None, ["pro"]])
def test_odd_names(name: object) -> None:
    """What is no name of a model is left out."""
    buckets = [{"modelId": name}, {"modelId": "pro"}]

    assert list(read_quota({"buckets": buckets}, now=0.0)) == ["pro"]


def test_models_are_bounded() -> None:
    """An endless list of models does not fill the memory."""
    models = {f"m{n}": {"quotaInfo": {}} for n in range(MODELS_KEPT + 5)}
    buckets = [{"modelId": name} for name in models]
    late = {"modelId": "m0", "remainingFraction": 0}

    assert len(read_models_quota({"models": models}, now=0.0)) == MODELS_KEPT
    kept = read_quota({"buckets": [*buckets, late]}, now=0.0)
    assert len(kept) == MODELS_KEPT
    assert kept["m0"].fraction == 0.0


@given(
    about("modelId", "remainingFraction", "resetTime", "buckets", "models", "quotaInfo")
)
def test_any_quota_can_be_read(answer: dict[str, Any]) -> None:
    """Whatever Google says of quotas, it can be read, and makes sense."""
    read_from = read_again(answer)
    found = read_quota(read_from, now=1e9) | read_models_quota(read_from, now=1e9)

    for remaining in found.values():
        assert remaining.fraction is None or 0.0 <= remaining.fraction <= 1.0
        assert remaining.resets is None or remaining.resets >= 1e9


@given(
    about("currentTier", "allowedTiers", "ineligibleTiers", "cloudaicompanionProject")
    | about("allowedTiers", "id", "isDefault", "userDefinedCloudaicompanionProject")
    | about("ineligibleTiers", "reasonCode", "validationUrl")
)
def test_any_membership_can_be_read(answer: dict[str, Any]) -> None:
    """Whatever Google says of an account, it can be read and acted upon."""
    found = read_load(read_again(answer))

    with suppress(Setback):
        tier_to_join(found, None)
    assert refusal(found.ineligible).blame is Blame.HUMAN


@given(about("name", "done", "response", "error", "code", "message", "details"))
def test_any_operation_can_be_read(answer: dict[str, Any]) -> None:
    """Whatever Google says of an operation, its name is fit for a URL or refused."""
    with suppress(Setback):
        name = read_operation(read_again(answer)).name
        assert name is None or is_operation(name)


@pytest.mark.parametrize(
    ("blame", "need", "may_be"),
    [
        (Blame.REQUEST, None, True),
        (Blame.PROJECT, None, True),
        (Blame.OPERATOR, None, True),
        (Blame.MISSING, None, True),
        (Blame.HUMAN, Need.ENTITLEMENT, True),
        (Blame.HUMAN, Need.SUSPENDED, False),
        (Blame.HUMAN, Need.VALIDATION, False),
        (Blame.TOKEN, None, False),
        (Blame.ENDPOINT, None, False),
        (Blame.QUOTA, None, False),
        (Blame.RATE, None, False),
        (Blame.CAPACITY, None, False),
    ],
)
def test_asking_otherwise(blame: Blame, need: Need | None, may_be: bool) -> None:
    """What was refused for its form may be asked for in another; nothing else."""
    assert may_be_asked_otherwise(Verdict(blame, "no", need=need)) == may_be
