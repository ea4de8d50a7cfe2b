"""Tests for ``upstream.projects``, ``upstream.quotas``, and how they ask Google."""

import json
from collections.abc import Coroutine
from typing import Any

import pytest
from attrs import define, evolve
from helpers import now
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from world import Reply, make_upstream

from antigravity_gw.errors import UpstreamTimeout
from antigravity_gw.needs import Need
from antigravity_gw.upstream.companion import Companion
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.upstream.projects import Projects
from antigravity_gw.upstream.quotas import Quotas
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.verdict import Blame, Setback

Finding = Deferred[Any]

FREE = {"id": "free-tier", "isDefault": True}
STANDARD = {"id": "standard-tier", "userDefinedCloudaicompanionProject": True}
ABROAD = {"reasonCode": "UNSUPPORTED_LOCATION", "tierId": "free-tier"}


@define
class Asked:
    """What Google was asked."""

    verb: str
    host: str
    path: str
    body: bytes
    headers: dict[str, list[str]]

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Google(Resource):
    """Answers whatever it is asked from its script; the last reply is repeated."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.script: list[Reply] = []
        self.asked: list[Asked] = []
        self.given_up = 0

    def render(self, request: Request) -> int:
        """Record what is asked, and answer."""
        headers = request.requestHeaders.getAllRawHeaders()
        self.asked.append(
            Asked(
                verb=request.method.decode(),
                host=(request.getHeader(b"host") or b"").decode(),
                path=request.uri.decode(),
                body=request.content.read() if request.content else b"",
                headers={
                    name.decode().lower(): [value.decode() for value in values]
                    for name, values in headers
                },
            )
        )
        request.notifyFinish().addErrback(lambda _: self._left())
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        request.setResponseCode(reply.status)
        for name, value in reply.headers.items():
            request.setHeader(name, value)
        request.write(reply.body)
        if not reply.stays_open:
            request.finish()
        return NOT_DONE_YET

    def _left(self) -> None:
        self.given_up += 1


HOSTS = ("http://one.example", "http://two.example")


class Lookups:
    """What asks Google, and a Google to be asked."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000.0)
        self.google = Google()
        self.agent = RequestTraversalAgent(self.google)
        self.upstream = make_upstream(self.agent, self.clock)
        self.endpoints = Endpoints(avoid_seconds=30.0)
        companion = Companion(self.upstream)
        self.projects = Projects(companion, HOSTS, self.endpoints, self.clock)
        self.quotas = Quotas(companion, HOSTS, self.endpoints)

    def begin(self, story: Coroutine[Deferred[Any], Any, Any]) -> Finding:
        """Let *story* get as far as it comes without waiting."""
        finding = Deferred.fromCoroutine(story)
        self.settle()
        return finding

    def settle(self) -> None:
        """Let everything happen that can happen at this moment."""
        for _ in range(10):
            self.agent.flush()
            self.clock.advance(0)

    def wait(self, seconds: int) -> None:
        """Let time pass, and happen what happens in it."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.settle()

    def find(self, configured: str | None = None) -> Finding:
        """Begin to look for the project of an account."""
        return self.begin(self.projects.find("its-token", configured))

    def left(self) -> Finding:
        """Begin to look for what is left of an account's quotas."""
        return self.begin(self.quotas.find("its-token", "its-project"))

    def calls(self) -> list[str]:
        """What was called, in order."""
        return [each.path.removeprefix("/v1internal") for each in self.google.asked]

    def best_host(self) -> str:
        """Who would be asked next."""
        return self.endpoints.in_order(HOSTS, self.clock.seconds())[0]

    def is_quiet(self) -> bool:
        """Whether nothing is under way any more."""
        return self.clock.getDelayedCalls() == []


@pytest.fixture
def lookups() -> Lookups:
    """Somebody to ask, and somebody who asks."""
    return Lookups()


def told(**members: Any) -> Reply:
    """A success with these members."""
    return Reply(body=json.dumps(members).encode())


