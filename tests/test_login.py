"""Tests for ``antigravity_gw.login`` and ``antigravity_gw.receiving``, in memory."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from world import Socket

from antigravity_gw.errors import Unreachable
from antigravity_gw.login import LONGEST, Answers, Google, Login, LoginFailed
from antigravity_gw.receiving import LINGER, MOST, PATH, PortTaken, Receiver
from antigravity_gw.wire.consent import CLOUD, SCOPES, Stray
from antigravity_gw.wire.oauth import Grant, OAuthClient
from antigravity_gw.wire.verdict import Blame, Setback, Verdict

PORT = 4711
TOKENS = {
    "access_token": "ya29.hush",
    "refresh_token": "1//hush",
    "scope": " ".join(SCOPES),
}
LOGGED_IN = "<h1>Logged in</h1>"


@define
class Browser:
    """One connection of a browser to the receiver."""

    protocol: Any
    transport: Socket

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(bytes(self.transport.value()).split(b" ", 2)[1])

    @property
    def head(self) -> str:
        """Its head, in lower case."""
        return self.transport.value().partition(b"\r\n\r\n")[0].decode().lower()

    @property
    def page(self) -> str:
        """Its body."""
        return self.transport.value().partition(b"\r\n\r\n")[2].decode()

    def leave(self) -> None:
        """Close the connection from this side."""
        self.transport.closed = True
        self.protocol.connectionLost(Failure(ConnectionResetError()))


@define(eq=False)
class Story:
    """A login in memory: what Google answers, and what becomes of it."""

    reactor: MemoryReactorClock = field(factory=MemoryReactorClock)
    answer: tuple[int, bytes] | Exception = (200, json.dumps(TOKENS).encode())
    email: dict[str, Any] | Exception = field(factory=lambda: {"email": "ada@x"})
    forms: list[dict[str, list[str]]] = field(factory=list)
    asked: list[tuple[str, Answers]] = field(factory=list)
    ended: int = 0
    stored: list[Grant] = field(factory=list)
    results: list[Any] = field(factory=list)
    browsers: list[Browser] = field(factory=list)

    def begin(self, url: str, answers: Answers) -> None:
        """Stand where a person is asked."""
        self.asked.append((url, answers))

    def end(self) -> None:
        """Count that it is over."""
        self.ended += 1

    async def post(self, form: bytes) -> tuple[int, bytes]:
        """Stand where the token endpoint is."""
        self.forms.append(parse_qs(form.decode()))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def whose(self, token: str) -> dict[str, Any]:
        """Stand where it is known whose a token is."""
        if isinstance(self.email, Exception):
            raise self.email
        return self.email

    async def keep(self, grant: Grant) -> str:
        """Store what was granted."""
        self.stored.append(grant)
        return "stored"

    def start(self, keep: Callable[[Grant], Any] | None = None) -> "Story":
        """Begin the login."""
        google = Google("https://accounts.example/auth", self.post, self.whose)
        client = OAuthClient("id", "secret")
        login = Login(google, client, self, self.reactor, PORT)
        running = Deferred.fromCoroutine(login.run(keep or self.keep))
        running.addBoth(self.results.append)
        return self

    def failure(self) -> str:
        """What the login has failed with."""
        self.settle()
        (failure,) = self.results
        failure.trap(LoginFailed)
        return str(failure.value)

    @property
    def state(self) -> str:
        """The state of the login."""
        url, _ = self.asked[0]
        return parse_qs(urlsplit(url).query)["state"][0]

    def visit(
        self, path: str, host: str = f"127.0.0.1:{PORT}", method: str = "GET"
    ) -> Browser:
        """Have a browser ask for *path*."""
        factory = self.reactor.tcpServers[0][1]
        protocol: Any = factory.buildProtocol(None)
        browser = Browser(protocol, Socket())
        self.browsers.append(browser)
        protocol.makeConnection(browser.transport)
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        protocol.dataReceived(head.encode())
        self.settle()
        return browser

    def back(self, **fields: str) -> Browser:
        """Have a browser come back with an answer to this login."""
        return self.visit(f"{PATH}?{urlencode({'state': self.state} | fields)}")

    def settle(self) -> None:
        """Let the connections go that are to be closed."""
        for browser in self.browsers:
            if browser.transport.disconnecting and not browser.transport.closed:
                browser.leave()


def test_login() -> None:
    """The code is exchanged, the grant stored, and then the browser is told."""
    story = Story().start()
    browser = story.back(code="4/0A")
    story.settle()
    url, _ = story.asked[0]
    (form,) = story.forms

    assert story.results == ["stored"]
    assert story.stored == [
        Grant("ya29.hush", "1//hush", frozenset(SCOPES), email="ada@x")
    ]
    assert (browser.status, LOGGED_IN in browser.page) == (200, True)
    assert form["code"] == ["4/0A"]
    assert form["redirect_uri"] == [f"http://127.0.0.1:{PORT}{PATH}"]
    assert parse_qs(urlsplit(url).query)["redirect_uri"] == form["redirect_uri"]
    assert story.ended == 1
    assert story.reactor.tcpServers[0][3] == "127.0.0.1"
    assert not story.reactor.getDelayedCalls()


def test_no_two_logins_are_alike() -> None:
    """State and verifier are new each time, and hard to guess."""
    stories = [Story().start() for _ in range(2)]
    for story in stories:
        story.back(code="x")

    assert len({story.state for story in stories}) == 2
    assert min(len(story.state) for story in stories) >= 43
    assert len({story.forms[0]["code_verifier"][0] for story in stories}) == 2


def test_the_browser_waits_for_the_outcome() -> None:
    """It is not shown success before the account is stored."""
    storing: Deferred[str] = Deferred()
    story = Story().start(lambda grant: storing)
    browser = story.back(code="x")
    before = bytes(browser.transport.value())
    storing.callback("done")
    story.settle()

    assert (before, browser.status, story.results) == (b"", 200, ["done"])


def test_a_browser_that_leaves() -> None:
    """The login goes on without it."""
    storing: Deferred[str] = Deferred()
    story = Story().start(lambda grant: storing)
    story.back(code="x").leave()
    storing.callback("done")

    assert story.results == ["done"]


def test_pages_are_plain() -> None:
    """No script runs on them, nothing is kept of them, and no other site learns."""
    story = Story().start()
    for browser in (story.visit("/"), story.back(code="x")):
        assert "default-src 'none'" in browser.head
        assert "frame-ancestors 'none'" in browser.head
        assert "cache-control: no-store" in browser.head
        assert "referrer-policy: no-referrer" in browser.head
        assert "x-content-type-options: nosniff" in browser.head
        assert "<script" not in browser.page


@pytest.mark.parametrize(
    ("path", "host", "method", "status"),
    [
        ("/favicon.ico", "127.0.0.1:4711", "GET", 404),
        ("/", "127.0.0.1:4711", "GET", 404),
        (f"{PATH}/", "127.0.0.1:4711", "GET", 404),
        (PATH, "127.0.0.1:4711", "GET", 400),
        (f"{PATH}?code=x", "localhost:4711", "GET", 400),
        (f"{PATH}?code=x&state=wrong", "127.0.0.1:4711", "GET", 400),
        (f"{PATH}?error=access_denied&state=wrong", "127.0.0.1:4711", "GET", 400),
        (f"{PATH}?code=x&state=RIGHT", "evil.example:4711", "GET", 403),
        (f"{PATH}?code=x&state=RIGHT", "127.0.0.1:4711", "HEAD", 404),
        (f"{PATH}?code=x&state=RIGHT", "127.0.0.1:4711", "POST", 404),
    ],
)
def test_strangers(path: str, host: str, method: str, status: int) -> None:
    """What is not the answer to this login does not end it, nor use it up."""
    story = Story().start()
    stranger = story.visit(path.replace("RIGHT", story.state), host, method)

    assert stranger.status == status
    assert story.results == []
    assert story.back(code="x").status == 200
    assert story.results == ["stored"]


def test_one_answer_only() -> None:
    """The first good one counts; another one is told so."""
    storing: Deferred[str] = Deferred()
    story = Story().start(lambda grant: storing)
    first, second = story.back(code="x"), story.back(code="y")
    storing.callback("done")

    assert (first.status, second.status) == (200, 400)
    assert "had its answer already" in second.page
    assert [form["code"] for form in story.forms] == [["x"]]


def test_pasted() -> None:
    """An answer may also come by another way than the browser's."""
    story = Story().start()
    _, answers = story.asked[0]
    with pytest.raises(Stray):
        answers.take("hello")
    answers.take(f"code=x&state={story.state}")

    assert story.results == ["stored"]


