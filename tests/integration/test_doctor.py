"""The doctor, with whatever the sandbox can play and with real sockets."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import define, evolve, field, frozen
from authority import Authority
from daemons import Sandbox, antigravity_gw, asked, running, self_signed
from proxies import TestProxy
from twisted.internet import reactor as installed_reactor
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource
from twisted.web.server import Site

from antigravity_gw.pool.store import Store
from antigravity_gw.record import CODE_ASSIST, Record

reactor: Any = installed_reactor

DAY = 86400.0
MODEL = "gemini-3.1-pro"
"""What is asked when nobody names a model."""

ADA = "/accounts/ada"
VERIFY = "https://accounts.google.com/signin/continue?sarp=1&scc=1&plt=sandbox"

CONFIG = """
listen = ["tcp:0:interface=127.0.0.1"]
state_dir = "{folder}/state"

[oauth]
client_id = "sandbox-client.apps.example"
client_secret = "sandbox-secret-of-no-value"
token_url = "{url}/token"
userinfo_url = "{url}/oauth2/v2/userinfo"

[upstream.code_assist]
endpoints = ["{url}"]

[upstream.gemini_api_key]
endpoints = ["{url}"]

[upstream.vertex]
endpoints = ["{url}"]
"""

KEY, VERTEX = "gemini_api_key", "vertex"
CREDENTIALS = {
    CODE_ASSIST: "1//sandbox-ada",
    KEY: "AIzaSy-sandbox-ada",
    VERTEX: json.dumps(
        {
            "type": "authorized_user",
            "client_id": "sandbox-client.apps.example",
            "client_secret": "sandbox-secret-of-no-value",
            "refresh_token": "1//sandbox-ada",
        }
    ),
}
"""What lets ada in, by the kind of account."""


@define
class Surgery:
    """
    A configuration, an account in its store, and the doctor.

    :ivar environ: settings on top of the file's.
    """

    folder: Path
    environ: dict[str, str] = field(factory=dict)

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "config.toml"

    def admit(self, kind: str = CODE_ASSIST, **more: Any) -> None:
        """Put ada's account into the store."""
        store = Store.open(self.folder / "state")
        record = Record("1234abcd", "ada", CREDENTIALS[kind], kind=kind, added=1.0)
        if kind == VERTEX:
            record = evolve(record, project="sandbox-project-ada")
        store.put(evolve(record, **more))
        store.close()

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command; nothing of it goes to standard error."""
        done = antigravity_gw(
            *("--config", str(self.config), *arguments),
            folder=self.folder,
            **self.environ,
        )
        assert done.stderr == ""
        return done

    def examined(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The exit status and what is said of ada in JSON."""
        done = self.run("doctor", "ada", "--json", *arguments)
        told = json.loads(done.stdout)
        (account,) = told["accounts"]
        assert told["status"] == done.returncode
        return done.returncode, account


@pytest.fixture
def surgery(sandbox: Sandbox, tmp_path: Path) -> Iterator[Surgery]:
    """A store with no account yet, and the sandbox."""
    surgery = Surgery(tmp_path)
    surgery.config.write_text(CONFIG.format(folder=tmp_path, url=sandbox.url))
    surgery.config.chmod(0o600)
    yield surgery
    sandbox.control("POST", "/clock", {"seconds": 0})


@frozen
class Row:
    """
    Something the sandbox plays, and the verdict.

    :ivar cause: None for nobody knows.
    :ivar rule: a misbehaviour, with the parameters of its rule.
    :ivar order: what the sandbox's account is told to be like.
    :ivar last: the step that fails.
    :ivar link: how the link begins, if there is one.
    """

    cause: str | None
    last: str
    rule: dict[str, Any] = field(factory=dict)
    order: dict[str, Any] = field(factory=dict)
    status: int = 1
    link: str = ""
    kind: str = CODE_ASSIST
    record: dict[str, Any] = field(factory=dict)
    environ: dict[str, str] = field(factory=dict)


def rule(behaviour: str, **selectors: Any) -> dict[str, Any]:
    """A rule for all that is asked around a question, and the question."""
    return {"behaviour": behaviour, **selectors}


