"""Tests for the catalogue of misbehaviours, without a socket."""

import gzip
import json
import zlib
from typing import Any

import pytest
from sandbox_helpers import (
    STREAM,
    Desk,
    envelope,
    events,
    form,
    kind_meeting,
    status,
    texts,
    written,
)

from antigravity_sandbox.acts import Act, HangUp, Head, Silence, Wait, Write
from antigravity_sandbox.durations import timestamp
from antigravity_sandbox.kinds import GENERATE, METHODS
from antigravity_sandbox.mischief.catalogue import CATALOGUE

ERRORS = [slug for slug in CATALOGUE if slug[0].isdigit() and "html" not in slug]
FRAMINGS = ["lf", "cr", "multi-line", "comments", "event-lines", "no-space", "bom"]


def acts(slug: str, method: str = STREAM, **told: object) -> list[Act]:
    """What a call meets that is told to meet *slug*."""
    desk = Desk()
    desk.rule(slug, **told)
    return desk.by(kind_meeting(slug), method)[1]


def error(slug: str, **told: object) -> Any:
    """The error that *slug* answers."""
    return json.loads(written(acts(slug, **told)))["error"]


def found(slug: str, **told: object) -> list[Any]:
    """The events of a stream that meets *slug*."""
    return events(written(acts(slug, **told)))


HONEST = "".join(texts(events(written(Desk().ask(STREAM, envelope())))))


@pytest.mark.parametrize("slug", CATALOGUE)
def test_by_model(slug: str) -> None:
    """Every behaviour can be told by a model's name, but for those of grants."""
    behaviour = CATALOGUE[slug]
    kinds = () if behaviour.of_grants else behaviour.kinds or METHODS
    method = GENERATE[0] if behaviour.of_grants else (behaviour.methods or GENERATE)[-1]
    for kind in METHODS:
        call, done = Desk().by(kind, method, f"sandbox-{slug}")

        assert call.kind == kind
        assert done
        if kind in kinds:
            assert slug == call.behaviour
        else:
            assert (status(done), call.behaviour) == (404, None)


@pytest.mark.parametrize("slug", CATALOGUE)
def test_summary(slug: str) -> None:
    """Every behaviour is described in one line."""
    summary = CATALOGUE[slug].summary

    assert 5 < len(summary) < 88
    assert summary[-1] == "."


@pytest.mark.parametrize("slug", ERRORS)
def test_errors(slug: str) -> None:
    """An error's slug begins with its status, which its body repeats."""
    done = acts(slug, "generateContent")

    body = json.loads(written(done))
    (body,) = body if isinstance(body, list) else (body,)
    assert int(slug[:3]) == status(done) == body["error"]["code"]
    assert body["error"]["message"]
    assert body["error"]["status"]


def test_errors_of_other_methods() -> None:
    """An error befalls any method of its kind."""
    desk = Desk()
    desk.rule("403-license")

    assert status(desk.ask("loadCodeAssist", b"{}")) == 403


@pytest.mark.parametrize("slug", ["502-html", "504-html"])
def test_pages(slug: str) -> None:
    """Front ends answer in HTML."""
    head, page = acts(slug)

    assert isinstance(head, Head)
    assert isinstance(page, Write)
    assert int(slug[:3]) == head.status
    assert ("Content-Type", "text/html; charset=UTF-8") in head.headers
    assert page.data.startswith(b"<!DOCTYPE html>")


def test_delay_is_told() -> None:
    """A delay shows in all places that mention it."""
    found = error("429-rate-limit", delay="2.5s")

    info, retry = found["details"]
    assert "Your quota will reset after 2s." in found["message"]
    assert "2.5s" == info["metadata"]["quotaResetDelay"] == retry["retryDelay"]
    assert timestamp(1_000_002) == info["metadata"]["quotaResetTimeStamp"]
    assert info["metadata"]["model"] == "gemini-2.5-flash"


def test_delay_keeps_its_spelling() -> None:
    """The ErrorInfo spells a delay as told, the RetryInfo in seconds."""
    info, retry = error("429-quota-exhausted", delay="108h48m20.5s")["details"]

    assert info["metadata"]["quotaResetDelay"] == "108h48m20.5s"
    assert retry["retryDelay"] == "391700.5s"


