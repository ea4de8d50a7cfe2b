"""
Bodies: what clients ask, put into the envelope, and whatever upstream answers.

Nothing that a client sends may break out of the envelope; nothing that upstream
sends may raise what nobody expects.
"""

import json
import math
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from bodies import REAL

from antigravity_gw.errors import BadRequest, Passed, Unreachable
from antigravity_gw.kinds.registered import KINDS
from antigravity_gw.upstream.client import setback_of
from antigravity_gw.wire import companion
from antigravity_gw.wire.answer import read_whole
from antigravity_gw.wire.ask import read_body
from antigravity_gw.wire.envelope import on_one_line, seal, unsealed
from antigravity_gw.wire.google import GoogleError, UpstreamError, read_error
from antigravity_gw.wire.jsons import decoded
from antigravity_gw.wire.oauth import RenewalFailed, read_renewal
from antigravity_gw.wire.verdict import Setback
from fuzz.engine import Case, Complaint, cut, damaged
from fuzz.plainjson import NotJson, TooDeep, Value, read

NOW = 1_800_000_000.0
OURS = {
    "project": 'a "project"',
    "requestId": "id-1",
    "model": "pro}\\",
    "userAgent": "gw/é",
    "requestType": "agent",
}
STATUSES = (200, 204, 302, 400, 401, 403, 404, 408, 429, 499, 500, 502, 503, 504, 600)

ASKS = (
    b'{"contents":[{"role":"user","parts":[{"text":"H\xc3\xa9llo"}]}]}',
    b'{"contents":{"parts":{"inline_data":{"data":"AAAA"}}}}',
    b' {"contents":[{"role":"model"},{"parts":[{"fileData":{"fileUri":"x"}}]}]}\r\n',
    b'{"contents":[{"parts":[{"text":"\\u00e9\\"\\\\}"},{"functionCall":{}}]}]}',
    b'{"generationConfig":{"temperature":1.0,"topK":10e2},"contents":null}',
    b'{"request":{"project":"mine"},"project":"mine","contents":[]}',
    b"{}",
)
ANSWERS = (
    b'{"response":{"candidates":[{"content":{"parts":[{"text":"Hi"}]},'
    b'"finishReason":"STOP"}]},"traceId":"t"}',
    b'{"response":{"promptFeedback":{"blockReason":"OTHER"}}}',
    b'[{"error":{"code":429,"message":"{\\n \\"error\\": {\\"code\\": 400}}"}}]',
    b'{"error":{"code":8,"message":"x","status":"y","details":[{"@type":'
    b'"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"},{"@type":'
    b'"type.googleapis.com/google.rpc.ErrorInfo","reason":"R","metadata":'
    b'{"quotaResetDelay":"9m","quotaResetTimeStamp":"2027-01-15T08:00:00Z"}}]}}',
    b'{"response":{"candidates":[{"content":{"parts":[{"text":"\\udc00"}]}}]}}',
    b"<html><body>502</body></html>",
)
TOKENS = (
    b'{"access_token":"t","expires_in":"3599.5"}',
    b'{"access_token":"t","expires_in":3599,"token_type":"Bearer"}',
    b'{"error":"invalid_grant","error_description":"Bad Request"}',
    b'{"access_token":"t","expires_in":"3599","refresh_token":"r"}',
)
LOOKUPS = (
    b'{"currentTier":{"id":"free-tier"},"cloudaicompanionProject":"p",'
    b'"allowedTiers":[{"id":"free-tier","isDefault":true}],"ineligibleTiers":'
    b'[{"reasonCode":"DASHER_USER","validationUrl":"https://accounts.google.com/x"}]}',
    b'{"name":"operations/a.b/c","done":true,"response":{"cloudaicompanionProject":'
    b'{"id":"p"}},"error":{"code":7,"message":"no"}}',
    b'{"buckets":[{"modelId":"m","remainingFraction":0.5,"resetTime":'
    b'"2027-01-15T08:00:00.5Z"}]}',
    b'{"models":{"m":{"quotaInfo":{"remainingFraction":1,"resetTime":"never"}}}}',
)
HEADERS = (
    *("120", "", "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 +9999"),
    *("21 Oct 99999 99:99:99 -0000", "0", "-1", "1e9", "٣", "9" * 30, "31 Feb 1 0:0"),
    *("Mon, 1 Jan 0001 00:00:00 +2359", "1 Jan 9999 23:59:59 -2359", "a, b c d:e:f"),
)
WORDS = (
    *(b"null", b"true", b"false", b"0", b"-1", b"1e999", b"-1e400", b"9" * 25, b"NaN"),
    *(b"inf", b"1e400", b"nan", b"1_0", b"-0", b"9e307"),
    *(b'""', b"[]", b"{}", b"[[[[", b"}", b"]}", b'"', b'\\"', b"\\", b"\\u0000", b","),
    *(b"\\ud800", b"\\udc00\\ud800", b"\xff", b"\xc3", b"\xed\xa0\x80"),
    *(b"\xef\xbb\xbf",),
    *(b'"request":', b'"project":"x",', b'},"project":"x"', b"/*", b"//", b"\x00"),
    *(b'"error":{}', b'"error":null', b'"error":"x"', b'"code":"x"', b'"code":1.5'),
    *(b'"details":5', b'"details":[5]', b'"metadata":5', b'"message":5', b'"status":5'),
    *(b'"retryDelay":"9999999h"', b'"retryDelay":{"seconds":1e300}', b'"a":1,"a":2'),
    *(b'"message":"{\\"error\\":{\\"message\\":\\"{}\\"}}"', b'"message":"["', b"\n"),
    *(b'"retryDelay":{"seconds":"nan"}', b'"expires_in":"inf"', b'"expires_in":-1e9'),
    *(b'"resetTime":"0001-01-01T00:00:00+23:59"', b"9999-12-31T23:59:59-23:59"),
    *(b"[" * 2000, b'{"a":' * 1200, b" " * 70_000, b'"text":"\\ud83d\\ude00"'),
    *(b'"\\ud83d"',),
)