def answer(behaviour: str, **selectors: Any) -> dict[str, Any]:
    """A rule for a question only."""
    return rule(behaviour, method="generateContent", **selectors)


WRONG_SECRET = {"ANTIGRAVITY_GW_OAUTH_CLIENT_SECRET": "another"}
WRONG_CLIENT = {"ANTIGRAVITY_GW_OAUTH_CLIENT_ID": "another.apps.example"}
NO_CLIENT = {"ANTIGRAVITY_GW_OAUTH_CLIENT_ID": ""}
CONSOLE = "https://console.developers.google.com/apis/api/"
BILLING = "https://console.developers.google.com/billing/"

ROWS = [
    # The token endpoint.
    Row("grant-dead", "refresh", rule("token-invalid-grant")),
    Row("grant-dead", "refresh", order={"revokeRefresh": True}),
    Row(
        "testing-mode",
        "refresh",
        order={"revokeRefresh": True},
        record={"given": time.time() - 7 * DAY},
    ),
    Row("other-client", "refresh", rule("token-unauthorized-client")),
    Row("invalid-rapt", "refresh", rule("token-invalid-rapt")),
    Row("wrong-client-secret", "refresh", rule("token-secret-missing")),
    Row("wrong-client-secret", "refresh", environ=WRONG_SECRET),
    Row("wrong-client-secret", "refresh", environ=WRONG_CLIENT),
    Row("no-client", "refresh", environ=NO_CLIENT),
    Row("client-deleted", "refresh", rule("token-deleted-client")),
    Row("admin-policy", "refresh", rule("token-admin-policy")),
    Row("not-eligible", "refresh", rule("token-access-denied")),
    Row(None, "refresh", rule("token-500"), status=3),
    Row(None, "refresh", rule("token-html"), status=3),
    # What the account may do.
    Row("client-not-listed", "project", rule("403-service-disabled")),
    Row("companion-api-off", "project", rule("403-companion-disabled"), link=CONSOLE),
    Row("tier-retired", "project", order={"ineligible": "UNSUPPORTED_CLIENT"}),
    Row("region", "project", order={"ineligible": "UNSUPPORTED_LOCATION"}),
    Row("region", "project", order={"ineligible": "RESTRICTED_NETWORK"}),
    Row("not-eligible", "project", order={"ineligible": "RESTRICTED_AGE"}),
    Row(
        "verification-needed",
        "project",
        order={"ineligible": "VALIDATION_REQUIRED"},
        link="https://accounts.google.com/",
    ),
    Row("no-project", "project", order={"tier": "standard-tier"}),
    Row("security-perimeter", "project", rule("403-security-policy")),
    Row("token-refused", "project", rule("401")),
    # The question.
    Row("client-not-listed", "generate", answer("403-service-disabled")),
    Row(
        "companion-api-off", "generate", answer("403-companion-disabled"), link=CONSOLE
    ),
    Row(
        "no-licence",
        "generate",
        answer("403-license"),
        link="https://cloud.google.com/",
    ),
    Row("no-licence", "generate", answer("403-named-user")),
    Row(
        "verification-needed",
        "generate",
        answer("403-validation-required"),
        link=VERIFY,
    ),
    Row(
        "verification-needed",
        "generate",
        answer("403-validation-required-old"),
        link=VERIFY,
    ),
    Row("no-role", "generate", answer("403-iam")),
    Row("security-perimeter", "generate", answer("403-security-policy")),
    Row("suspended", "generate", answer("403-terms")),
    Row("wrong-project", "generate", answer("404-project")),
    Row("wrong-project", "generate", answer("403-consumer-invalid")),
    Row("wrong-project", "generate", answer("400-invalid-project")),
    Row("model-forbidden", "generate", answer("403-caller")),
    Row("no-such-model", "generate", answer("404-model")),
    Row("token-refused", "generate", answer("401")),
    Row("quota-out", "generate", answer("429-quota-exhausted")),
    Row("quota-out", "generate", answer("429-per-day")),
    Row("no-quota", "generate", answer("429-limit-zero")),
    Row("credits-out", "generate", answer("429-credits")),
    Row("quota-out", "generate", order={"quota": 0}),
    Row("rate-limit", "generate", answer("429-rate-limit", delay="9s")),
    Row("no-capacity", "generate", answer("503-capacity"), status=3),
    Row(None, "generate", answer("500"), status=3),
    Row(None, "generate", answer("502-html"), status=3),
    # Keys of the public API.
    Row("key-invalid", "generate", answer("400-key-invalid"), kind=KEY),
    Row("key-invalid", "generate", answer("400-key-expired"), kind=KEY),
    Row("key-invalid", "generate", answer("403-key-leaked"), kind=KEY),
    Row("key-restricted", "generate", answer("403-key-service"), kind=KEY),
    Row("key-restricted", "generate", answer("403-key-referrer"), kind=KEY),
    Row("key-restricted", "generate", answer("403-key-address"), kind=KEY),
    Row("api-off", "generate", answer("403-gemini-disabled"), kind=KEY, link=CONSOLE),
    Row("region", "generate", answer("400-location"), kind=KEY),
    Row("suspended", "generate", answer("403-suspended"), kind=KEY),
    Row("credits-out", "generate", answer("429-prepaid"), kind=KEY),
    Row("billing-off", "generate", answer("403-billing"), kind=KEY, link=BILLING),
    Row("spending-cap", "generate", answer("429-spending-cap"), kind=KEY),
    Row("no-quota", "generate", answer("429-limit-zero"), kind=KEY),
    Row("question-refused", "generate", answer("400-precondition"), kind=KEY),
    Row("quota-out", "generate", answer("429-free-day"), kind=KEY),
    Row("no-quota", "generate", order={"quota": 0}, kind=KEY),
    Row("rate-limit", "generate", answer("429-free-minute", delay="9s"), kind=KEY),
    Row("no-such-model", "generate", answer("404-gemini-model"), kind=KEY),
    Row("no-capacity", "generate", answer("503-high-demand"), kind=KEY, status=3),
    # Vertex AI.
    Row("grant-dead", "refresh", order={"revokeRefresh": True}, kind=VERTEX),
    Row("invalid-rapt", "refresh", rule("token-invalid-rapt"), kind=VERTEX),
    Row("client-deleted", "refresh", rule("token-deleted-client"), kind=VERTEX),
    Row(None, "refresh", rule("token-html"), kind=VERTEX, status=3),
    Row("no-project", "project", kind=VERTEX, record={"project": None}),
    Row("no-role", "generate", answer("403-vertex-iam"), kind=VERTEX),
    Row("no-role", "generate", kind=VERTEX, record={"project": "other-project"}),
    Row(
        "api-off", "generate", answer("403-vertex-disabled"), kind=VERTEX, link=CONSOLE
    ),
    Row("billing-off", "generate", answer("403-billing"), kind=VERTEX, link=BILLING),
    Row("wrong-project", "generate", answer("403-consumer-invalid"), kind=VERTEX),
    Row("scopes-missing", "generate", answer("403-scopes"), kind=VERTEX),
    Row("admin-policy", "generate", answer("400-model-policy"), kind=VERTEX),
    Row("location-forbidden", "generate", answer("400-region-policy"), kind=VERTEX),
    Row("model-forbidden", "generate", answer("400-model-grant"), kind=VERTEX),
    Row("no-such-model", "generate", answer("404-vertex-model"), kind=VERTEX),
    Row("rate-limit", "generate", answer("429-vertex-quota"), kind=VERTEX),
    Row("no-capacity", "generate", answer("429-vertex"), kind=VERTEX, status=3),
    Row("token-refused", "generate", answer("401"), kind=VERTEX),
]


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{n}-{row.kind}-{row.cause}" for n, row in enumerate(ROWS)]
)
def test_verdicts(surgery: Surgery, sandbox: Sandbox, row: Row) -> None:
    """Whatever the sandbox plays, the doctor says what it is and what to do."""
    surgery.admit(row.kind, **row.record)
    surgery.environ = row.environ
    if row.rule:
        sandbox.control("POST", "/rules", row.rule)
    if row.order:
        sandbox.control("POST", ADA, row.order)
    status, account = surgery.examined()
    steps = {step["name"]: step["result"] for step in account["steps"]}

    assert (account["cause"], status) == (row.cause, row.status)
    assert [name for name, result in steps.items() if result == "failed"] == [row.last]
    assert list(steps)[-1] == row.last
    assert account["to_do"]
    assert bool(account["link"]) is bool(row.link)
    assert (account["link"] or "").startswith(row.link)
    assert (account["serves"], account["is_known"]) == (False, status == 1)
    assert len(asked(sandbox)) <= 3


