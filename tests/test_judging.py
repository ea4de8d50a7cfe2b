"""Tests for ``antigravity_gw.wire.judging`` and ``wire.google``."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve
from bodies import (
    CLOUD_CODE,
    CONSOLE,
    NOW,
    REAL,
    Real,
    detail,
    disabled,
    error,
    info,
    quota,
    retry,
)
from bodies_public import (
    BROKEN_OFF,
    CODE_ASSIST_SHORTAGES,
    FEDERATED,
    FOREIGN,
    REAL_PUBLIC,
    REAL_VERTEX,
    SERVICE_ACCOUNTS,
    SOURCES,
)
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.errors import Exhausted
from antigravity_gw.kind import Kind
from antigravity_gw.kinds.code_assist import CodeAssist
from antigravity_gw.kinds.gemini_api_key import GeminiApiKey
from antigravity_gw.kinds.registered import KINDS
from antigravity_gw.kinds.vertex import Vertex
from antigravity_gw.needs import Need
from antigravity_gw.wire.answer import EventFraming, StreamedAnswer
from antigravity_gw.wire.google import (
    GoogleError,
    UpstreamError,
    error_body,
    read_error,
    redacted,
)
from antigravity_gw.wire.verdict import Blame, Verdict

judge = CodeAssist.errors.judge

BY_KIND: list[tuple[type[Kind], Real]] = [
    *((CodeAssist, real) for real in (*REAL, *CODE_ASSIST_SHORTAGES, *FOREIGN)),
    *((GeminiApiKey, real) for real in REAL_PUBLIC),
    *((Vertex, real) for real in REAL_VERTEX),
]
NO = GoogleError()
NEED_NO_CAUSE = (
    *(Blame.REQUEST, Blame.ENDPOINT, Blame.CAPACITY),
    *(Blame.MISSING, Blame.ELSEWHERE),
)


def judged(status: int, body: bytes, **headers: str) -> Verdict:
    """The verdict on a reply."""
    return judge(status, headers, read_error(body), NOW)


@pytest.mark.parametrize(
    ("kind", "real"), BY_KIND, ids=[f"{k.name}-{real.name}" for k, real in BY_KIND]
)
def test_real_bodies(kind: type[Kind], real: Real) -> None:
    """Each body of Google's is blamed on the right party, with all it says."""
    verdict = kind.errors.judge(real.status, real.headers, read_error(real.body), NOW)

    assert (verdict.blame, verdict.need) == (real.blame, real.need)
    assert verdict.delay == pytest.approx(real.delay, abs=1e-3)
    assert (verdict.link, verdict.is_account_wide) == (real.link, real.is_account_wide)
    assert real.cause in (None, verdict.cause)
    assert verdict.cause is not None or verdict.blame in NEED_NO_CAUSE


def test_sources() -> None:
    """What is said to come from somewhere is there."""
    refused = (*SERVICE_ACCOUNTS, *FEDERATED)
    names = {real.name for _, real in BY_KIND} | {each.name for each in refused}

    assert set(SOURCES) <= names | {name for name, _, _ in BROKEN_OFF}


def verdicts(read: Callable[[bytes], GoogleError | None]) -> dict[str, Verdict]:
    """The verdicts on all of Google's errors, by name, if they are read so."""
    return {
        f"{kind.name}: {real.name}": kind.errors.judge(
            real.status, real.headers, read(real.body), NOW
        )
        for kind, real in BY_KIND
        if read_error(real.body)
    }


AS_THEY_ARE = verdicts(read_error)


def test_reasons() -> None:
    """A reason is a clause in our own words; nothing of Google's is repeated."""
    reasons = {verdict.reason for verdict in AS_THEY_ARE.values()}
    words = ("http", "PROJECT", "projects/", "{")

    assert not {reason for reason in reasons if reason.endswith(".")}
    assert not {reason for reason in reasons for word in words if word in reason}


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(b"[%b]".__mod__, id="in an array"),
        pytest.param(b" \r\n%b\n".__mod__, id="among blanks"),
        pytest.param(
            lambda body: error(400, body.decode(), status="UNKNOWN"), id="as text"
        ),
    ],
)
def test_wrapped(wrap: Callable[[bytes], bytes]) -> None:
    """However an error is wrapped, it means the same."""
    assert verdicts(lambda body: read_error(wrap(body))) == AS_THEY_ARE


def test_order_of_details() -> None:
    """All details are read, whichever comes first."""

    def turned(body: bytes) -> GoogleError | None:
        said = read_error(body)
        return said and evolve(said, details=said.details[::-1])

    assert verdicts(turned) == AS_THEY_ARE