@pytest.mark.parametrize(
    ("slug", "reason"),
    [
        ("400-key-invalid", "API_KEY_INVALID"),
        ("400-key-expired", "API_KEY_INVALID"),
        ("401", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ("403-scopes", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        ("403-suspended", "CONSUMER_SUSPENDED"),
        ("403-billing", "BILLING_DISABLED"),
        ("403-key-service", "API_KEY_SERVICE_BLOCKED"),
        ("403-key-referrer", "API_KEY_HTTP_REFERRER_BLOCKED"),
        ("403-key-address", "API_KEY_IP_ADDRESS_BLOCKED"),
        ("403-gemini-disabled", "SERVICE_DISABLED"),
        ("403-vertex-disabled", "SERVICE_DISABLED"),
        ("403-vertex-iam", "IAM_PERMISSION_DENIED"),
        ("429-rate-quota", "RATE_LIMIT_EXCEEDED"),
        ("403-service-disabled", "SERVICE_DISABLED"),
        ("403-companion-disabled", "SERVICE_DISABLED"),
        ("403-validation-required", "VALIDATION_REQUIRED"),
        ("403-license", "SUBSCRIPTION_REQUIRED"),
        ("403-iam", "IAM_PERMISSION_DENIED"),
        ("403-consumer-invalid", "CONSUMER_INVALID"),
        ("429-rate-limit", "RATE_LIMIT_EXCEEDED"),
        ("429-quota-exhausted", "QUOTA_EXHAUSTED"),
        ("429-credits", "INSUFFICIENT_G1_CREDITS_BALANCE"),
        ("429-capacity", "MODEL_CAPACITY_EXHAUSTED"),
        ("503-capacity", "MODEL_CAPACITY_EXHAUSTED"),
    ],
)
def test_reasons(slug: str, reason: str) -> None:
    """The reason is in the first detail."""
    assert reason == error(slug)["details"][0]["reason"]


def test_services_differ() -> None:
    """The 403s about services name different services."""
    names = ("service", "companion", "gemini", "vertex")
    services = {
        error(f"403-{name}-disabled")["details"][0]["metadata"]["service"]
        for name in names
    }

    assert {
        "cloudcode-pa.googleapis.com",
        "cloudaicompanion.googleapis.com",
        "generativelanguage.googleapis.com",
        "aiplatform.googleapis.com",
    } == services


def test_retry_after() -> None:
    """A delay may be in a header, in whole seconds."""
    head = acts("429-retry-after", delay="2.1s")[0]

    assert isinstance(head, Head)
    assert ("Retry-After", "3") in head.headers


def test_nested() -> None:
    """An error may be hidden in the message of another."""
    inner = json.loads(error("429-nested")["message"])

    assert inner["error"]["details"][1]["retryDelay"] == "2.5s"


@pytest.mark.parametrize(
    ("slug", "quota"), [("429-per-day", "PerDay"), ("429-per-minute", "PerMinute")]
)
def test_quota_failure(slug: str, quota: str) -> None:
    """A QuotaFailure names its window."""
    (violation,) = error(slug)["details"][0]["violations"]

    assert quota in violation["quotaId"]


def test_bare_as_stream() -> None:
    """An error may be served as if it were a stream."""
    head = acts("429-bare-stream")[0]

    assert isinstance(head, Head)
    assert ("Content-Type", "text/event-stream") in head.headers


@pytest.mark.parametrize("slug", [s for s in CATALOGUE if s.startswith("token-")])
def test_token_errors(slug: str) -> None:
    """Errors of the token endpoint befall refreshes, and nothing else."""
    desk = Desk()
    token = desk.token()
    desk.rule(slug)

    call, _ = desk.call("token", form())
    other, _ = desk.call("loadCodeAssist", bearer=token)

    assert (slug, None) == (call.behaviour, other.behaviour)


@pytest.mark.parametrize(
    ("slug", "code", "name"),
    [
        ("token-invalid-grant", 400, "invalid_grant"),
        ("token-invalid-rapt", 400, "invalid_grant"),
        ("token-invalid-client", 401, "invalid_client"),
        ("token-unauthorized-client", 401, "unauthorized_client"),
        ("token-secret-missing", 400, "invalid_request"),
        ("token-deleted-client", 401, "deleted_client"),
        ("token-admin-policy", 403, "admin_policy_enforced"),
        ("token-500", 500, "internal_failure"),
    ],
)
def test_token_error(slug: str, code: int, name: str) -> None:
    """They come as OAuth has them."""
    desk = Desk()
    desk.rule(slug)

    answered, body = desk.refresh()

    assert (code, name) == (answered, body["error"])


def lines(slug: str) -> list[str]:
    """A stream cut at all kinds of line ends."""
    text = written(acts(slug)).decode("utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@pytest.mark.parametrize("slug", FRAMINGS)
def test_framings_say_the_same(slug: str) -> None:
    """A reader that knows the standard finds the same text in every framing."""
    blocks: list[list[str]] = [[]]
    for line in lines(slug):
        if not line:
            blocks.append([])
        elif line.startswith("data:"):
            blocks[-1].append(line.removeprefix("data:"))
    read = [json.loads("\n".join(block)) for block in blocks if block]

    assert "".join(texts(read)) == HONEST


@pytest.mark.parametrize(
    ("slug", "mark"),
    [
        ("multi-line", b"data: {\r\ndata:   "),
        ("comments", b": ping\r\ndata: {"),
        ("event-lines", b"event: message\r\nid: 7\r\ndata: {"),
        ("no-space", b"data:{"),
        ("bom", b"\xef\xbb\xbfdata: {"),
        ("lf", b"}\n\ndata: {"),
        ("cr", b"}\r\rdata: {"),
        ("done-marker", b"}\r\n\r\ndata: [DONE]\r\n\r\n"),
        ("pretty", b'{"response" : {"candidates" : '),
        ("not-json", b"data: <html>"),
    ],
)
def test_framing(slug: str, mark: bytes) -> None:
    """Each framing has its mark."""
    assert mark in written(acts(slug))


def test_no_last_blank() -> None:
    """The last event is not terminated, the others are."""
    body = written(acts("no-last-blank"))

    assert body.endswith(b"}")
    assert "".join(texts(events(body + b"\r\n\r\n"))) == HONEST


def test_pretty_unary() -> None:
    """A unary answer may have blanks as well."""
    body = written(acts("pretty", "generateContent"))

    assert body.startswith(b'\r\n {\r\n\t"response" : {')
    assert texts([json.loads(body)]) == [HONEST]


@pytest.mark.parametrize(("method", "n"), [(STREAM, 1), ("generateContent", 7)])
def test_split(method: str, n: int) -> None:
    """Bytes come n at a time, and the events are still counted."""
    done = acts("split", method, n=n)
    pieces = [act for act in done if isinstance(act, Write)]

    assert {n} == {len(piece.data) for piece in pieces[: 500 // n]}
    assert (6 if method == STREAM else 0) == sum(piece.event for piece in pieces)
    if method == STREAM:
        assert "".join(texts(events(written(done)))) == HONEST


def test_gzip() -> None:
    """A compressed stream is flushed event by event."""
    done = acts("gzip")
    head, first, *_ = done

    assert isinstance(head, Head)
    assert isinstance(first, Write)
    assert ("Content-Encoding", "gzip") in head.headers
    assert "".join(texts(events(gzip.decompress(written(done))))) == HONEST
    unpack = zlib.decompressobj(wbits=31)
    assert unpack.decompress(first.data).endswith(b"\r\n\r\n")


def test_gzip_bomb() -> None:
    """A compressed event may be much larger than it travels."""
    packed = written(acts("gzip", n=10_000_000))

    assert len(packed) < 30_000
    assert len(texts(events(gzip.decompress(packed)))[0]) == 10_000_000


@pytest.mark.parametrize("method", GENERATE)
def test_big_event(method: str) -> None:
    """A big event is written in blocks, and is a sound one."""
    done = acts("big-event", method, n=200_000)

    assert all(len(a.data) <= 2**16 for a in done if isinstance(a, Write))
    body = written(done)
    read = events(body) if method == STREAM else [json.loads(body)]
    assert len(texts(read)[0]) == 200_000


def test_many_events() -> None:
    """There are as many events as told, and one that is the last."""
    done = acts("many-events", n=50, size=3)

    assert texts(events(written(done)))[:-1] == 50 * ["xxx"]
    assert not [act for act in done if isinstance(act, Wait)]


@pytest.mark.parametrize(
    ("slug", "end"),
    [("stall", Silence()), ("cut", HangUp(True)), ("close", HangUp(False))],
)
@pytest.mark.parametrize(
    ("after", "heads", "writes"), [("nothing", 0, 0), ("headers", 1, 0), (3, 1, 3)]
)
def test_broken_off(
    slug: str, end: Act, after: object, heads: int, writes: int
) -> None:
    """An answer is broken off where it was told."""
    done = acts(slug, after=after)

    kinds = [type(act) for act in done]
    assert (heads, writes) == (kinds.count(Head), kinds.count(Write))
    assert end == done[-1]


def test_broken_off_unary() -> None:
    """A unary answer is broken off at its end if there are too few events."""
    _head, body, end = acts("close", "generateContent")

    assert isinstance(body, Write)
    assert HangUp(reset=False) == end
    assert texts([json.loads(body.data)]) == [HONEST]


@pytest.mark.parametrize("method", GENERATE)
def test_cut_json(method: str) -> None:
    """JSON is broken off in its middle."""
    done = acts("cut-json", method)

    assert HangUp(reset=False) == done[-1]
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(written(done).split(b"data: ")[-1])


def test_delay() -> None:
    """The headers may have to be waited for."""
    assert [Wait(7.5), 200] == [acts("delay", seconds=7.5)[0], status(acts("delay"))]


def test_error_event() -> None:
    """An error may come as an event, the first or a later one."""
    (first,) = found("error-event")
    *told, last = found("error-event", after=2, code=429)

    assert first["error"]["code"] == 503
    assert (len(told), last["error"]["code"]) == (2, 429)


@pytest.mark.parametrize(("form_", "first"), [("object", b"{"), ("array", b"[")])
def test_raw_json_error(form_: str, first: bytes) -> None:
    """An error may come without a frame, in either form."""
    body = written(acts("raw-json-error", form=form_))
    later = written(acts("raw-json-error", form=form_, after=1))

    assert first == body[:1]
    assert b"UNAVAILABLE" in body
    assert later.startswith(b"data: {")
    assert later.endswith(body)


def test_raw_json_tail() -> None:
    """An error may follow a whole answer."""
    stream, _, tail = written(acts("raw-json-tail")).rpartition(b"\r\n\r\n")

    assert "".join(texts(events(stream + b"\r\n\r\n"))) == HONEST
    assert json.loads(tail)["error"]["code"] == 503


def test_empty_stream() -> None:
    """A success may be empty, be it a stream or not."""
    assert (status(acts("empty-stream")), written(acts("empty-stream"))) == (200, b"")
    assert status(acts("empty-stream", "generateContent")) == 200


def candidates(slug: str) -> list[Any]:
    """What the events have in place of a candidate, None for nothing."""
    responses = [event["response"] for event in found(slug)]
    return [(response.get("candidates") or [None])[0] for response in responses]


def test_no_finish_reason() -> None:
    """No event may say that it is the last."""
    assert not any("finishReason" in c for c in candidates("no-finish-reason"))


def test_no_role() -> None:
    """The role may be missing."""
    assert not any("role" in c["content"] for c in candidates("no-role"))


def test_thought_only() -> None:
    """There may be nothing but thoughts."""
    parts = [p for c in candidates("thought-only") for p in c["content"]["parts"]]

    assert all(part["thought"] for part in parts)


def test_metadata_first() -> None:
    """Metadata may come before the first candidate."""
    first, *rest = candidates("metadata-first")

    assert None is first
    assert all(rest)


def test_blocked_prompt() -> None:
    """A prompt may be blocked."""
    (event,) = found("blocked-prompt")

    assert event["response"]["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT"}
    assert "candidates" not in event["response"]


@pytest.mark.parametrize(
    ("slug", "content"),
    [
        ("trailing-usage", {"role": "model"}),
        ("trailing-empty-text", {"role": "model", "parts": [{"text": ""}]}),
    ],
)
def test_awkward_end(slug: str, content: dict[str, object]) -> None:
    """The event that says it is the last may say nothing else."""
    *others, last = candidates(slug)

    assert (content, "STOP") == (last["content"], last["finishReason"])
    assert not any("finishReason" in candidate for candidate in others)
    assert "".join(c["content"]["parts"][0]["text"] for c in others) == HONEST