def test_an_account_that_serves(surgery: Surgery, sandbox: Sandbox) -> None:
    """One question is asked; the daemon may go by the token and the project."""
    surgery.admit()
    status, account = surgery.examined("--model", "gemini-2.5-flash")
    shown = json.loads(surgery.run("accounts", "show", "ada", "--json").stdout)

    assert (status, account["serves"], account["cause"]) == (0, True, None)
    assert [step["name"] for step in account["steps"]] == [
        *("reach", "refresh", "identity", "project", "entitlement", "generate"),
    ]
    assert [call["model"] for call in asked(sandbox)] == ["gemini-2.5-flash"]
    assert len(sandbox.calls("token")) == 1
    assert shown[0]["project_found"] == "sandbox-project-ada"


def test_what_is_found_is_stored(surgery: Surgery, sandbox: Sandbox) -> None:
    """The accounts' list says the same, and says so no more when it is mended."""
    surgery.admit()
    sandbox.control("POST", "/rules", answer("403-license"))
    surgery.examined()
    listed = json.loads(surgery.run("accounts", "list", "--json").stdout)
    sandbox.control("DELETE", "/rules")
    status, _ = surgery.examined()
    mended = json.loads(surgery.run("accounts", "list", "--json").stdout)

    assert listed[0]["state"] == "not entitled"
    assert (status, mended[0]["state"]) == (0, "serving")


