"""Tests of the grants over sockets, by Google's own library for Python."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import daemons
import pytest
import pytest_twisted
import requests
from daemons import self_signed
from google.auth import identity_pool
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import credentials, service_account
from sandbox_helpers import FLASH, prompt, running
from twisted.internet.threads import deferToThread

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
PLACE = "/v1/projects/sandbox-project-ada/locations/global/publishers/google/models"


def read(info: dict[str, Any]) -> Credentials:
    """What Google's library makes of a credential file."""
    match info["type"]:
        case "authorized_user":
            user: Any = credentials.Credentials
            found = user.from_authorized_user_info(info, SCOPES)
            return found.with_token_uri(info["token_uri"])  # it asks Google otherwise
        case "service_account":
            service: Any = service_account.Credentials
            return service.from_service_account_info(info, scopes=SCOPES)
    pool: Any = identity_pool.Credentials
    return pool.from_info(info, scopes=SCOPES)


def opened(session: requests.Session, url: str, wish: str) -> tuple[int, Any]:
    """Use the credential file *wish* to ask Vertex AI; the answer."""
    found = session.get(f"{url}/sandbox/accounts/ada/credentials/{wish}", timeout=10)
    held: Any = read(found.json())
    held.refresh(Request(session))
    answer = session.post(
        f"{url}{PLACE}/{FLASH}:generateContent",
        json=prompt(),
        headers={"Authorization": f"Bearer {held.token}"},
        timeout=10,
    )
    return answer.status_code, answer.json()


@pytest.fixture(scope="module")
def secure(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, requests.Session]]:
    """A sandbox with TLS: where it says it is, and a client that believes it."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = self_signed(folder)
    where = f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
    listen = ["--listen", where, "--pace", "0"]
    started = daemons.running("antigravity-sandbox", *listen, folder=folder)
    with started as daemon, requests.Session() as session:
        session.trust_env = False  # what that says of certificates would win
        session.verify = certificate
        yield daemon.url, session


WISHES = [
    "authorized_user",
    "service_account",
    "external_account",
    "external_account?format=json",
    "external_account?impersonate=1",
]


@pytest.mark.parametrize("wish", WISHES)
@pytest_twisted.ensureDeferred
async def test_files(wish: str) -> None:
    """Google's library gets a token with each of the files, and it is good."""
    async with running() as service:
        session = requests.Session()
        code, answer = await deferToThread(opened, session, service.url, wish)
        call = service.sandbox.record.overview()["calls"][-1]

    assert code == 200
    assert answer["candidates"]
    assert (call["kind"], call["account"]) == ("vertex", "ada")


@pytest_twisted.ensureDeferred
async def test_subject_in_a_file(tmp_path: Path) -> None:
    """The subject token may lie in a file, with the newline that editors add."""
    (tmp_path / "subject").write_text("sandbox-subject-ada\n")
    wish = f"external_account?file={tmp_path / 'subject'}"
    async with running() as service:
        session = requests.Session()
        code, _ = await deferToThread(opened, session, service.url, wish)

    assert code == 200


@pytest.mark.parametrize("wish", WISHES[:3])
@pytest_twisted.ensureDeferred
async def test_revocation(wish: str) -> None:
    """When the grants of an account were revoked the library says so."""
    async with running() as service:
        orders = f"{service.url}/sandbox/accounts/ada"
        session = requests.Session()
        await deferToThread(session.post, orders, json={"revokeRefresh": True})
        with pytest.raises(GoogleAuthError, match="invalid_grant"):
            await deferToThread(opened, session, service.url, wish)


@pytest.mark.parametrize("wish", WISHES)
def test_files_with_tls(secure: tuple[str, requests.Session], wish: str) -> None:
    """With TLS the sandbox says https, and so do the files it hands out."""
    url, session = secure

    code, _ = opened(session, url, wish)

    assert url.startswith("https://127.0.0.1:")
    assert code == 200


@pytest.mark.parametrize(("model", "whole"), [(FLASH, True), ("sandbox-cut", False)])
def test_streams_with_tls(
    secure: tuple[str, requests.Session], model: str, whole: bool
) -> None:
    """Streams arrive under TLS, and are reset when they are to be."""
    url, session = secure
    key = {"x-goog-api-key": "AIzaSy-sandbox-ada"}
    path = f"{url}/v1beta/models/{model}:streamGenerateContent?alt=sse"

    received, ended = b"", True
    with session.post(path, json=prompt(), headers=key, stream=True) as answer:
        try:
            for chunk in answer.iter_content(None):
                received += chunk
        except requests.RequestException:
            ended = False

    assert ended is whole
    assert (received.count(b"data: ") == 6) is whole


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/accounts/ada/credentials/external_account?impersonate=1", 200),
        ("/accounts/ada/subject-token", 200),
        ("/accounts/ada/credentials/passport", 404),
        ("/accounts/ada/credentials", 404),
        ("/accounts/nobody/credentials/api_key", 404),
        ("/accounts/nobody/subject-token", 404),
        ("/accounts/ada/credentials/api_key?format=json", 400),
        ("/accounts/ada/credentials/external_account?colour=red", 400),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_handed_out(path: str, code: int) -> None:
    """Files are there for every account, and mistakes are told."""
    async with running() as service:
        url = f"{service.url}/sandbox{path}"
        answer = await deferToThread(requests.get, url, timeout=10)

    assert answer.status_code == code


@pytest.mark.parametrize("prefix", ["", "/us-central1"])
@pytest_twisted.ensureDeferred
async def test_public_api(prefix: str) -> None:
    """The public API is served with a key in its header, on any host."""
    async with running() as service:
        url = f"{service.url}{prefix}/v1beta/models"
        key = {"x-goog-api-key": "AIzaSy-sandbox-ada"}
        listed = await deferToThread(requests.get, url, headers=key, timeout=10)
        path = f"{url}/{FLASH}:streamGenerateContent?alt=sse"
        stream = await deferToThread(
            requests.post, path, json=prompt(), headers=key, timeout=10
        )
        nowhere = await deferToThread(requests.get, f"{url}/a/b", timeout=10)
        calls = service.sandbox.record.overview()["calls"]

    assert f"models/{FLASH}" in [model["name"] for model in listed.json()["models"]]
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert stream.content.count(b"}\r\n\r\n") == 6
    assert nowhere.status_code == 404
    assert [(c["kind"], c["method"], c["apiKey"]) for c in calls] == [
        ("gemini_api_key", "listModels", "AIzaSy-sandbox-ada"),
        ("gemini_api_key", "streamGenerateContent", "AIzaSy-sandbox-ada"),
    ]
    assert {c["endpoint"] for c in calls} == {prefix.strip("/")}
