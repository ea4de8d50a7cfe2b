"""Tests for ``antigravity_gw.doctor`` and ``antigravity_gw.upstream.probe``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from bodies import (
    CLOUD_CODE,
    REAL,
    VERIFY,
    disabled,
    error,
)
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.web.http import Request, datetimeToString
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from world import LIMITS, WHOLE, Call, Reply, World

from antigravity_gw.causes import Cause
from antigravity_gw.doctor import Echoes, Examination, Result, examine
from antigravity_gw.kinds.code_assist import CodeAssist
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Known
from antigravity_gw.pool.hold import ACCESS, EVERY_MODEL, Hold
from antigravity_gw.pool.learnt import held
from antigravity_gw.times import DAY
from antigravity_gw.trial import LONGEST, Trial
from antigravity_gw.upstream.failures import Flaw, NotReached, Peer, TlsFailed

NOW = 1_000_000.0
MEMBER = {
    "currentTier": {"id": "standard-tier"},
    "cloudaicompanionProject": "its-project",
}
NOT_LISTED = disabled(CLOUD_CODE, "Cloud Code Private API")
STEPS = ["reach", "refresh", "identity", "project", "entitlement", "generate"]


class Front(Resource):
    """
    Google's hosts: what is got there, besides what is posted.

    :ivar root: what ``/`` is answered.
    :ivar roots: what it is answered at first, in order.
    :ivar ahead: how far its clock is ahead of the world's, in seconds.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None
        self.root = Reply(
            404, b"<html>Error 404", headers={"content-type": "text/html"}
        )
        self.roots: list[Reply] = []
        self.userinfo = Reply(body=b'{"email":"ada@example.org"}')
        self.ahead = 0.0
        self.got: list[tuple[str, bool]] = []

    def render(self, request: Request) -> bytes | int:
        """Answer a call."""
        assert self.world is not None
        date = datetimeToString(self.world.clock.seconds() + self.ahead)
        request.setHeader(b"date", date)
        if request.method == b"POST":
            return self.world.google.render(request)
        path = request.path.decode()
        self.got.append((path, request.getHeader(b"authorization") is not None))
        root = self.roots.pop(0) if self.roots else self.root
        reply = self.userinfo if path == "/userinfo" else root
        if reply.is_silent:
            return NOT_DONE_YET
        request.setResponseCode(reply.status)
        for name, value in reply.headers.items():
            request.setHeader(name, value)
        return reply.body


@pytest.fixture
def front() -> Front:
    """Google's hosts."""
    return Front()


@pytest.fixture
def world(tmp_path: Path, front: Front) -> World:
    """A store with one account, and Google."""
    world = World(tmp_path, accounts=("a",), site=front)
    world.google.script = [google()]
    front.world = world
    return world


def google(generate: Reply = WHOLE, load: object = MEMBER) -> Callable[[Call], Reply]:
    """Google, where *generate* is what a question is answered."""
    told = load if isinstance(load, Reply) else Reply(body=json.dumps(load).encode())
    return lambda call: generate if call.method == "generateContent" else told


def begun(world: World) -> list[Examination | Exception]:
    """Begin an examination of the account; the list takes what comes of it."""
    gateway = world.make_gateway(evolve(LIMITS, total=LONGEST, whole=LONGEST))
    world.pool.take_up([])
    (known,) = world.store.accounts()
    results: list[Examination | Exception] = []
    trial = Trial(gateway, world.store, "pro")
    examining = Deferred.fromCoroutine(examine(trial, known, {}))
    examining.addCallbacks(results.append, lambda why: results.append(why.value))
    for _ in range(5):
        world.settle()
    return results


def examined(world: World) -> Examination:
    """What came of examining the account."""
    (examination,) = begun(world)
    assert isinstance(examination, Examination)
    return examination


def steps(examination: Examination) -> dict[str, Result]:
    """How each step ended."""
    return {step.name: step.result for step in examination.steps}


def told(examination: Examination) -> dict[str, str]:
    """What each step found."""
    return {step.name: step.told for step in examination.steps}