def test_when_a_quota_is_back(surgery: Surgery, sandbox: Sandbox) -> None:
    """It is said until when the account rests."""
    surgery.admit()
    sandbox.control("POST", "/rules", answer("429-quota-exhausted"))
    done = surgery.run("doctor", "ada")

    assert done.returncode == 1
    assert "  verdict:  It has used up its quota for this model.\n" in done.stdout
    assert "  when:     tried again in 4 d 12 h (" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_clock_that_is_wrong(surgery: Surgery, sandbox: Sandbox, ahead: int) -> None:
    """Every answer of Google's tells the time."""
    surgery.admit()
    sandbox.control("POST", "/clock", {"seconds": ahead})
    status, account = surgery.examined()
    way = "behind" if ahead > 0 else "ahead of"

    assert (status, account["cause"]) == (0, None)
    assert (account["serves"], account["is_well"]) == (True, True)
    assert (
        f"s {way} Google's"
        in json.loads(surgery.run("doctor", "--json").stdout)["clock"]["told"]
    )
    assert account["steps"][-1]["result"] == "ok"


@pytest.mark.parametrize("host", ["http://127.0.0.1:1", "https://no-such-host.invalid"])
def test_no_network(surgery: Surgery, sandbox: Sandbox, host: str) -> None:
    """No answer says nothing of the account, and no credential is shown."""
    surgery.admit()
    surgery.environ = {"ANTIGRAVITY_GW_UPSTREAM_CODE_ASSIST_ENDPOINTS": f'["{host}"]'}
    status, account = surgery.examined()

    assert (status, account["cause"]) == (3, "no-network")
    assert "could not be reached" in account["reason"]
    assert [step["name"] for step in account["steps"]] == ["reach"]
    assert sandbox.calls() == []


def test_the_token_endpoint_is_elsewhere(surgery: Surgery) -> None:
    """One that cannot be reached is told from one that refuses."""
    surgery.admit()
    surgery.environ = {"ANTIGRAVITY_GW_OAUTH_TOKEN_URL": "http://127.0.0.1:1/token"}
    status, account = surgery.examined()

    assert (status, account["cause"]) == (3, "no-network")
    assert account["steps"][-1]["name"] == "refresh"
    assert "127.0.0.1:1" in account["reason"]


# In the way


Listen = Callable[..., int]


