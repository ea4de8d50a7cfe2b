"""Tests for the grants of machines: assertions, exchanges, impersonation."""

import json
import math
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode

import pytest
from attrs import define, field
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st
from sandbox_helpers import ORIGIN, Desk, bare, status, written

from antigravity_sandbox.calls import Call
from antigravity_sandbox.control import credentials
from antigravity_sandbox.google.grants import AUDIENCE, JWT_BEARER, TOKEN_EXCHANGE
from antigravity_sandbox.google.jwt import read_assertion
from antigravity_sandbox.kinds import VERTEX
from antigravity_sandbox.reply import Json
from antigravity_sandbox.signing import ServiceKey

KEY, OTHER = ServiceKey(), ServiceKey()
EMAIL = "sandbox-ada@sandbox-project-ada.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def encoded(data: bytes) -> str:
    """Base64 as it is in a token."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: object, claims: object, key: ServiceKey = KEY) -> str:
    """A token of these two, signed with *key*."""
    parts = [encoded(json.dumps(part).encode()) for part in (header, claims)]
    message = ".".join(parts)
    private = load_pem_private_key(key.pem.encode(), password=None)
    assert isinstance(private, RSAPrivateKey)
    signature = private.sign(message.encode(), PKCS1v15(), SHA256())
    return f"{message}.{encoded(signature)}"


@define
class Machine:
    """A service account, and the sandbox that it asks for tokens."""

    desk: Desk = field(factory=Desk)

    def __attrs_post_init__(self) -> None:
        ada = self.desk.sandbox.accounts.named("ada")
        assert ada
        ada.service_key = KEY

    def claims(self, **changed: object) -> Json:
        """The claims of an assertion, in order unless *changed*."""
        now = int(self.desk.now)
        times = {"iat": now, "exp": now + 3600}
        honest = {"iss": EMAIL, "aud": f"{ORIGIN}/token", "scope": SCOPE, **times}
        return {k: v for k, v in (honest | changed).items() if v is not None}

    def ask(self, assertion: str | None = None) -> tuple[Call, int | None, Any]:
        """A grant: the call, the status and the JSON of its answer."""
        form = {"grant_type": JWT_BEARER}
        form |= {} if assertion is None else {"assertion": assertion}
        call, acts = self.desk.call("token", urlencode(form).encode())
        return call, status(acts), json.loads(written(acts))

    def refused(self, header: Json | None = None, **changed: object) -> Any:
        """What a token with these claims is answered."""
        return self.ask(signed(header or {"alg": "RS256"}, self.claims(**changed)))[2]


def test_assertion() -> None:
    """A signed assertion brings an access token, which opens Vertex AI."""
    machine = Machine()

    call, code, body = machine.ask(signed({"alg": "RS256"}, machine.claims()))

    assert (call.account, call.kind, code) == ("ada", None, 200)
    assert body == {
        "access_token": "ya29.sandbox-ada-1",
        "expires_in": 3599,
        "token_type": "Bearer",
    }
    home = {"project": "sandbox-project-ada", "location": "global"}
    acts = machine.desk.call(
        "generateContent",
        bare(),
        kind=VERTEX,
        bearer=body["access_token"],
        model="gemini-2.5-pro",
        **home,
    )[1]
    assert status(acts) == 200


def test_googles_own_audience() -> None:
    """An assertion may name Google's URL, whatever URL it is posted to."""
    machine = Machine()
    claims = machine.claims(aud="https://oauth2.googleapis.com/token")

    assert machine.ask(signed({"alg": "RS256"}, claims))[1] == 200


@pytest.mark.parametrize("late", [-299, 299, 3600 + 299])
def test_clocks_may_be_apart(late: int) -> None:
    """A few minutes between two clocks do no harm."""
    machine = Machine()
    token = signed({"alg": "RS256"}, machine.claims())
    machine.desk.now += late

    assert machine.ask(token)[1] == 200


TIMES = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable"
)