def known(world: World) -> Known:
    """What is stored of the account."""
    (known,) = world.store.accounts()
    return known


def real(name: str) -> Reply:
    """The reply of that name among those that were seen."""
    (row,) = (each for each in REAL if each.name == name)
    return Reply(row.status, row.body, headers=row.headers)


def test_an_account_that_serves(world: World, front: Front) -> None:
    """Every step is taken, and shows what it has found."""
    examination = examined(world)

    assert examination.diagnosis.is_well
    assert steps(examination) == dict.fromkeys(STEPS, Result.OK)
    assert told(examination) == {
        "reach": "1 of 1 hosts answer",
        "refresh": "there is an access token",
        "identity": "ada@example.org",
        "project": "its-project",
        "entitlement": "its tier is standard-tier",
        "generate": "pro answers",
    }
    assert front.got == [("/", False), ("/userinfo", True)]
    assert len(world.token_calls) == 1
    assert [call.method for call in world.google.calls].count("generateContent") == 1


def test_nothing_personal_is_logged(world: World, logged: list[dict[str, Any]]) -> None:
    """The address and the project are for the operator's eyes only."""
    examination = examined(world)

    assert "ada@example.org" not in repr(examination)
    assert "ada@example.org" not in str(logged)
    assert "its-project" not in repr(examination) + str(logged)


def test_a_client_that_is_not_listed(world: World) -> None:
    """Nobody is asked a question when the answer is known."""
    world.google.script = [google(load=Reply(403, NOT_LISTED))]
    examination = examined(world)

    assert examination.diagnosis.cause is Cause.NOT_LISTED
    assert steps(examination)["project"] is Result.FAILED
    assert "generate" not in steps(examination)
    assert known(world).holds[ACCESS].need is Need.CLIENT


def test_what_only_a_question_shows(world: World) -> None:
    """It is stored, as if the daemon had found out."""
    world.google.script = [google(real("validation required"))]
    examination = examined(world)
    hold = known(world).holds[EVERY_MODEL]

    assert examination.diagnosis.cause is Cause.UNVERIFIED
    assert (examination.diagnosis.link, hold.link) == (VERIFY, VERIFY)
    assert hold.need is Need.VALIDATION


def test_quota(world: World) -> None:
    """It is said until when."""
    world.google.script = [google(real("quota exhausted"))]
    diagnosis = examined(world).diagnosis

    assert (diagnosis.cause, diagnosis.is_known) == (Cause.OUT_OF_QUOTA, True)
    assert diagnosis.until == known(world).holds["pro"].until
    assert diagnosis.until is not None
    assert diagnosis.until > NOW + 391_600


def test_a_tier_that_has_ended(world: World) -> None:
    """The 403 does not say why, but Google has said it of the tier."""
    ended = {"reasonCode": "UNSUPPORTED_CLIENT", "tierId": "free-tier"}
    member = {**MEMBER, "currentTier": {"id": "free-tier"}, "ineligibleTiers": [ended]}
    world.google.script = [google(real("bare 403"), member)]

    assert examined(world).diagnosis.cause is Cause.RETIRED
    standard = {**member, "currentTier": {"id": "standard-tier"}}
    world.google.script = [google(real("bare 403"), standard)]
    assert examined(world).diagnosis.cause is Cause.MODEL_FORBIDDEN


def test_a_refused_token(world: World) -> None:
    """A token that was made anew and is refused again is told from a dead grant."""
    world.google.script = [google(Reply(401, error(401, "x")))]

    assert examined(world).diagnosis.cause is Cause.TOKEN_REFUSED


def test_a_refused_project(world: World) -> None:
    """Google's own is looked up again before it is said to be wrong."""
    world.google.script = [google(real("stale project"))]
    diagnosis = examined(world).diagnosis

    assert diagnosis.cause is Cause.WRONG_PROJECT
    assert "--project ID" in str(diagnosis.to_do)