class Page(Resource):
    """Answers with a page, as the log-in of a network does."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        """Answer."""
        request.setHeader("content-type", "text/html; charset=utf-8")
        return b"<html>Please log in"


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Serves on this machine; gives the port."""
    ports: list[Any] = []

    def begin(factory: Any, identity: Any = None) -> int:
        factory.noisy = False
        if identity is None:
            ports.append(reactor.listenTCP(0, factory, interface="127.0.0.1"))
        else:
            port = reactor.listenSSL(0, factory, identity, interface="127.0.0.1")
            ports.append(port)
        return int(ports[-1].getHost().port)

    yield begin
    for port in ports:
        pytest_twisted.blockon(port.stopListening())


async def in_the_way(
    surgery: Surgery, endpoint: str, **reach: str
) -> tuple[int, dict[str, Any]]:
    """What the doctor says when Google is looked for at *endpoint*."""
    surgery.admit()
    prefix = "ANTIGRAVITY_GW_UPSTREAM_CODE_ASSIST_"
    surgery.environ = {f"{prefix}ENDPOINTS": f'["{endpoint}"]'}
    surgery.environ |= {prefix + name.upper(): value for name, value in reach.items()}
    told: tuple[int, dict[str, Any]] = await deferToThread(surgery.examined)
    assert [step["name"] for step in told[1]["steps"]] == ["reach"]
    return told


@pytest_twisted.ensureDeferred
async def test_a_proxy_that_opens_tls(surgery: Surgery, listen: Listen) -> None:
    """An authority that nobody trusts here is named; nothing is confided to it."""
    identity = Authority("Prying Eyes Ltd").issue("localhost")
    port = listen(Site(Page()), identity)
    status, account = await in_the_way(surgery, f"https://localhost:{port}")

    assert (status, account["cause"]) == (1, "proxy")
    assert "Prying Eyes Ltd" in account["reason"]
    assert "upstream.code_assist.ca_file" in account["to_do"]


@pytest_twisted.ensureDeferred
async def test_a_certificate_that_is_bad(surgery: Surgery, listen: Listen) -> None:
    """One that is trusted and yet wrong is no proxy's."""
    authority = Authority("Test")
    file = authority.save(surgery.folder / "ca.pem")
    for identity, words in (
        (authority.issue("localhost", ends=-0.5), "expired"),
        (authority.issue("else.example"), "else.example"),
    ):
        port = listen(Site(Page()), identity)
        endpoint = f"https://localhost:{port}"
        status, account = await in_the_way(surgery, endpoint, ca_file=file)

        assert (status, account["cause"]) == (1, "tls")
        assert words in account["reason"]


@pytest_twisted.ensureDeferred
async def test_a_page_of_the_network(surgery: Surgery, listen: Listen) -> None:
    """The log-in page of a network is not taken for Google."""
    port = listen(Site(Page()))
    status, account = await in_the_way(surgery, f"http://127.0.0.1:{port}")

    assert (status, account["cause"]) == (1, "proxy")
    assert "a page that is not Google's came (200)" in account["reason"]


@pytest_twisted.ensureDeferred
async def test_proxies_that_refuse(surgery: Surgery, listen: Listen) -> None:
    """A proxy that wants credentials, forbids the host, or is not there."""
    proxy = TestProxy(reactor, login="user:hush")
    port = listen(proxy)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = nobody.getsockname()[1]
        for url, words in (
            (f"http://127.0.0.1:{port}", "wants credentials (407)"),
            (f"http://user:wrong@127.0.0.1:{port}", "wants other credentials (407)"),
            (f"http://user:hush@127.0.0.1:{port}", "refuses a tunnel"),
            (f"http://127.0.0.1:{closed}", "could not be reached"),
        ):
            endpoint = "https://google.example"
            status, account = await in_the_way(surgery, endpoint, proxy=url)

            assert (status, account["cause"]) == (1, "proxy")
            assert words in account["reason"]
            assert "upstream.code_assist.proxy" in account["to_do"]
            assert "hush" not in json.dumps(account)