def test_denied() -> None:
    """Who chooses Cancel is shown that nothing was granted."""
    story = Story().start()
    browser = story.back(error="access_denied")
    story.settle()

    assert "consent was denied: nothing was granted" in story.failure()
    assert (browser.status, "consent was denied" in browser.page) == (400, True)
    assert (story.forms, story.stored) == ([], [])


def test_markup_in_an_error() -> None:
    """What Google, or somebody else, says is not taken for a page."""
    story = Story().start()
    browser = story.back(error="<b>x")

    assert "<b>x" not in browser.page
    assert "Google answered something unknown" in story.failure()


def test_late() -> None:
    """After five minutes nobody is waited for any more, and nothing listens."""
    story = Story().start()
    story.reactor.advance(LONGEST)

    assert "no answer came within 5 minutes" in story.failure()
    assert "too late" in story.failure()
    _, answers = story.asked[0]
    with pytest.raises(Stray):
        answers.take(f"code=x&state={story.state}")
    assert story.ended == 1


def test_no_input() -> None:
    """Whoever asks can give up, and says why; once is enough."""
    story = Story().start()
    _, answers = story.asked[0]
    answers.give_up("the input ended")
    answers.give_up("again")

    assert story.failure() == "the input ended"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, b'{"access_token":"t","refresh_token":"r","scope":"x"}'), CLOUD),
        ((200, b'{"access_token":"t"}'), "Google gave no refresh token"),
        ((400, b'{"error":"invalid_grant"}'), "was used already: begin again"),
        ((401, b'{"error":"invalid_client"}'), "wrong: correct the OAuth client"),
        ((403, b'{"error":"org_internal"}'), "organisation: see that it may"),
        ((503, b"<html>"), "the token endpoint answered 503: begin again later"),
        (
            Unreachable("the token endpoint did not answer: no answer in time"),
            "no answer in time: begin again when that is over",
        ),
    ],
)
def test_grants_that_are_none(answer: tuple[int, bytes] | Exception, told: str) -> None:
    """Nothing is stored, and both the terminal and the browser say why."""
    story = Story(answer=answer).start()
    browser = story.back(code="x")

    assert told in story.failure()
    assert story.stored == []
    assert (browser.status, "The login has failed" in browser.page) == (400, True)


