"""Tests for ``antigravity_gw.upstream.credentials`` and ``wire.credentials``."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen
from bodies_public import FEDERATED, SERVICE_ACCOUNTS, Refused, oauth
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.causes import Cause
from antigravity_gw.errors import Unreachable
from antigravity_gw.needs import Need
from antigravity_gw.upstream.credentials import Exchange
from antigravity_gw.wire.oauth import AccessToken, RenewalFailed

TOKEN_URL = "https://google.example/token"
STS = "https://sts.example/token"
WHO = "https://elsewhere.example/who"
IAM = "https://iam.example/v1/projects/-/serviceAccounts/MASKED:generateAccessToken"

PEM = (
    rsa.generate_private_key(65537, 2048)
    .private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    .decode()
)
GRANTED = json.dumps({"access_token": "t", "expires_in": 3599}).encode()

USER = {
    "type": "authorized_user",
    "client_id": "id",
    "client_secret": "hush-secret",
    "refresh_token": "1//hush",
}
SERVICE_ACCOUNT = {
    "type": "service_account",
    "client_email": "robot@example.iam.gserviceaccount.com",
    "private_key": PEM,
    "token_uri": TOKEN_URL,
}
ELSEWHERE = {
    "type": "external_account",
    "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools"
    "/pool/providers/provider",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "token_url": STS,
    "credential_source": {"url": WHO},
}
STANDING_IN = {**ELSEWHERE, "service_account_impersonation_url": IAM}
TYPES = {
    "user": USER,
    "service account": SERVICE_ACCOUNT,
    "elsewhere": ELSEWHERE,
    "standing in": STANDING_IN,
}


@frozen
class Response:
    """What a transport returns."""

    status: int
    data: bytes
    headers: dict[str, str] = field(factory=dict)


@define
class Endpoints:
    """
    A transport that asks nobody.

    :ivar answers: by URL; other URLs are answered well.
    """

    answers: dict[str, Response | Exception] = field(factory=dict)
    calls: list[dict[str, Any]] = field(factory=list)

    def __call__(self, **call: Any) -> Response:
        """Answer."""
        self.calls.append(call)
        expires = "2100-01-01T00:00:00Z"
        well = {
            WHO: b"who I am",
            IAM: json.dumps({"accessToken": "t", "expireTime": expires}).encode(),
        }
        fine = Response(200, well.get(call["url"], GRANTED))
        answer = self.answers.get(call["url"], fine)
        if isinstance(answer, Exception):
            raise answer
        return answer


def exchange(endpoints: Callable[..., Any], seconds: float = 15.0) -> Exchange:
    """What exchanges credentials with those."""
    return Exchange(TOKEN_URL, seconds, endpoints)


def outcome(info: object, endpoints: Endpoints) -> RenewalFailed | Unreachable:
    """What becomes of credentials that get no token."""
    with pytest.raises((RenewalFailed, Unreachable)) as caught:
        exchange(endpoints).token_for(json.dumps(info))
    said = str(caught.value.args) + repr(caught.value)
    assert "hush" not in said
    assert "MASKED" not in said
    return caught.value  # type: ignore[return-value]


def failure(info: object, endpoints: Endpoints) -> RenewalFailed:
    """The same, where somebody says why."""
    failed = outcome(info, endpoints)
    assert isinstance(failed, RenewalFailed)
    assert not failed.reason.endswith(".")
    return failed


def urls_of(name: str) -> list[str]:
    """All that is asked for credentials of that type."""
    endpoints = Endpoints()
    exchange(endpoints).token_for(json.dumps(TYPES[name]))
    return [call["url"] for call in endpoints.calls]


EVERYWHERE = [(name, url) for name in TYPES for url in urls_of(name)]


@pytest.mark.parametrize("name", TYPES)
def test_tokens(name: str) -> None:
    """Each type of credentials gets one, by as few calls as it takes."""
    endpoints = Endpoints()
    token = exchange(endpoints).token_for(json.dumps(TYPES[name]))

    assert token.value == "t"
    assert 3500.0 < token.expires_in <= 86_400.0
    assert len(endpoints.calls) == {"elsewhere": 2, "standing in": 3}.get(name, 1)
    assert all(0 < call["timeout"] <= 15.0 for call in endpoints.calls)


@pytest.mark.parametrize("refused", SERVICE_ACCOUNTS, ids=lambda r: r.name)
def test_service_accounts(refused: Refused) -> None:
    """What Google says of one is told in words that help."""
    answers = {TOKEN_URL: Response(refused.status, refused.body)}
    failed = failure(SERVICE_ACCOUNT, Endpoints(answers))

    assert (failed.need, failed.cause) == (refused.need, refused.cause)
    assert refused.words in failed.reason


@pytest.mark.parametrize("refused", FEDERATED, ids=lambda r: r.name)
def test_identities_from_elsewhere(refused: Refused) -> None:
    """What STS and IAM say of one is, too."""
    url = IAM if refused.body.startswith(b'{"error": {') else STS
    endpoints = Endpoints({url: Response(refused.status, refused.body)})
    failed = failure(STANDING_IN, endpoints)

    assert (failed.need, failed.cause) == (refused.need, refused.cause)
    assert refused.words in failed.reason


@pytest.mark.parametrize(
    ("status", "body", "cause", "word"),
    [
        (400, oauth("invalid_grant", "Bad Request"), Cause.GRANT_DEAD, "revoked"),
        (
            400,
            b'{"error":"invalid_grant","error_subtype":"invalid_rapt"}',
            Cause.SESSION_CONTROL,
            "session control",
        ),
        (
            400,
            b'{"error":"invalid_grant","error_subtype":"rapt_required"}',
            Cause.SESSION_CONTROL,
            "session control",
        ),
        (401, oauth("deleted_client", "x"), Cause.CLIENT_GONE, "deleted"),
        (401, oauth("invalid_client", "x"), Cause.CLIENT_SECRET, "secret"),
        (401, oauth("unauthorized_client", "x"), Cause.OTHER_CLIENT, "another"),
    ],
)
def test_users(status: int, body: bytes, cause: Cause, word: str) -> None:
    """There is no other client, and no login: other credentials are the way out."""
    failed = failure(USER, Endpoints({TOKEN_URL: Response(status, body)}))

    assert (failed.need, failed.cause) == (Need.CREDENTIAL, cause)
    assert word in failed.reason


@pytest.mark.parametrize(("name", "url"), EVERYWHERE)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, b"<html>down</html>") for status in (400, 403, 404, 407, 429, 500)),
        *((status, b"<html>down</html>") for status in (302, 502, 503, 504)),
        *((status, oauth("invalid_grant", "x")) for status in (408, 429, 500, 503)),
        (400, oauth("internal_failure", "server_error")),
        (400, oauth("temporarily_unavailable", "x")),
        (400, b"[]"),
        (400, b'{"error":{"code":400,"message":"x"}}'),
        (400, b'{"error":["invalid_grant"]}'),
        (400, b""),
    ],
)
def test_outages_take_no_account_away(
    name: str, url: str, status: int, body: bytes
) -> None:
    """Whoever is down, and whatever a front end says: it passes, and is asked once."""
    endpoints = Endpoints({url: Response(status, body)})
    failed = failure(TYPES[name], endpoints)

    assert failed.need is None
    assert [call["url"] for call in endpoints.calls].count(url) == 1


@pytest.mark.parametrize(("name", "url"), [e for e in EVERYWHERE if e[1] != WHO])
@pytest.mark.parametrize(
    "body",
    [
        *(b"<html>captive portal</html>", b"\xff", b"[]", b"{}", b"[" * 100_000),
        b'{"access_token":"t","expires_in":"soon"}',
        b'{"access_token":7,"expires_in":1e400}',
        b'{"accessToken":"t","expireTime":"soon"}',
    ],
)
def test_answers_without_a_token(name: str, url: str, body: bytes) -> None:
    """A 200 that is none passes, too; the library does not expect it."""
    failed = failure(TYPES[name], Endpoints({url: Response(200, body)}))

    assert (failed.need, failed.cause) == (None, None)


@pytest.mark.parametrize(("name", "url"), EVERYWHERE)
@pytest.mark.parametrize("error", [OSError("x"), UnicodeError("x"), ValueError("hush")])
def test_nobody_answers(name: str, url: str, error: Exception) -> None:
    """Whatever the transport fails with: it is the network's affair."""
    assert isinstance(outcome(TYPES[name], Endpoints({url: error})), Unreachable)