@pytest.mark.parametrize(
    "link",
    [
        "http://accounts.google.com/signin",
        "https://accounts.google.com.example/signin",
        "https://accounts.google.com@evil.example/",
        "https://evil.example@accounts.google.com/",
        "https://accounts.google.com:8080/",
        "https://accounts.google.com\\@evil.example/",
        "https://accounts.google.com/\x1b[2J",
        "https://accounts.google.com/\u202e",
        "https://support.google.com/accounts",
        "javascript:alert(1)",
        "https://[",
        "",
    ],
)
def test_links_that_lead_elsewhere(link: str) -> None:
    """A link that the operator is to open leads to Google's sign-in, or is none."""
    said = error(403, link, info("VALIDATION_REQUIRED", validation_url=link))
    verdict = judged(403, said)

    assert (verdict.need, verdict.link) == (Need.VALIDATION, None)


def test_links_for_something_else() -> None:
    """Where nothing can be mended by opening it, a link is not handed on."""
    body = disabled(CLOUD_CODE, "Cloud Code Private API")

    assert CONSOLE in body.decode()
    assert judged(403, body).link is None


def test_links_are_not_shown() -> None:
    """A link says whose account it is, and must not reach a log."""
    verdict = Verdict(Blame.HUMAN, "x", link="https://accounts.google.com/hush")

    assert "hush" not in repr(verdict)


@pytest.mark.parametrize(
    ("reason", "blame"),
    [
        ("MODEL_CAPACITY_EXHAUSTED", Blame.CAPACITY),
        ("QUOTA_EXHAUSTED", Blame.QUOTA),
        ("RATE_LIMIT_EXCEEDED", Blame.RATE),
        ("INSUFFICIENT_G1_CREDITS_BALANCE", Blame.QUOTA),
    ],
)
@pytest.mark.parametrize("status", [200, 403, 429, 499, 500, 503])
def test_named_shortages(status: int, reason: str, blame: Blame) -> None:
    """What a shortage is called counts more than the status it comes with."""
    assert judged(status, error(500, "x", info(reason))).blame is blame


def test_quota_is_honoured_without_a_cap() -> None:
    """What names a week is a week."""
    said = error(429, "x", info("QUOTA_EXHAUSTED", quotaResetDelay="168h0m0s"))

    assert judged(429, said).delay == 604800.0


def test_what_is_forbidden_has_no_delay() -> None:
    """A person does not get ready by waiting."""
    said = error(403, "Please retry in 5s.", info("IAM_PERMISSION_DENIED"))

    assert judged(403, said, **{"retry-after": "5"}).delay is None


def test_one_of_several_quotas_names_a_model() -> None:
    """One quota of a model's is enough for the others not to suffer."""
    whole, single = quota("RequestsPerDayPerProject"), quota("RequestsPerDayPerModel")
    said = error(429, "x", detail("QuotaFailure", violations=[whole, single]))

    assert not judged(429, said).is_account_wide


ECHOES = (
    'Invalid JSON payload received. Unknown name "{}": Cannot find field.',
    "Invalid value at 'contents[0].role' (type.googleapis.com/x), \"{}\"",
    "Unable to submit request because {} is not a valid role. Learn more: x",
    "models/{} is not found for API version v1beta, or is not supported for x.",
    "Publisher Model `projects/p/locations/l/publishers/google/models/{}` not found.",
    "* GenerateContentRequest.tools[0].function_declarations[0].name: {}",
    "Unsupported MIME type: {}",
)
"""How Google's errors repeat what a client wrote."""

NAMED = (
    "You do not have permission to access the File {} or it may not exist.",
    "CachedContent not found (or permission denied): {}",
    "robot@x.iam.gserviceaccount.com does not have storage.objects.get access to {}.",
    "Permission 'storage.objects.get' denied on resource '{}' (or it may not exist).",
)
"""How they repeat what it has named and an account may not use."""

SHORTAGES = {"QUOTA_EXHAUSTED", "RATE_LIMIT_EXCEEDED"}

SAID = sorted(
    {
        *(said.message for _, r in BY_KIND if (said := read_error(r.body))),
        *(
            reason
            for _, r in BY_KIND
            for reason in (read_error(r.body) or NO).reasons()
        ),
    }
)