def test_a_store_that_fails() -> None:
    """The browser is not told that all is well; what is wrong, the terminal says."""

    async def keep(grant: Grant) -> None:
        raise OSError("/secret/place")

    story = Story().start(keep)
    browser = story.back(code="x")
    (failure,) = story.results

    assert failure.check(OSError)
    assert (browser.status, "secret" in browser.page) == (400, False)


@pytest.mark.parametrize(
    "email",
    [
        {},
        {"email": 7},
        Setback(Verdict(Blame.ENDPOINT, "x"), Unreachable("x")),
    ],
)
def test_nobody_says_whose_it_is(email: dict[str, Any] | Exception) -> None:
    """That is no reason not to store it."""
    story = Story(email=email).start()
    story.back(code="x")

    assert [grant.email for grant in story.stored] == [None]


def test_port_taken() -> None:
    """Nobody is asked when there is nowhere to come back to."""

    class Full(MemoryReactorClock):
        def listenTCP(self, *_: Any, **__: Any) -> Any:
            raise CannotListenError("127.0.0.1", PORT, OSError(98, "it is taken"))

    story = Story(Full()).start()
    (failure,) = story.results

    assert failure.check(PortTaken)
    assert failure.value.reason == "it is taken"
    assert story.asked == []


def test_a_browser_that_does_not_read() -> None:
    """It is waited for, but not for long."""
    reactor = MemoryReactorClock()
    receiver = Receiver(reactor)
    protocol: Any = receiver.buildProtocol(None)
    transport = Socket()
    protocol.makeConnection(transport)
    closed: list[object] = []
    Deferred.fromCoroutine(receiver.close()).addBoth(closed.append)
    before = list(closed)
    reactor.advance(LINGER)

    assert transport.disconnecting
    assert (before, closed) == ([], [None])


def test_a_flood() -> None:
    """Connections that say nothing make room for the browser."""
    receiver = Receiver(MemoryReactorClock())
    sockets = [Socket() for _ in range(MOST + 1)]
    for socket in sockets:
        protocol: Any = receiver.buildProtocol(None)
        protocol.makeConnection(socket)

    assert [socket.disconnecting for socket in sockets] == [True] + [False] * MOST


def test_nothing_is_awaited_yet() -> None:
    """Before a login has begun, there is no answer to it."""
    with pytest.raises(Stray):
        Receiver(MemoryReactorClock()).callback.take("code=x")