def test_no_project(world: World) -> None:
    """Where Google names none and none is configured, no question is asked."""
    world.google.script = [google(load={"currentTier": {"id": "standard-tier"}})]
    examination = examined(world)

    assert examination.diagnosis.cause is Cause.NO_PROJECT
    assert list(steps(examination))[-1] == "project"


def refuse(world: World, code: str, **more: str) -> None:
    """Let the token endpoint refuse."""
    body = json.dumps({"error": code, **more}).encode()
    world.token_reply = lambda _: (400, body)


def test_testing_mode(world: World) -> None:
    """The age counts that the token had when it was first found dead."""
    record = evolve(known(world).record, given=NOW - 7 * DAY)
    world.store.put(record)
    refuse(world, "invalid_grant")

    assert examined(world).diagnosis.cause is Cause.TESTING
    world.clock.advance(30 * DAY)
    assert examined(world).diagnosis.cause is Cause.TESTING
    refuse(world, "invalid_grant", error_subtype="invalid_rapt")
    assert examined(world).diagnosis.cause is Cause.SESSION_CONTROL


def test_each_finds_out_for_itself(world: World) -> None:
    """What one account has found out of the OAuth client is asked anew."""
    refuse(world, "invalid_client")
    gateway = world.make_gateway(LIMITS)
    trial = Trial(gateway, world.store, "pro")
    for count in (1, 2):
        results: list[Examination] = []
        examining = Deferred.fromCoroutine(examine(trial, known(world), {}))
        examining.addCallback(results.append)
        for _ in range(3):
            world.settle()

        assert results[0].diagnosis.cause is Cause.CLIENT_SECRET
        assert len(world.token_calls) == count


def test_a_name_that_is_not_told(world: World, front: Front) -> None:
    """Without the scope for it, or with an odd one, everything else is found out."""
    for reply in (Reply(403, b"{}"), Reply(body=b'{"email":"a\\u0007"}')):
        front.userinfo = reply
        examination = examined(world)

        assert examination.diagnosis.is_well
        assert steps(examination)["identity"] is Result.NONE
        assert told(examination)["identity"] == "nobody says whose it is"


def test_a_clock_that_is_wrong(world: World, front: Front) -> None:
    """The time that Google says tells; an account that serves is well all the same."""
    front.ahead = -7200
    examination = examined(world)

    assert examination.diagnosis.is_well
    assert examination.skew == 7200
    world.google.script = [google(Reply(401, b'{"error":{"code":401,"message":"no"}}'))]
    diagnosis = examined(world).diagnosis
    assert diagnosis.cause is Cause.CLOCK
    assert diagnosis.reason == "it is 7200 s ahead of Google's"


def test_a_date_that_is_none(world: World, front: Front) -> None:
    """Nothing is concluded from it."""
    for date in ("", "Thursday", "Thu, 99 Foo 2026 99:99:99 GMT"):
        front.root.headers["date"] = date
        assert examined(world).diagnosis.is_well


def test_a_page_in_between(world: World, front: Front) -> None:
    """The log-in page of a network is not Google, and is shown no credential."""
    front.root = Reply(200, b"<html>", headers={"content-type": "text/html; x"})
    examination = examined(world)

    assert examination.diagnosis.cause is Cause.PROXY
    assert steps(examination) == {"reach": Result.FAILED}
    assert world.token_calls == []


def test_nothing_learnt_nothing_stored(world: World, front: Front) -> None:
    """What keeps us from Google says nothing of the account."""
    (before,) = world.store.accounts()
    hold = Hold("broken terms", NOW - 9, None, Need.SUSPENDED)
    world.store.apply([held("a", before.record.epoch, EVERY_MODEL, hold)])
    before = known(world)
    front.root = Reply(200, b"<html>", headers={"content-type": "text/html"})
    examined(world)

    assert known(world) == before