@given(st.sampled_from(KINDS), st.sampled_from(ECHOES), st.data())
def test_no_client_talks_an_account_away(
    kind: type[Kind], echo: str, data: st.DataObject
) -> None:
    """Whatever Google says of an account, it is not said by who writes the same."""
    before, after = data.draw(st.text(max_size=9)), data.draw(st.text(max_size=9))
    told = echo.format(before + data.draw(st.sampled_from(SAID)) + after)
    status = data.draw(st.sampled_from([400, 404, 413, 422, 500]))
    body = error(400, told, status="X")
    verdict = kind.errors.judge(status, {}, read_error(body), NOW)

    assert not verdict.is_about_account()
    assert verdict.need is None
    assert verdict.blame is not Blame.GATEWAY


@given(st.sampled_from(KINDS), st.sampled_from(NAMED), st.sampled_from(SAID))
def test_nor_by_naming_something(kind: type[Kind], echo: str, said: str) -> None:
    """Whatever a request calls the file that it may not have, another is asked."""
    for status in (403, 404):
        told = read_error(error(status, echo.format(said)))
        verdict = kind.errors.judge(status, {}, told, NOW)

        assert verdict.blame in (Blame.ELSEWHERE, Blame.MISSING)
        assert verdict.need is None


@given(
    st.sampled_from(KINDS),
    st.sampled_from([real for _, real in BY_KIND if real.status in (400, 403)]),
    st.sampled_from(["storage", "discoveryengine", "bigquery", "modelarmor"]),
)
def test_services_that_a_tool_needs(kind: type[Kind], real: Real, service: str) -> None:
    """What another service refuses is no account's fault, whatever reason it gives."""
    said = read_error(real.body)
    reasons = sorted((said or NO).reasons() - SHORTAGES) or ["SERVICE_DISABLED"]
    for reason in reasons:
        told = info(reason, "googleapis.com", service=f"{service}.googleapis.com")
        body = error(403, (said or NO).message, told)
        verdict = kind.errors.judge(403, {}, read_error(body), NOW)

        assert verdict.blame in (Blame.ELSEWHERE, Blame.CAPACITY)


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("body", "blame"), [case[1:] for case in BROKEN_OFF], ids=[c[0] for c in BROKEN_OFF]
)
@pytest.mark.parametrize("kind", [GeminiApiKey, Vertex])
def test_streams_that_break_off(
    kind: type[Kind], body: bytes, blame: Blame, size: int
) -> None:
    """An error that ends a stream is read, in an event or not, however it is cut."""
    answer = StreamedAnswer(EventFraming(), kind.opened)
    for start in range(0, len(body), size):
        answer.feed(body[start : start + size])
    answer.finish()

    assert answer.begun
    assert isinstance(answer.failure, UpstreamError)
    said = answer.failure.error
    assert kind.errors.judge(said.code, {}, said, NOW).blame is blame


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("asked", ["0s", "41s", "299s", "300s", "40000s"])
@pytest.mark.parametrize("limit", ["0", "20"])
def test_a_day_is_no_minute(kind: type[Kind], asked: str, limit: str) -> None:
    """Out of a day's quota, a short delay is not believed, and a long one is."""
    told = f"* Quota exceeded for metric: x, limit: {limit}, model: y"
    day = detail("QuotaFailure", violations=[quota("GenerateRequestsPerDayPerProject")])
    said = read_error(error(429, told, day, retry(asked)))
    verdict = kind.errors.judge(429, {}, said, NOW)

    assert verdict.blame is Blame.QUOTA
    assert verdict.delay in (None, 300.0, 40000.0)
    assert (verdict.delay is None) == (asked in ("0s", "41s", "299s"))


@pytest.mark.parametrize("status", [-1, 0, 200, 302, 405, 413, 451, 599, 10**30])
def test_any_status(status: int) -> None:
    """There is a verdict on every status, said or not."""
    blame = Blame.REQUEST if 400 <= status < 500 else Blame.ENDPOINT

    assert judged(status, b"").blame is blame


def test_retry_after() -> None:
    """Without anything in the body, the Retry-After header counts."""
    assert judge(429, {"retry-after": " 9 "}, None, now=0.0).delay == 9.0


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"retryDelay": "1s", "quotaResetDelay": "2s", "moment": 3}, 1.0),
        ({"retryDelay": "-1s", "quotaResetDelay": "2s", "moment": 3}, 2.0),
        ({"quotaResetDelay": "soon", "moment": 3}, 3.0),
        ({"moment": 10**9}, 4.0),
        ({}, 4.0),
    ],
)
def test_order_of_delays(said: dict[str, Any], expected: float) -> None:
    """Of several delays, the first counts that makes sense."""
    moment = datetime.fromtimestamp(NOW + said.get("moment", 0), UTC).isoformat()
    metadata = {"quotaResetDelay": said.get("quotaResetDelay", "")}
    metadata |= {"quotaResetTimeStamp": moment} if "moment" in said else {}
    body = error(
        429,
        "Please retry in 5s.",
        info("RATE_LIMIT_EXCEEDED", **metadata),
        detail("RetryInfo", retryDelay=said.get("retryDelay")),
    )

    assert judged(429, body, **{"retry-after": "4"}).delay == expected