@pytest.mark.parametrize(
    ("changed", "error", "description"),
    [
        ({"iss": "x@y"}, "invalid_grant", "Invalid grant: account not found"),
        ({"iss": None}, "invalid_grant", "Invalid grant: account not found"),
        ({"iss": ["x"]}, "invalid_grant", "Invalid grant: account not found"),
        ({"aud": "https://x/token"}, "invalid_grant", "Invalid JWT: Failed audience"),
        ({"exp": 1_003_601}, "invalid_grant", TIMES),
        ({"iat": 996_000, "exp": 999_600}, "invalid_grant", TIMES),
        ({"iat": 1_000_400, "exp": 1_000_500}, "invalid_grant", TIMES),
        ({"iat": 1_000_000, "exp": 999_900}, "invalid_grant", TIMES),
        ({"exp": None}, "invalid_grant", TIMES),
        ({"exp": "1003600"}, "invalid_grant", TIMES),
        ({"iat": True}, "invalid_grant", TIMES),
        ({"exp": 10**400}, "invalid_grant", TIMES),
        ({"scope": ""}, "invalid_scope", "Invalid OAuth scope or ID token audience"),
    ],
)
def test_bad_claims(changed: dict[str, object], error: str, description: str) -> None:
    """Each mistake has the answer that Google gives."""
    answer = Machine().refused(**changed)

    assert answer["error"] == error
    assert answer["error_description"].startswith(description)


def test_signatures() -> None:
    """Nobody else signs for an account, and by RS256 only."""
    machine = Machine()
    other = machine.ask(signed({"alg": "RS256"}, machine.claims(), OTHER))[2]
    unsigned = machine.refused({"alg": "none"})
    machine.desk.tell("ada", revokeRefresh=True)
    deleted = machine.refused()

    wrong = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    assert other == unsigned == deleted == wrong


def test_no_key_yet() -> None:
    """A service account without a key is not signed for."""
    machine = Machine()
    grace = "sandbox-grace@sandbox-project-grace.iam.gserviceaccount.com"

    answer = machine.refused(iss=grace)

    assert answer["error_description"] == "Invalid JWT Signature."


@pytest.mark.parametrize(
    ("assertion", "error"),
    [(None, "invalid_request"), ("", "invalid_request"), ("x.y", "invalid_grant")],
)
def test_no_assertion(assertion: str | None, error: str) -> None:
    """What is no token is refused as well."""
    assert Machine().ask(assertion)[1:][1]["error"] == error


@given(st.text(max_size=40) | st.from_regex(r"[\w=-]*\.[\w=-]*\.[\w=-]*"))
def test_any_token(token: str) -> None:
    """Whatever the token, it is refused as Google would."""
    call, code, body = Machine().ask(token)

    assert (call.account, code) == (None, 400)
    assert body["error"] in ("invalid_request", "invalid_grant")


claims = st.dictionaries(
    st.sampled_from(["iss", "exp", "x"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
)


@given(claims)
def test_reading(claims: Json) -> None:
    """A token is read as it was written, and odd claims are as good as none."""
    assertion = read_assertion(signed({"alg": "RS256"}, claims))

    assert KEY.has_signed(assertion.signed, assertion.signature)
    assert not OTHER.has_signed(assertion.signed, assertion.signature)
    assert isinstance(assertion.text("iss"), str)
    number = isinstance(claims.get("exp"), int | float)
    if not number or isinstance(claims["exp"], bool):
        assert math.isnan(assertion.instant("exp"))


def exchange(desk: Desk, **changed: str | None) -> tuple[Call, int | None, Any]:
    """An exchange, in order unless *changed*."""
    fields = {
        "grant_type": TOKEN_EXCHANGE,
        "audience": AUDIENCE,
        "scope": SCOPE,
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token": "sandbox-subject-ada",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    }
    form = {k: v for k, v in (fields | changed).items() if v is not None}
    call, acts = desk.call("exchange", urlencode(form).encode())
    return call, status(acts), json.loads(written(acts))


def test_exchange() -> None:
    """A subject token is exchanged for an access token of its account."""
    call, code, body = exchange(Desk())

    assert (call.account, code) == ("ada", 200)
    assert body == {
        "access_token": "ya29.sandbox-ada-1",
        "expires_in": 3599,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
    }


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"subject_token": "sandbox-subject-nobody"}, "invalid_grant"),
        ({"subject_token": "1//sandbox-ada"}, "invalid_grant"),
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"audience": None}, "invalid_request"),
        ({"audience": "https://example"}, "invalid_request"),
        ({"audience": AUDIENCE + "x"}, "invalid_target"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
    ],
)
def test_bad_exchanges(changed: dict[str, str | None], error: str) -> None:
    """Each mistake has an error of its own."""
    _, code, body = exchange(Desk(), **changed)

    assert (code, body["error"]) == (400, error)