# The daemon's side


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_beside_a_daemon(surgery: Surgery) -> None:
    """A daemon of ours that runs is recognised, behind TLS, too."""
    key, certificate = self_signed(surgery.folder)
    plain, secure = free_port(), free_port()
    described = [
        f"tcp:{plain}:interface=127.0.0.1",
        f"ssl:{secure}:interface=127.0.0.1:privateKey={key}:certKey={certificate}",
    ]
    text = surgery.config.read_text()
    surgery.config.write_text(
        text.replace('["tcp:0:interface=127.0.0.1"]', json.dumps(described))
    )
    surgery.admit()
    before = surgery.run("doctor")
    with running(
        "antigravity-gw", "--config", str(surgery.config), folder=surgery.folder
    ):
        beside = surgery.run("doctor")

    assert (before.returncode, before.stdout.count(" is free\n")) == (0, 2)
    assert before.stdout.startswith("the daemon\n  configuration     ok")
    assert len(re.findall(r"an antigravity-gw is\s+running", beside.stdout)) == 2
    assert f"ada (Code Assist): serves {MODEL}\n" in beside.stdout
    assert beside.returncode == 0


@pytest.mark.parametrize(
    "more", ["", '[metrics]\nlisten = ["tcp:0:interface=127.0.0.1"]\n']
)
def test_a_port_of_somebody_else(surgery: Surgery, more: str) -> None:
    """Whatever holds a port keeps the daemon from starting."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        text = surgery.config.read_text() + more
        surgery.config.write_text(f"tcp:{port}:".join(text.rsplit("tcp:0:", 1)))
        done = surgery.run("doctor", "--json")
    told = json.loads(done.stdout)
    found = [each for each in told["daemon"] if each["name"] == "port"][-1]

    assert (done.returncode, found["grade"]) == (1, "problem")
    assert "something else is listening there" in found["told"]
    assert told["accounts"] == []


def test_a_configuration_with_mistakes(surgery: Surgery) -> None:
    """All of them are told, and the rest of the machine is looked at all the same."""
    surgery.admit()
    text = surgery.config.read_text()
    surgery.config.write_text(
        text + "\n[[auth.keys]]\nname = 'a'\nfile = 'none'\n"
        "[[auth.keys]]\nname = 'b'\nfile = 'nil'\n"
    )
    done = surgery.run("doctor")

    assert done.returncode == 1
    assert done.stdout.count("configuration     problem") == 2
    assert "auth.keys.1.file" in done.stdout
    assert "state directory   ok" in done.stdout
    assert "ada" not in done.stdout
    surgery.config.write_text("nonsense = 1")
    unreadable = surgery.run("doctor", "--json")
    assert unreadable.returncode == 1
    assert [each["name"] for each in json.loads(unreadable.stdout)["daemon"]] == [
        "configuration"
    ]


def test_who_is_left_out(surgery: Surgery, sandbox: Sandbox) -> None:
    """Disabled accounts are mentioned, and examined only by name."""
    surgery.admit(disabled=time.time())
    all_of_them = surgery.run("doctor")
    named = surgery.run("doctor", "ada")

    assert "ada: not examined, since it is disabled; name it to examine it\n" in (
        all_of_them.stdout
    )
    assert all_of_them.returncode == 0
    assert named.stdout.startswith(f"ada (Code Assist): would serve {MODEL}\n")
    assert "  verdict:  It would serve, but you have disabled it.\n" in named.stdout
    assert named.returncode == 1
    assert len(asked(sandbox)) == 1


def test_interrupted(surgery: Surgery, sandbox: Sandbox) -> None:
    """Ctrl-C ends it at once, and nothing is held against the account."""
    surgery.admit()
    sandbox.control("POST", "/rules", answer("delay", seconds=30))
    process = subprocess.Popen(
        [
            *(str(Path(sys.executable).with_name("antigravity-gw")), "--config"),
            *(str(surgery.config), "doctor", "ada"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "HOME": str(surgery.folder)},
        # Where the tests run in the background, it may be ignored from birth.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 20
    while not asked(sandbox) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)

    assert (process.returncode, out, err) == (130, b"", b"")
    listed = json.loads(surgery.run("accounts", "list", "--json").stdout)
    assert listed[0]["state"] == "serving"