SETTINGS = ("ask", "ask", "answer", "error", "token", "lookup")


class Envelope:
    """Any body, in any place where one is read."""

    name = "envelope"

    def make(self, chance: Random) -> Case:
        """A body that could be there, damaged; for an error, its header too."""
        setting = chance.choice(SETTINGS)
        known = {
            "ask": ASKS,
            "answer": ANSWERS,
            "error": (*ANSWERS, *(real.body for real in REAL)),
            "token": TOKENS,
            "lookup": LOOKUPS,
        }
        body = damaged(chance, chance.choice(known[setting]), WORDS)
        if setting != "error":
            return Case(cut(chance, body), setting)
        header = chance.choice(HEADERS).encode()
        header = damaged(chance, header, (b":", b" ", b"GMT", b"0" * 9, b"-"))
        return Case((header, body), setting)

    def check(self, case: Case) -> None:
        """See that it is taken for what it is."""
        _CHECKS[case.setting](case)

    def close(self) -> None:
        """There is nothing to let go of."""


def _check_ask(case: Case) -> None:
    body = case.whole
    try:
        plain = read(body, halves=True)
    except NotJson:
        plain = None
    except TooDeep:
        plain = None
        if not _breaks(body):
            return  # whether that is too deep may be answered in either way
    try:
        conversation = read_body(body)
    except BadRequest as error:
        if plain is not None and plain.kind == "object":
            raise Complaint("refused what is right", error.message) from error
        return
    if plain is None or plain.kind != "object":
        raise Complaint("took what is not an object", repr(conversation))
    if conversation is not None and len(conversation.fingerprint) != 16:
        raise Complaint("an odd fingerprint", repr(conversation))
    head, tail = seal(
        project=OURS["project"],
        request_id=OURS["requestId"],
        model=OURS["model"],
        user_agent=OURS["userAgent"],
        request_type=OURS["requestType"],
    )
    _check_sealed(head + body + tail, body)