def test_revoked_exchange() -> None:
    """An account whose grants were revoked has none to exchange either."""
    desk = Desk()
    desk.tell("ada", revokeRefresh=True)

    assert exchange(desk)[1] == 400


def impersonate(
    desk: Desk, email: str = EMAIL, body: object = None, bearer: str | None = None
) -> tuple[int | None, Any]:
    """What ada is answered who wants to act for a service account."""
    sent = json.dumps({"scope": [SCOPE]} if body is None else body).encode()
    call = {"bearer": bearer or desk.token(), "email": email}
    acts = desk.call("generateAccessToken", sent, **call)[1]
    return status(acts), json.loads(written(acts))


def test_impersonation() -> None:
    """An account may act for its own service account, and for no other."""
    desk = Desk()

    code, body = impersonate(desk)

    assert code == 200
    assert body == {
        "accessToken": "ya29.sandbox-ada-2",
        "expireTime": "1970-01-12T14:46:39Z",
    }
    code, body = impersonate(desk, EMAIL.replace("ada", "grace"))
    (info,) = body["error"]["details"]
    assert (code, info["domain"]) == (403, "iam.googleapis.com")
    assert info["metadata"] == {"permission": "iam.serviceAccounts.getAccessToken"}


def test_bad_impersonations() -> None:
    """A stranger is a 401; a scope must be named."""
    desk = Desk()

    assert impersonate(desk, bearer="ya29.nobody")[0] == 401
    assert impersonate(desk, body={})[0] == 400


@pytest.mark.parametrize("method", ["exchange", "generateAccessToken"])
def test_rules_spare_grants(method: str) -> None:
    """A rule befalls a grant only if it is meant for it."""
    desk = Desk()
    desk.rule("500")
    codes = {"exchange": exchange, "generateAccessToken": impersonate}
    spared = codes[method](desk)[-2]

    desk.rule("503-overloaded", method=method, account="ada")

    assert (spared, codes[method](desk)[-2]) == (200, 503)


def test_told_exchange() -> None:
    """The errors of exchanges befall nothing else."""
    desk = Desk()
    desk.rule("exchange-provider", times=1)
    assert desk.refresh()[0] == 200

    call, code, body = exchange(desk)

    assert (call.behaviour, code) == ("exchange-provider", 400)
    assert body["error"] == "invalid_target"


def file(kind: str, name: str = "ada", **asked: str) -> Json:
    """A credential file."""
    desk = Desk()
    return credentials(desk.sandbox, asked, name=name, kind=kind, origin=ORIGIN)


def test_credential_files() -> None:
    """Every file leads to the sandbox."""
    assert file("api_key") == {"apiKey": "AIzaSy-sandbox-ada"}
    user, service = file("authorized_user"), file("service_account", "grace")
    assert (user["type"], user["refresh_token"]) == (
        "authorized_user",
        "1//sandbox-ada",
    )
    assert user["token_uri"] == service["token_uri"] == f"{ORIGIN}/token"
    assert service["client_email"] == EMAIL.replace("ada", "grace")
    assert service["private_key"].startswith("-----BEGIN PRIVATE KEY-----\n")


def test_one_key() -> None:
    """The key of a service account stays the same."""
    sandbox, how = Desk().sandbox, {"name": "ada", "kind": "service_account"}

    files = [credentials(sandbox, {}, origin=ORIGIN, **how) for _ in range(2)]

    assert files[0] == files[1]


def test_external_accounts() -> None:
    """A subject token comes from a URL or from a file, bare or in an object."""
    url = f"{ORIGIN}/sandbox/accounts/ada/subject-token"
    plain, wrapped = file("external_account"), file("external_account", format="json")
    assert plain["credential_source"] == {"url": url}
    assert wrapped["credential_source"] == {
        "url": f"{url}?format=json",
        "format": {"type": "json", "subject_token_field_name": "subject_token"},
    }
    kept = file("external_account", file="/etc/subject", impersonate="1")
    assert kept["credential_source"] == {"file": "/etc/subject"}
    assert kept["service_account_impersonation_url"] == (
        f"{ORIGIN}/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
    )


def test_secrets_are_not_shown() -> None:
    """A key does not get into a log by way of a repr."""
    machine = Machine()
    call, *_ = machine.ask(signed({"alg": "RS256"}, machine.claims()))

    assert "key" not in repr(KEY).lower().replace("servicekey", "")
    assert "assertion" not in repr(call)