def test_no_second_try() -> None:
    """An endpoint in trouble costs no pauses: others wait for the thread."""
    endpoints = Endpoints({TOKEN_URL: Response(503, b"{}")})
    failure(SERVICE_ACCOUNT, endpoints)

    assert [call["url"] for call in endpoints.calls] == [TOKEN_URL]


def test_all_calls_share_the_time() -> None:
    """The second has what the first has left of it, and none is made with nothing."""
    endpoints = Endpoints()
    with pytest.raises(Unreachable):
        exchange(endpoints, seconds=0.0).token_for(json.dumps(ELSEWHERE))
    assert endpoints.calls == []
    exchange(endpoints).token_for(json.dumps(STANDING_IN))
    timeouts = [call["timeout"] for call in endpoints.calls]

    assert timeouts == sorted(timeouts, reverse=True)


def test_token_from_a_file(tmp_path: Path) -> None:
    """One that is not there is for a person to see to; one that is there is taken."""
    file = tmp_path / "hush"
    info = {**ELSEWHERE, "credential_source": {"file": str(file)}}
    failed = failure(info, Endpoints())
    assert (failed.need, failed.cause) == (Need.CREDENTIAL, Cause.CREDENTIALS)
    assert "a file or a program" in failed.reason
    file.write_bytes(b"\xff")
    assert failure(info, Endpoints()).need is Need.CREDENTIAL
    file.write_text("who I am")

    assert exchange(Endpoints()).token_for(json.dumps(info)).value == "t"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_says_who_it_is(status: int) -> None:
    """Somebody else's error is not read as if it were Google's."""
    body = oauth("invalid_grant", "Invalid JWT Signature.")
    failed = failure(ELSEWHERE, Endpoints({WHO: Response(status, body)}))

    assert (failed.need, failed.cause) == (None, Cause.CREDENTIALS)
    assert str(status) in failed.reason