def test_timestamp_is_seen_from_now() -> None:
    """A moment is turned into the seconds until it."""
    body = (
        b'{"error":{"details":[{"@type":"x/google.rpc.ErrorInfo","metadata":'
        b'{"quotaResetTimeStamp":"1970-01-01T00:10:00Z"}}]}}'
    )

    assert judge(429, {}, read_error(body), now=60.0).delay == 540.0


def test_an_error_inside_a_200_has_its_own_code() -> None:
    """What a stream calls 503 is judged like a 503."""
    assert judge(503, {}, None, now=0.0).blame is Blame.ENDPOINT


def test_body_is_handed_on_as_spelled() -> None:
    """Out of its array and unchanged: the client reads what upstream wrote."""
    error = read_error(b' [ {"error": {"code": 400.0, "message":"a\\u0062"}} ] ')

    assert error is not None
    assert error.body == b'{"error":{"code": 400.0, "message":"a\\u0062"}}'


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(body: bytes) -> None:
    """Whatever upstream sends, reading its error does not fail."""
    error = read_error(body)

    assert error is None or error.body.startswith(b'{"error":')


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
kinds = st.sampled_from(
    ["ErrorInfo", "RetryInfo", "QuotaFailure", "Help", "ResourceInfo"]
).map("type.googleapis.com/google.rpc.{}".format)
keys = st.sampled_from(["reason", "metadata", "retryDelay", "violations", "links"])
known = st.sampled_from(
    [*("quotaId", "quotaDimensions", "url", "model", "service", "validation_url")]
)
inner = anything | st.dictionaries(known, anything)
odd = st.builds(
    lambda kind, members: {"@type": kind, **members},
    kinds | anything,
    st.dictionaries(keys, inner | st.lists(inner)),
)


@given(st.lists(odd) | anything, st.integers(399, 505), st.sampled_from(KINDS))
def test_any_json_can_be_judged(details: object, status: int, kind: type[Kind]) -> None:
    """No error object is so odd that judging it fails."""
    body = json.dumps(
        {"error": {"details": details, "errors": [details], "code": details}}
    )
    verdict = kind.errors.judge(status, {}, read_error(body.encode()), NOW)

    assert verdict.delay is None or verdict.delay >= 0
    assert verdict.link is None or verdict.link.startswith("https://")


@pytest.mark.parametrize("depth", [10, 900, 990, 100_000])
@pytest.mark.parametrize("key", ["@type", "reason", "metadata", "violations"])
def test_deep_json_can_be_judged(depth: int, key: str) -> None:
    """Nor one so deep that looking at it would exhaust the stack."""
    deep = "[" * depth + "]" * depth
    body = f'{{"error":{{"details":[{{"{key}":{deep}}}],"message":"x"}}}}'

    assert judged(429, body.encode()).blame is Blame.QUOTA


def test_our_own_errors() -> None:
    """An error of ours has Google's shape, RetryInfo included."""
    error = json.loads(error_body(Exhausted("resting", retry_after=1.2)))["error"]

    assert [error[key] for key in ("code", "message", "status")] == [
        429,
        "resting",
        "RESOURCE_EXHAUSTED",
    ]
    assert error["details"][0]["retryDelay"] == "2s"


def test_redacted() -> None:
    """Words that belong to the operator do not reach a client."""
    assert redacted(b"on my-proj: no", "my-proj", "") == b"on REDACTED: no"


@pytest.mark.parametrize(
    "body",
    [
        '{"error":{"code":429,"status":"D","message":'
        '"[{\u00a0\\"error\\":{\\"message\\":\\".\\"}}]"}}',
        '{"error":{"code":429,"message":"."," status":"D"}}',
        '{"error":{"code":429,"message":"x"}}',
        '{"error":{"message":"x","status":"D"}}',
    ],
)
def test_what_a_client_reads_is_complete(body: str) -> None:
    """However upstream spells its error, code, message and status are in the body."""
    error = read_error(body.encode())
    assert error is not None
    told = json.loads(error.told_with(429))["error"]

    assert told["code"] == 429
    assert told["message"] != ""
    assert told["status"] != ""