def refused(status: int, reason: str = "", message: str = "no") -> Reply:
    """A failure of Google's."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}
    error = {"code": status, "message": message, "status": "X", "details": [info]}
    return Reply(status, json.dumps({"error": error}).encode())


def setback(finding: Finding) -> Setback:
    """How *finding* has failed."""
    with pytest.raises(Setback) as caught:
        now(finding)
    return caught.value


NEWCOMER = told(allowedTiers=[FREE, STANDARD])
STANDARD_ONLY = told(allowedTiers=[{**STANDARD, "isDefault": True}])
UNDER_WAY = told(name="operations/op.1", done=False)
DONE = told(
    name="operations/op.1",
    done=True,
    response={"cloudaicompanionProject": {"id": "given", "name": "Given"}},
)
DONE_WITHOUT = told(name="operations/op.1", done=True, response={})


@pytest.mark.parametrize(
    ("named", "configured", "project"),
    [
        ("google-s", None, "google-s"),
        ("google-s", "mine", "google-s"),
        ({"id": "google-s"}, "mine", "google-s"),
        (None, "mine", "mine"),
        (123456, "mine", "mine"),
        ("123456", "mine", "mine"),
        ("123456", None, None),
        (None, None, None),
        (None, "", None),
    ],
)
def test_members_project(
    lookups: Lookups, named: object, configured: str | None, project: str | None
) -> None:
    """Google's project goes before the operator's, and there is no third."""
    lookups.google.script = [told(currentTier=FREE, cloudaicompanionProject=named)]

    assert now(lookups.find(configured)) == project
    assert lookups.calls() == [":loadCodeAssist"]
    assert lookups.is_quiet()


def test_how_it_is_asked(lookups: Lookups) -> None:
    """A lookup says whose it is and what asks."""
    lookups.google.script = [told(currentTier=FREE)]

    now(lookups.find("mine"))
    [asked] = lookups.google.asked
    assert (asked.verb, asked.host) == ("POST", "one.example")
    assert asked.json["cloudaicompanionProject"] == "mine"
    assert asked.headers["authorization"] == ["Bearer its-token"]
    assert asked.headers["content-type"] == ["application/json"]
    assert asked.headers["user-agent"] == ["gw/test"]


def test_no_project_to_mention(lookups: Lookups) -> None:
    """Where the operator named no project, none is mentioned."""
    lookups.google.script = [told(currentTier=FREE)]

    now(lookups.find())
    assert list(lookups.google.asked[0].json) == ["metadata"]


def test_onboarding(lookups: Lookups) -> None:
    """A newcomer joins the free tier, and gets a project when that is done."""
    lookups.google.script = [NEWCOMER, UNDER_WAY, UNDER_WAY, DONE]
    finding = lookups.find()

    lookups.wait(9)
    assert not finding.called
    lookups.wait(1)
    assert now(finding) == "given"
    assert lookups.calls() == [
        ":loadCodeAssist",
        ":onboardUser",
        "/operations/op.1",
        "/operations/op.1",
    ]
    assert lookups.is_quiet()


def test_how_an_operation_is_polled(lookups: Lookups) -> None:
    """A poll is a GET without a body, with the token of the account."""
    lookups.google.script = [NEWCOMER, UNDER_WAY, DONE]
    finding = lookups.find()
    lookups.wait(5)

    assert now(finding) == "given"
    poll = lookups.google.asked[-1]
    assert (poll.verb, poll.body) == ("GET", b"")
    assert poll.headers["authorization"] == ["Bearer its-token"]
    assert "content-type" not in poll.headers


def test_redirects_are_not_followed(lookups: Lookups) -> None:
    """A token goes nowhere but to the hosts that are configured."""
    elsewhere = Reply(302, headers={"location": "http://elsewhere.example/"})
    lookups.google.script = [NEWCOMER, UNDER_WAY, elsewhere]
    finding = lookups.find()
    lookups.wait(5)

    setback(finding)
    assert {asked.host for asked in lookups.google.asked} == {"one.example"}


def test_free_tier_leaves_the_project_out(lookups: Lookups) -> None:
    """Who joins the free tier names no project, or joining would fail."""
    lookups.google.script = [NEWCOMER, DONE]

    assert now(lookups.find("mine")) == "given"
    asked = lookups.google.asked[-1].json
    assert asked["tierId"] == "free-tier"
    assert "cloudaicompanionProject" not in asked


def test_standard_tier_has_the_project(lookups: Lookups) -> None:
    """Who joins a tier with a project of the operator's names it."""
    lookups.google.script = [STANDARD_ONLY, DONE_WITHOUT]

    assert now(lookups.find("mine")) == "mine"
    asked = lookups.google.asked[-1].json
    assert asked["tierId"] == "standard-tier"
    assert asked["cloudaicompanionProject"] == "mine"