def test_an_api_that_is_off() -> None:
    """It is said which, when it is one that only these credentials need."""
    details = [{"@type": "x/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}]
    body = json.dumps({"error": {"code": 403, "message": "x", "details": details}})
    failed = failure(STANDING_IN, Endpoints({IAM: Response(403, body.encode())}))

    assert (failed.need, failed.cause) == (Need.ENTITLEMENT, Cause.API_OFF)


@pytest.mark.parametrize(
    "info",
    [
        {},
        [],
        {"type": "external_account_authorized_user"},
        {**USER, "refresh_token": None},
        {**SERVICE_ACCOUNT, "private_key": "hush"},
        {**SERVICE_ACCOUNT, "private_key": 7},
        {"type": "service_account"},
        {**ELSEWHERE, "credential_source": None},
        {**ELSEWHERE, "credential_source": []},
        {**ELSEWHERE, "credential_source": {}},
        {**ELSEWHERE, "credential_source": {"url": WHO, "file": "x"}},
        {
            **ELSEWHERE,
            "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
        },
        {**ELSEWHERE, "credential_source": {"executable": {"command": "/bin/false"}}},
    ],
)
def test_damage(info: object) -> None:
    """What is no use as credentials is for a person to see to."""
    assert failure(info, Endpoints()).need is Need.CREDENTIAL


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
members = st.sampled_from(
    [
        *("access_token", "expires_in", "accessToken", "expireTime", "refresh_token"),
        *("error", "error_description", "error_subtype", "error_uri", "code"),
    ]
)
odd = st.dictionaries(members, values) | values
bodies = st.binary(max_size=50) | odd.map(lambda said: json.dumps(said).encode())
statuses = st.sampled_from([200, 200, 200, 400, 401, 403, 404]) | st.integers(0, 999)


@given(st.sampled_from(sorted(TYPES)), st.lists(st.tuples(statuses, bodies)))
def test_any_answer(name: str, answers: list[tuple[int, bytes]]) -> None:
    """Whatever comes, there is a token, or word of why there is none."""
    left: Iterator[tuple[int, bytes]] = iter(answers)

    def transport(**_: Any) -> Response:
        return Response(*next(left, (503, b"")))

    try:
        token = exchange(transport).token_for(json.dumps(TYPES[name]))
    except (RenewalFailed, Unreachable):
        return
    assert isinstance(token, AccessToken)
    assert token.value
    assert 0.0 <= token.expires_in <= 86_400.0


@given(st.sampled_from(sorted(TYPES)), st.data())
def test_any_credentials(name: str, data: st.DataObject) -> None:
    """However odd the credentials are, nothing else comes out."""
    info = dict(TYPES[name])
    key = data.draw(st.sampled_from(sorted(info)))
    info[key] = data.draw(values)
    with suppress(RenewalFailed, Unreachable):
        exchange(Endpoints()).token_for(json.dumps(info))