def test_a_suspension_stays(world: World) -> None:
    """The doctor does not end it: neither by an answer nor by a failure that passes."""
    (before,) = world.store.accounts()
    hold = Hold("broken terms", NOW - 9, None, Need.SUSPENDED)
    world.store.apply([held("a", before.record.epoch, EVERY_MODEL, hold)])

    diagnosis = examined(world).diagnosis
    assert (diagnosis.serves, diagnosis.cause) == (True, Cause.WAS_SUSPENDED)
    assert known(world).holds == {EVERY_MODEL: hold}
    world.google.script = [google(real("licence missing"))]
    assert examined(world).diagnosis.cause is Cause.UNLICENSED
    assert known(world).holds == {EVERY_MODEL: hold}


def test_a_host_that_is_silent(world: World, front: Front) -> None:
    """There is an end to the waiting."""
    front.root = Reply(is_silent=True)
    results = begun(world)
    assert results == []
    world.clock.advance(10)
    world.settle()
    (examination,) = results

    assert isinstance(examination, Examination)
    assert examination.diagnosis.cause is Cause.NETWORK
    assert not examination.diagnosis.is_known


def test_hosts_are_knocked_at_once_in_a_run(world: World, front: Front) -> None:
    """Who waits for a host that is silent does so for all its accounts."""
    front.root = Reply(is_silent=True)
    gateway = world.make_gateway(LIMITS)
    trial, echoes = Trial(gateway, world.store, "pro"), Echoes()
    results: list[Examination] = []
    for seconds in (10, 0):
        examining = Deferred.fromCoroutine(examine(trial, known(world), echoes))
        examining.addCallback(results.append)
        world.settle()
        world.clock.advance(seconds)
        world.settle()

    assert [each.diagnosis.cause for each in results] == [Cause.NETWORK] * 2
    assert front.got == [("/", False)]


def test_google_fails(world: World) -> None:
    """Nothing is concluded about the account."""
    world.google.script = [google(Reply(500))]
    diagnosis = examined(world).diagnosis

    assert (diagnosis.cause, diagnosis.is_known) == (None, False)
    assert diagnosis.reason == "upstream answered 500"
    assert known(world).holds == {}
    assert len(world.google.calls) <= 2 + 3


def test_the_token_endpoint_fails(world: World) -> None:
    """Nor when there is no token for nobody's fault."""
    world.token_reply = lambda _: (503, b"<html>")
    diagnosis = examined(world).diagnosis

    assert (diagnosis.cause, diagnosis.is_known) == (None, False)
    assert diagnosis.reason == "the token endpoint answered 503"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (NotReached(Peer("one.example", 443), "no such host"), Cause.NETWORK),
        (TlsFailed(Peer("one.example", 443), Flaw.UNTRUSTED, "", "Corp"), Cause.PROXY),
        (ConnectionRefusedError(), None),
    ],
)
def test_no_connection(
    world: World, front: Front, error: Exception, cause: Cause | None
) -> None:
    """What keeps a connection from coming about is the verdict."""
    world.kind = type(world.kind)(
        evolve(
            world.kind.means,
            upstream=evolve(world.upstream, http=Unconnected(error)),
        )
    )
    world.kinds.go_by(type(world.kinds)({CodeAssist.name: world.kind}))
    examination = examined(world)

    assert examination.diagnosis.cause is cause
    assert steps(examination) == {"reach": Result.FAILED}
    assert front.got == []


class Unconnected:
    """A client whose connections fail."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def request(self, *_: object, **__: object) -> "Deferred[Any]":
        """Fail."""
        failing: Deferred[Any] = Deferred()
        failing.errback(self._error)
        return failing


def test_one_host_of_several(tmp_path: Path, front: Front) -> None:
    """One that answers will do; the others are mentioned."""
    hosts = ("http://one.example", "http://two.example")
    world = World(tmp_path, accounts=("a",), site=front, hosts=hosts)
    world.google.script = [google()]
    front.world = world
    page = {"content-type": "text/html"}
    front.roots = [Reply(200, b"<html>", headers=page), front.root]
    examination = examined(world)

    assert examination.diagnosis.is_well
    assert told(examination)["reach"].startswith("1 of 2 hosts answer; ")