def test_standard_tier_without_a_project(lookups: Lookups) -> None:
    """A tier that needs a project is not joined without: the operator has to act."""
    lookups.google.script = [STANDARD_ONLY]

    assert now(lookups.find()) is None
    assert lookups.calls() == [":loadCodeAssist"]


def test_project_nobody_gave(lookups: Lookups) -> None:
    """When joining brings no project and none is configured, there is none."""
    lookups.google.script = [NEWCOMER, DONE_WITHOUT]

    assert now(lookups.find()) is None


def test_assigned_before_joining(lookups: Lookups) -> None:
    """A project that Google assigns to somebody without a tier is taken."""
    lookups.google.script = [told(cloudaicompanionProject="google-s")]

    assert now(lookups.find("mine")) == "google-s"
    assert lookups.calls() == [":loadCodeAssist"]


def test_polling_is_bounded(lookups: Lookups) -> None:
    """An onboarding that does not end is left; the host is not blamed for it."""
    lookups.google.script = [NEWCOMER, UNDER_WAY]
    finding = lookups.find()
    lookups.wait(59)
    assert not finding.called

    lookups.wait(1)
    failed = setback(finding)
    assert failed.verdict.blame is Blame.ENDPOINT
    assert isinstance(failed.error, UpstreamTimeout)
    assert lookups.calls().count("/operations/op.1") == 11
    assert lookups.is_quiet()
    assert lookups.best_host() == "http://one.example"


def test_onboarding_that_hangs_is_bounded(lookups: Lookups) -> None:
    """The bound holds for the calls too, not only between them."""
    lookups.projects = evolve(lookups.projects, onboarding=7.0)
    lookups.google.script = [NEWCOMER, UNDER_WAY, Reply(stays_open=True)]
    finding = lookups.find()
    lookups.wait(7)

    assert isinstance(setback(finding).error, UpstreamTimeout)
    assert lookups.google.given_up == 1
    assert lookups.is_quiet()


@pytest.mark.parametrize("seconds", [0, 3, 5, 6])
def test_cancelled(lookups: Lookups, seconds: int) -> None:
    """Who stops looking leaves nothing behind, whatever was under way."""
    hangs = Reply(stays_open=True)
    lookups.google.script = [NEWCOMER, UNDER_WAY, UNDER_WAY, hangs]
    finding = lookups.find()
    lookups.wait(seconds)

    finding.cancel()
    lookups.settle()
    with pytest.raises(CancelledError):
        now(finding)
    assert lookups.is_quiet()
    asked = len(lookups.google.asked)
    lookups.wait(60)
    assert len(lookups.google.asked) == asked


@pytest.mark.parametrize("stuck_at", [1, 2, 3])
def test_cancelled_in_a_call(lookups: Lookups, stuck_at: int) -> None:
    """A call that is under way is hung up on, and no host is blamed."""
    script = [NEWCOMER, UNDER_WAY, DONE]
    lookups.google.script = [*script[: stuck_at - 1], Reply(stays_open=True)]
    finding = lookups.find()
    lookups.wait(5)

    finding.cancel()
    lookups.settle()
    with pytest.raises(CancelledError):
        now(finding)
    assert lookups.google.given_up == 1
    assert lookups.is_quiet()
    assert lookups.best_host() == "http://one.example"


@pytest.mark.parametrize(
    "name",
    [
        "operations/../../v1internal:generateContent",
        "operations/a?x=y",
        "//elsewhere.example/operations/a",
        "operations/a\r\nX: y",
        "operations/%2e%2e",
        5,
        None,
    ],
)
def test_odd_operations_are_not_asked_for(lookups: Lookups, name: object) -> None:
    """A name that would be something else in a URL is never asked for."""
    lookups.google.script = [NEWCOMER, told(name=name)]
    finding = lookups.find()
    lookups.wait(60)

    assert setback(finding).verdict.blame is Blame.ENDPOINT
    assert lookups.calls() == [":loadCodeAssist", ":onboardUser"]
    assert lookups.is_quiet()


def test_name_in_a_poll_does_not_matter(lookups: Lookups) -> None:
    """The operation that was begun is the one that is asked for."""
    other = told(name="operations/other")
    lookups.google.script = [NEWCOMER, UNDER_WAY, other, told(), DONE]
    finding = lookups.find()
    lookups.wait(15)

    assert now(finding) == "given"
    assert set(lookups.calls()[2:]) == {"/operations/op.1"}