def _breaks(body: bytes) -> bool:
    """Whether *body* closes something it has not opened, for one that is deep."""
    try:
        read_body(body)
    except BadRequest:
        return False
    depth, in_string, escaped = 0, False, False
    for character in body.decode("utf-8"):
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        else:
            depth += (character in "{[") - (character in "}]")
            if depth < 0:
                raise Complaint("broke out of the envelope", repr(body[:200]))
    return False


def _check_sealed(sealed: bytes, body: bytes) -> None:
    """The envelope has our members and the client's object, and nothing else."""
    pairs = json.loads(sealed, object_pairs_hook=list, parse_int=str, parse_float=str)
    names = [name for name, _ in pairs]
    if names != [*OURS, "request"] or dict(pairs[:5]) != OURS:
        raise Complaint("broke out of the envelope", repr(sealed))
    request = read(sealed, halves=True).last("request")
    if request is None or request.raw.encode() != body.strip(b" \t\r\n"):
        raise Complaint("another request", repr(request))


def _check_answer(case: Case) -> None:
    body = case.whole
    read_error(body)
    try:
        whole = read_whole(body, unsealed).response
    except UpstreamError as told:
        _check_error(told, 200, "")
        return
    except Unreachable:
        return
    try:
        response = read(body, halves=True).last("response")
    except TooDeep:
        return
    if response is None or response.raw.encode() != whole:
        raise Complaint("another response", repr(whole))


def _check_error_case(case: Case) -> None:
    header, body = case.pieces[0], b"".join(case.pieces[1:])
    error = read_error(body)
    retry_after = header.decode("latin-1")
    if error is None:
        for status in STATUSES:
            _check_judged(status, {"retry-after": retry_after}, None)
        return
    _check_error(UpstreamError(error), 0, retry_after)


def _check_error(told: UpstreamError, status: int, retry_after: str) -> None:
    headers = {"retry-after": retry_after}
    for code in {told.error.code or 500, status or 500, *STATUSES}:
        _check_judged(code, headers, told.error)


def _check_judged(
    status: int, headers: dict[str, str], error: GoogleError | None
) -> None:
    for kind in KINDS:
        verdict = kind.errors.judge(status, headers, error, NOW)
        _check_setback(setback_of(status, error, verdict))


def _check_setback(setback: Setback) -> None:
    delay = setback.verdict.delay
    if delay is not None and not 0.0 <= delay <= 366 * 86400.0:
        raise Complaint("an absurd delay", f"{delay}")
    error = setback.error
    error.headers()
    if not isinstance(error, Passed):
        return
    body = read(on_one_line(error.body))
    told = body.last("error")
    code = told.last("code") if told is not None else None
    if (
        code is None
        or code.raw != str(error.answered)
        or b"\n" in on_one_line(error.body)
    ):
        raise Complaint("an error that is not told with its status", repr(error.body))
    if not all(_is_text(told, name) for name in ("message", "status")):
        raise Complaint("an error without what clients read", repr(error.body))


def _is_text(told: Value | None, name: str) -> bool:
    member = told.last(name) if told is not None else None
    return member is not None and member.kind == "string"


def _check_token(case: Case) -> None:
    for status in (200, 400, 401, 403, 429, 500):
        try:
            token = read_renewal(status, case.whole)
        except RenewalFailed:
            continue
        if not math.isfinite(token.expires_in) or token.expires_in < 0:
            raise Complaint("a token that lives for ever", f"{token.expires_in}")


def _check_lookup(case: Case) -> None:
    answer: Any = decoded(case.whole, dict[str, Any])
    if answer is None:
        return
    with suppress(Setback):
        companion.tier_to_join(companion.read_load(answer), None)
    with suppress(Setback):
        companion.read_operation(answer)
    for left in (
        companion.read_quota(answer, NOW),
        companion.read_models_quota(answer, NOW),
    ):
        for remaining in left.values():
            if not math.isfinite(remaining.resets or 0.0):
                raise Complaint("a quota that never resets", repr(remaining))


_CHECKS: dict[str, Callable[[Case], None]] = {
    "ask": _check_ask,
    "answer": _check_answer,
    "error": _check_error_case,
    "token": _check_token,
    "lookup": _check_lookup,
}