@pytest.mark.parametrize(
    ("code", "blame"), [(16, Blame.TOKEN), (13, Blame.ENDPOINT), (14, Blame.ENDPOINT)]
)
def test_onboarding_that_fails(lookups: Lookups, code: int, blame: Blame) -> None:
    """An operation that ends in an error is judged like a call that does."""
    error = {"code": code, "message": "no"}
    lookups.google.script = [NEWCOMER, UNDER_WAY, told(done=True, error=error)]
    finding = lookups.find("mine")
    lookups.wait(5)

    assert setback(finding).verdict.blame is blame


@pytest.mark.parametrize(
    ("answer", "need"),
    [
        (told(ineligibleTiers=[ABROAD]), Need.ENTITLEMENT),
        (told(currentTier=STANDARD, ineligibleTiers=[ABROAD]), Need.ENTITLEMENT),
        (
            told(
                allowedTiers=[FREE],
                ineligibleTiers=[{"reasonCode": "VALIDATION_REQUIRED"}],
            ),
            Need.VALIDATION,
        ),
    ],
)
def test_not_eligible(lookups: Lookups, answer: Reply, need: Need) -> None:
    """Where Google will not have the account, a person has to do something."""
    lookups.google.script = [answer]
    failed = setback(lookups.find())

    assert (failed.verdict.blame, failed.verdict.need) == (Blame.HUMAN, need)
    assert lookups.calls() == [":loadCodeAssist"]


@pytest.mark.parametrize("configured", ["mine", None])
def test_behind_a_perimeter(lookups: Lookups, configured: str | None) -> None:
    """Where an organisation lets nobody ask, its members use what is configured."""
    lookups.google.script = [refused(403, "SECURITY_POLICY_VIOLATED")]

    assert now(lookups.find(configured)) == configured
    assert lookups.calls() == [":loadCodeAssist"]


@pytest.mark.parametrize("status", [401, 403, 429])
def test_refused_lookup(lookups: Lookups, status: int) -> None:
    """A lookup that is refused leads to no project, not even the configured one."""
    lookups.google.script = [refused(status)]

    assert setback(lookups.find("mine")).verdict.blame is not Blame.ENDPOINT
    assert lookups.best_host() == "http://one.example"


@pytest.mark.parametrize(
    "failing",
    [
        refused(500),
        Reply(502, b"<html>"),
        Reply(200, b"not JSON"),
        Reply(200, b"[]"),
        Reply(200, b"x" * 10_001),
    ],
    ids=["500", "html", "not JSON", "array", "too long"],
)
def test_two_hosts(lookups: Lookups, failing: Reply) -> None:
    """One that fails is followed by the next, and avoided from then on."""
    member = told(currentTier=FREE, cloudaicompanionProject="google-s")
    lookups.google.script = [failing, member]

    assert now(lookups.find("mine")) == "google-s"
    assert [a.host for a in lookups.google.asked] == ["one.example", "two.example"]
    assert lookups.best_host() == "http://two.example"


def test_all_hosts_fail(lookups: Lookups) -> None:
    """Each is asked once, and that is that."""
    lookups.google.script = [refused(500)]

    assert setback(lookups.find("mine")).verdict.blame is Blame.ENDPOINT
    assert [a.host for a in lookups.google.asked] == ["one.example", "two.example"]


def test_silent_host(lookups: Lookups) -> None:
    """A host that says nothing is left for the next one."""
    lookups.google.script = [Reply(stays_open=True)]
    finding = lookups.find()
    lookups.wait(30)
    assert lookups.best_host() == "http://two.example"
    assert not finding.called
    lookups.wait(30)

    assert setback(finding).verdict.blame is Blame.ENDPOINT
    assert lookups.is_quiet()


@pytest.mark.parametrize("script", [[NEWCOMER], [NEWCOMER, UNDER_WAY]])
def test_onboarding_stays_with_its_host(lookups: Lookups, script: list[Reply]) -> None:
    """What one host has begun no other is asked about; a failure is the end."""
    lookups.google.script = [*script, refused(503)]
    finding = lookups.find()
    lookups.wait(5)

    assert setback(finding).verdict.blame is Blame.ENDPOINT
    assert {each.host for each in lookups.google.asked} == {"one.example"}
    assert lookups.best_host() == "http://two.example"


def test_odd_answers(lookups: Lookups) -> None:
    """An answer in which nothing is what it should be leads to no project."""
    lookups.google.script = [
        told(currentTier="x", allowedTiers={}, cloudaicompanionProject=[])
    ]

    assert now(lookups.find()) is None


BUCKETS = told(
    buckets=[
        {"modelId": "pro", "remainingFraction": 0.25, "tokenType": "REQUESTS"},
        {"modelId": "flash", "tokenType": "REQUESTS"},
    ]
)
MODELS = told(models={"pro": {"quotaInfo": {"remainingFraction": 0}}})
SUSPENDED = refused(403, message="disabled for violation of Terms of Service")


def test_quota(lookups: Lookups) -> None:
    """What is left is asked for in one call."""
    lookups.google.script = [BUCKETS]

    assert now(lookups.left()) == {"pro": Remaining(0.25), "flash": Remaining(None)}
    assert lookups.calls() == [":retrieveUserQuota"]
    assert lookups.google.asked[0].json == {"project": "its-project"}
    assert lookups.is_quiet()


@pytest.mark.parametrize(
    "first",
    [told(), told(buckets=[]), refused(400), refused(404), refused(403)],
    ids=["nothing", "no bucket", "400", "404", "403"],
)
def test_quota_of_models(lookups: Lookups, first: Reply) -> None:
    """What one call does not say, the list of models may."""
    lookups.google.script = [first, MODELS]

    assert now(lookups.left()) == {"pro": Remaining(0.0)}
    assert lookups.calls() == [":retrieveUserQuota", ":fetchAvailableModels"]
    assert lookups.google.asked[1].json == {"project": "its-project"}


def test_models_without_the_project(lookups: Lookups) -> None:
    """Where the project is in the way, it is left out."""
    lookups.google.script = [told(), refused(403, "CONSUMER_INVALID"), MODELS]

    assert now(lookups.left()) == {"pro": Remaining(0.0)}
    assert lookups.google.asked[2].json == {}


def test_nothing_says(lookups: Lookups) -> None:
    """When all three calls are refused, that is the result."""
    lookups.google.script = [refused(403)]

    assert setback(lookups.left()).verdict.blame is Blame.HUMAN
    assert len(lookups.calls()) == 3


def test_no_models(lookups: Lookups) -> None:
    """Where Google lists no model, nothing is known of any."""
    lookups.google.script = [told()]

    assert now(lookups.left()) == {}
    assert len(lookups.calls()) == 2


@pytest.mark.parametrize(
    "refusal",
    [refused(401), refused(429), refused(500), SUSPENDED],
    ids=["401", "429", "500", "suspended"],
)
@pytest.mark.parametrize("calls", [1, 2])
def test_quota_is_not_insisted_on(lookups: Lookups, refusal: Reply, calls: int) -> None:
    """What would be refused once more is not asked for in another way."""
    lookups.google.script = [*[told()] * (calls - 1), refusal]

    setback(lookups.left())
    assert len(lookups.calls()) == calls


def test_no_host_is_blamed_for_quotas(lookups: Lookups) -> None:
    """A failure in the background moves no request to another host."""
    lookups.google.script = [refused(500)]

    assert setback(lookups.left()).verdict.blame is Blame.ENDPOINT
    assert lookups.best_host() == "http://one.example"


def test_quota_is_bounded(lookups: Lookups) -> None:
    """A list of models has an end, in bytes and in seconds."""
    lookups.google.script = [told(), Reply(200, b"x" * 10_001)]
    assert setback(lookups.left()).verdict.blame is Blame.ENDPOINT

    lookups.google.script = [Reply(stays_open=True)]
    finding = lookups.left()
    lookups.wait(30)
    assert isinstance(setback(finding).error, UpstreamTimeout)
    assert lookups.is_quiet()


def test_cancelled_quota(lookups: Lookups) -> None:
    """Who stops asking for quotas leaves nothing behind."""
    lookups.google.script = [told(), Reply(stays_open=True)]
    finding = lookups.left()

    finding.cancel()
    lookups.settle()
    with pytest.raises(CancelledError):
        now(finding)
    assert lookups.google.given_up == 1
    assert lookups.is_quiet()


def test_no_cookie_is_kept(lookups: Lookups) -> None:
    """A cookie set in one lookup is not sent with the next account's."""
    cookie = {"set-cookie": "account=one; Path=/"}
    first = evolve(told(currentTier=FREE), headers=cookie)
    lookups.google.script = [first]

    now(lookups.find())
    now(lookups.find())
    assert "cookie" not in lookups.google.asked[1].headers
