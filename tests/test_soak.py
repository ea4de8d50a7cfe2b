"""
A soak, in memory: thousands of requests while Google fails in every way it has.

What may happen is said by :class:`Law`, which is told what Google answered, knows
the rules of ``docs/accounts.md`` and ``docs/errors.md``, and shares no code with
the pool.  It is asked at every call, for every request that was not served, and
after every step: the accounts that it would ask are those that the pool would lend.

Another seed by hand: ``SOAK_SEED=7 pytest tests/test_soak.py``.  A soak
over real sockets is in ``tests/integration``.
"""

import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from attrs import define, evolve, field, frozen
from bodies import NOW, REAL, Real
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred
from twisted.web.http import Request
from twisted.web.iweb import IAgent, IResponse
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from world import CATALOG, Client, World, make_upstream
from zope.interface import implementer

from antigravity_gw.gateway import Limits
from antigravity_gw.kind import Kinds
from antigravity_gw.needs import Need
from antigravity_gw.pool.choosing import Strategy
from antigravity_gw.web.forms import Form
from antigravity_gw.web.models import Api
from antigravity_gw.web.site import make_tree
from antigravity_gw.wire.verdict import Blame

SEED = int(os.environ.get("SOAK_SEED", "1"))
REQUESTS = 2000
AT_A_TIME = 32
ACCOUNTS = "abcde"
MODELS = ("pro", "flash")
FAILING, LEAVING = 0.2, 0.02
"""How often a call fails, and how often a client leaves instead of a call going on."""

LATER_TURNS, STRAYS = 0.3, 0.2
"""How many requests belong to an older conversation, and how many to none."""

NEW_TOKENS, STUBBORN = 0.2, 0.3
"""How often a refresh token is replaced, and a project refused and named again."""

PAUSES = (0.01, 1.0, 30.0, 300.0)
"""How many hours pass at most between two waves of requests."""

LIMITS = Limits(
    attempts=3,
    total=600.0,
    whole=60.0,
    headers=30.0,
    first_event=30.0,
    idle=20.0,
    stream=0.0,
    patience=2.0,
)

EVERY, PROJECT = "every model", "project"
"""What an account can be kept from, besides a model."""

REFUSED, FOREVER = (300.0, 6 * 3600.0), (math.inf, math.inf)
RESTS = {
    Blame.QUOTA: (60.0, 3600.0),
    Blame.RATE: (5.0, 60.0),
    Blame.HUMAN: REFUSED,
    Blame.OPERATOR: REFUSED,
}
"""The first rest and the longest, in seconds, where Google does not say."""

SHORTEST, TRIAL, FORGOTTEN = 1.0, 10.0, 86400.0
"""How long a rest is at least, a trial at most, and how long it is worth one."""

ROUNDED = 0.02
"""Delays are known to the millisecond, and there are others that pass."""

FOR_PEOPLE = (Blame.HUMAN, Blame.OPERATOR)
MENDED = (Blame.TOKEN, Blame.PROJECT)
OF_CLIENTS = (Blame.REQUEST, Blame.MISSING)
OF_NOBODY = (Blame.ENDPOINT, Blame.CAPACITY)
HICCUP = Real("a hiccup", 500, b"", Blame.ENDPOINT)
"""Whatever breaks on its way: nobody's fault, and worth asking again."""


# What Google does


Step = Callable[[Request], None]


@frozen
class Plan:
    """
    What Google does about one call, step by step; in the end perhaps nothing.

    :ivar begins: whether the first step begins a good answer.
    :ivar trouble: what the last step amounts to, unless all is well.
    """

    steps: tuple[Step, ...]
    trouble: Real | None
    begins: bool = False


def answer(
    data: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> Step:
    """Answer with just that."""

    def step(request: Request) -> None:
        request.setResponseCode(status)
        for name, value in (headers or {}).items():
            request.setHeader(name, value)
        request.write(data)
        request.finish()

    return step


def write(data: bytes) -> Step:
    """Write that, and leave the answer open."""
    return lambda request: request.write(data)


def cut(request: Request) -> None:
    """Close the connection."""
    request.channel.transport.loseConnection()


def event(data: bytes) -> bytes:
    """*data* as an event of a stream."""
    return b"data: %b\r\n\r\n" % data


def response(id: str, **more: str) -> bytes:
    """A response in its envelope, which tells the request that it is for."""
    candidate = {"content": {"role": "model", "parts": [{"text": f"for {id}"}]}, **more}
    return json.dumps({"response": {"candidates": [candidate]}}).encode()


def good(id: str, streamed: bool) -> Plan:
    """An answer."""
    last = response(id, finishReason="STOP")
    if streamed:
        steps = (write(event(response(id))), answer(event(last)))
        return Plan(steps, None, begins=True)
    return Plan((answer(last),), None, begins=True)


def breaking(id: str, streamed: bool) -> Iterable[Plan]:
    """The ways in which an answer breaks on its way."""
    first = event(response(id)) if streamed else response(id, finishReason="STOP")
    error = b'{"error":{"code":500,"message":"no"}}'
    for steps in (
        (),
        (cut,),
        (write(b""), cut),
        (write(first[:-20]), cut),
        (answer(b""),),
        (answer(b"<html>It works!</html>"),),
        (answer(event(b"<html>") if streamed else first[:-1]),),
        (answer(event(error) if streamed else error),),
    ):
        yield Plan(steps, HICCUP)
    if streamed:
        for last in ((), (cut,), (answer(b""),), (answer(event(b'{"respo')),)):
            yield Plan((write(first), *last), HICCUP, begins=True)


def refusing(id: str, streamed: bool, real: Real) -> Iterable[Plan]:
    """The ways in which Google says something."""
    yield Plan((answer(real.body, real.status, real.headers),), real)
    try:
        document = json.loads(real.body)
        says_all = document["error"]["code"] == real.status and not real.headers
    except (ValueError, TypeError, KeyError):
        return
    if says_all and streamed:
        told = answer(event(json.dumps(document).encode()))
        yield Plan((told,), real)
        yield Plan((write(event(response(id))), told), real, begins=True)
    elif says_all:
        yield Plan((answer(real.body),), real)


# Who asks


@define(eq=False)
class Trip:
    """
    One client's request.

    :ivar home: the account that its conversation lives with, if it is a later turn.
    :ivar began: when it was sent, in POSIX seconds.
    """

    id: str
    model: str
    streamed: bool
    conversation: int | None
    home: str | None
    began: float
    client: Client | None = None
    visits: list["Visit"] = field(factory=list)
    has_left: bool = False

    def has_tried(self, account: str, now: float) -> bool:
        """Whether any other account is to be asked rather than this one again."""
        return any(
            visit.account == account and visit.is_over(now) and not visit.is_mended
            for visit in self.visits
        )

    def is_lost_on(self, account: str, now: float) -> bool:
        """Whether to ask this account again is no use."""
        return any(
            visit.account == account and visit.is_over(now) and visit.was_final
            for visit in self.visits
        )

    def waited(self, now: float) -> float:
        """For how many seconds it has waited for an account."""
        return now - self.began - sum(visit.lasted(now) for visit in self.visits)


@define(eq=False)
class Visit:
    """
    One call upstream.

    :ivar epoch: how often the operator has pardoned its account before.
    :ivar has_begun: whether a good answer has begun.
    :ivar trouble: what came of it, if it was nothing or broke off.
    :ivar ended: when that was, or when its client left.
    :ivar is_repeated: whether that had been mended just before.
    :ivar tries: the bars that were over when it was made; and whether they were
        still there for sure.
    """

    trip: Trip
    account: str
    project: str
    request: Request
    plan: Plan
    began: float
    epoch: int
    steps: int = 0
    has_begun: bool = False
    trouble: Real = HICCUP
    ended: float = math.inf
    is_repeated: bool = False
    tries: dict[tuple[str, str], bool] = field(factory=dict)

    @property
    def deadline(self) -> float:
        """When it is given up, unless it has begun."""
        limit = LIMITS.first_event if self.trip.streamed else LIMITS.whole
        return min(self.ended, self.began + limit)

    def is_over(self, now: float) -> bool:
        """Whether it has come to nothing."""
        return not self.has_begun and now >= self.deadline

    def is_known(self, now: float) -> bool:
        """Whether it is known how it went."""
        return self.has_begun or self.is_over(now)

    def is_trying(self, now: float) -> bool:
        """Whether others are to leave it at that for now."""
        return not self.is_known(now) and now < self.began + TRIAL - ROUNDED

    def lasted(self, now: float) -> float:
        """For how many seconds its client has waited for it to begin."""
        return min(now, self.deadline) - self.began

    @property
    def is_mended(self) -> bool:
        """Whether the same account may be next, with a new token or project."""
        number = self.trip.visits.index(self) + 1
        return self.trouble.blame in MENDED and number < LIMITS.attempts - 1

    @property
    def was_final(self) -> bool:
        """Whether the account will not say anything else."""
        blame, delay = self.trouble.blame, self.trouble.delay
        if blame is Blame.ENDPOINT:
            return delay is not None  # else it may have been a hiccup
        return self.is_repeated or blame in (*FOR_PEOPLE, Blame.CAPACITY)


# What is allowed


@frozen
class Bar:
    """
    Why an account must not be asked.

    How long a bar grows when it follows another is not said here, so that there
    may be some time of which nothing is known.

    :ivar earliest: until when it lasts at least, in POSIX seconds.
    :ivar latest: until when it lasts at most.
    :ivar may_be_gone: whether it may have been lifted, or forgotten.
    """

    earliest: float
    latest: float
    needs_person: bool = False
    may_be_gone: bool = False


@define(eq=False)
class Law:
    """
    Which account may be asked for which model, by what Google has answered.

    :ivar trials: the calls that try whether a bar which is over still holds.
    :ivar projects: those that Google has named last; None for ask again.
    :ivar doubted: those that it has refused, until another has worked.
    """

    bars: dict[tuple[str, str], Bar] = field(factory=dict)
    trials: dict[tuple[str, str], Visit] = field(factory=dict)
    projects: dict[str, str | None] = field(factory=dict)
    doubted: dict[str, str | None] = field(factory=dict)
    epochs: Counter[str] = field(factory=Counter)

    def on(self, account: str, model: str) -> dict[tuple[str, str], Bar]:
        """The bars there are, be they over."""
        keys = [(account, key) for key in (EVERY, PROJECT, model)]
        return {key: self.bars[key] for key in keys if key in self.bars}

    def is_barred(self, account: str, model: str, now: float) -> bool:
        """Whether it must not be asked."""
        for key, bar in self.on(account, model).items():
            if now < bar.earliest - ROUNDED:
                return True
            trial = self.trials.get(key)
            is_known = trial is not None and trial.tries[key] and not bar.may_be_gone
            if trial and is_known and trial.is_trying(now):
                return True
        return False

    def is_free(self, account: str, model: str, now: float) -> bool:
        """Whether there is nothing against it."""
        for key, bar in self.on(account, model).items():
            trial = self.trials.get(key)
            if now < bar.latest + ROUNDED or (trial and trial.is_trying(now - ROUNDED)):
                return False
        return True

    def free_by(self, account: str, model: str) -> float:
        """When all bars are over at the latest."""
        bars = self.on(account, model).values()
        return max((bar.latest for bar in bars), default=0.0)

    def free_from(self, account: str, model: str) -> float:
        """When all bars are over at the earliest."""
        bars = self.on(account, model).values()
        return max((bar.earliest for bar in bars), default=0.0)

    def waits_for_person(self, account: str, model: str, now: float) -> bool | None:
        """Whether somebody has to do something about it; None for perhaps."""
        bars = [bar for bar in self.on(account, model).values() if bar.needs_person]
        if any(now < bar.earliest - ROUNDED for bar in bars):
            return True
        return None if any(now < bar.latest + ROUNDED for bar in bars) else False

    def called(self, visit: Visit, now: float) -> None:
        """A call has come; if that was right, the bars on it are over."""
        self.bars.pop((visit.account, PROJECT), None)  # it has one
        for key, bar in self.on(visit.account, visit.trip.model).items():
            may_be_gone = bar.may_be_gone or now > bar.earliest + FORGOTTEN
            self.bars[key] = evolve(
                bar, latest=min(bar.latest, now), may_be_gone=may_be_gone
            )
            self.trials[key] = visit
            visit.tries[key] = not may_be_gone

    def served(self, visit: Visit, now: float) -> None:
        """A good answer has begun."""
        visit.has_begun = True
        if visit.epoch != self.epochs[visit.account]:
            return
        self.doubted[visit.account] = None
        for key in visit.tries.keys() & self.bars.keys():
            bar = self.bars[key]
            if visit.tries[key] and now >= bar.latest:
                del self.bars[key]
            elif now >= bar.earliest - ROUNDED:
                self.bars[key] = evolve(bar, may_be_gone=True)

    def failed(self, visit: Visit, real: Real, now: float) -> None:
        """A call has come to nothing, or its answer has broken off."""
        visit.trouble = real = self._in_hindsight(visit, real)
        visit.ended = now
        account = visit.account
        if visit.epoch != self.epochs[account]:
            return
        if real.blame is Blame.PROJECT and visit.project == self.projects[account]:
            self._refused_project(visit, now)
        rest = FOREVER if real.need is Need.SUSPENDED else RESTS.get(real.blame)
        if rest is not None:
            key = (account, EVERY if real.is_account_wide else visit.trip.model)
            self._bar(key, now, rest, asked(real, now), real.blame in FOR_PEOPLE)

    def named(self, account: str, project: str, now: float) -> None:
        """Google says which project an account has."""
        if project != self.doubted[account]:
            self.projects[account] = project
        else:
            self.doubted[account] = None
            self._bar((account, PROJECT), now, REFUSED, needs_person=True)

    def pardoned(self, account: str) -> None:
        """The operator says that an account is well."""
        self.epochs[account] += 1
        self.projects[account] = self.doubted[account] = None
        for known in (self.bars, self.trials):
            for key in [key for key in known if key[0] == account]:
                del known[key]

    def _in_hindsight(self, visit: Visit, real: Real) -> Real:
        """What was mended for the same request, and is refused again."""
        before = [v for v in visit.trip.visits if v.account == visit.account]
        is_repeated = any(v.trouble.blame is real.blame for v in before)
        if real.blame in MENDED and is_repeated and not visit.has_begun:
            visit.is_repeated = True
            if real.blame is Blame.TOKEN:
                return evolve(real, blame=Blame.HUMAN, is_account_wide=True)
        return real

    def _refused_project(self, visit: Visit, now: float) -> None:
        account = visit.account
        if self.doubted[account] is None:
            self.doubted[account], self.projects[account] = visit.project, None
        else:
            self.doubted[account] = None
            self._bar((account, EVERY), now, REFUSED, needs_person=True)

    def _bar(
        self,
        key: tuple[str, str],
        now: float,
        rest: tuple[float, float],
        asked: float | None = None,
        needs_person: bool = False,
    ) -> None:
        first, longest = rest
        earliest = now + max(SHORTEST, first if asked is None else asked)
        latest = earliest
        if (old := self.bars.get(key)) is not None:
            latest = max(earliest, now + longest)
            if now < old.latest:
                earliest, latest = max(earliest, old.earliest), max(latest, old.latest)
                needs_person = needs_person or old.needs_person
        self.bars[key] = Bar(earliest, latest, needs_person)


def asked(real: Real, now: float) -> float | None:
    """For how long Google asks to stay away, at this moment."""
    if real.delay is not None and "timestamp only" in real.name:
        return max(0.0, NOW + real.delay - now)
    return real.delay


@define
class Dice:
    """
    A sum of numbers left to chance, beside what it should be.

    Given what came before, every number is one throw with a known mean and
    variance.  So the sum of what they are off, which adds up the variances, is
    more than five standard deviations in one run of a million.
    """

    off: float = 0.0
    variance: float = 0.0

    def throw(self, number: float, mean: float, mean_square: float) -> None:
        """Add a number."""
        self.off += number - mean
        self.variance += mean_square - mean**2

    @property
    def are_loaded(self) -> bool:
        """Whether it is off by more than chance can be."""
        return abs(self.off) > 5 * math.sqrt(self.variance)


# The soak


@implementer(IAgent)
@define(eq=False)
class Connections:
    """A connection for each call; what is written travels in the order of the calls."""

    google: Resource
    open: list[RequestTraversalAgent] = field(factory=list)

    def request(self, *ask: Any, **more: Any) -> "Deferred[IResponse]":
        """Ask Google."""
        self.open.append(RequestTraversalAgent(self.google))
        return self.open[-1].request(*ask, **more)

    def flush(self) -> None:
        """Deliver what was written."""
        for agent in self.open:
            agent.flush()
        self.open = [agent for agent in self.open if agent._pumps]


class Door(Resource):
    """Hands every request over."""

    isLeaf = True

    def __init__(self, called: Callable[[Request], None]) -> None:
        super().__init__()
        self._called = called

    def render(self, request: Request) -> int:
        """Somebody sees to it."""
        self._called(request)
        return NOT_DONE_YET


class Soak(World):
    """
    A gateway, its clients, and a Google that takes its time.

    :ivar trips: the requests whose clients still wait.
    :ivar changed: when Google last named a project that it refuses, or the
        operator an account that is well.
    :ivar visits: the calls that Google is not through with.
    :ivar shares: how many new conversations each account was given.
    :ivar loads: how busy the accounts were that were given one.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, accounts=ACCOUNTS, strategy=Strategy.SPREAD, time=NOW)
        self.random = Random(seed)
        self.numbers = count()
        self.law = Law(
            projects=dict.fromkeys(ACCOUNTS, "project-of-it"),
            doubted=dict.fromkeys(ACCOUNTS),
        )
        self.trips: list[Trip] = []
        self.visits: list[Visit] = []
        self.by_id: dict[str, Trip] = {}
        self.homes: dict[int, str] = {}
        self.refresh_tokens = {name: f"refresh-of-{name}" for name in ACCOUNTS}
        self.outcomes: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.shares = {name: Dice() for name in ACCOUNTS}
        self.loads = Dice()
        self.wrong: list[str] = []
        self.changed: dict[str, float] = {}
        self.busiest = 0
        self.token_reply = self._token
        self._let_ask(Connections(Door(self._called)))

    def _let_ask(self, agent: Connections) -> None:
        """Have the gateway ask that Google, under the limits of this soak."""
        self.agent = agent  # type: ignore[assignment]
        upstream = make_upstream(agent, self.clock)
        self.kind.means = evolve(self.kind.means, upstream=upstream)
        self.kind = evolve(self.kind)  # which asks through it from the start
        self.kinds.go_by(Kinds({self.kind.name: self.kind}))
        gateway = self.make_gateway(LIMITS)
        api = Api(gateway, CATALOG, Form.SSE, new_id=lambda: self.trips[-1].id)
        self.site.resource = make_tree(api, self.pool)

    @property
    def now(self) -> float:
        """POSIX seconds."""
        return self.clock.seconds()

    def settle(self) -> None:
        """Let everything happen that can happen at this moment."""
        for _ in range(3):
            self.agent.flush()
            self.clock.advance(0)
        for client in self.clients:
            if client.transport.disconnecting and not client.transport.closed:
                client.leave()

    def wave(self, requests: int) -> None:
        """So many requests, and what becomes of them, within minutes."""
        while requests or self.trips:
            chance = self.random.random()
            ready = [v for v in self.visits if v.steps < len(v.plan.steps)]
            if requests and len(self.trips) < AT_A_TIME:
                requests -= 1
                self.ask()
            elif chance < 0.1 or not ready:
                self.pass_time(self.random.choice((0.001, 0.1, 1.0, 5.0)))
            elif chance < 0.1 + LEAVING:
                self.leave(self.random.choice(self.trips))
            elif chance < 0.1 + LEAVING + 0.005:
                self.mend(0.5)
            else:
                self.proceed(self.random.choice(ready))
            self.look()

    def look(self) -> None:
        """See who has an answer; and that the pool would lend whom the law allows."""
        assert self.wrong == []
        self.busiest = max(self.busiest, len(self.trips))
        for trip in self.trips[:]:
            client = trip.client
            if client is not None and (
                client.transport.closed or (client.received() and client.ended_well)
            ):
                self.outcomes[self._outcome(trip, client)] += 1
                self.trips.remove(trip)
                self.clients.remove(client)
                if not client.transport.closed:
                    client.leave()
        for account in self.pool.accounts:
            for model in MODELS:
                if account.can_serve(model, self.now):
                    assert not self.law.is_barred(account.id, model, self.now)
                else:
                    assert not self.law.is_free(account.id, model, self.now)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, from one thing that happens to the next."""
        until = self.now + seconds
        while self.now < until:
            timers = (timer.getTime() for timer in self.clock.getDelayedCalls())
            self.clock.advance(max(0.0, min(until, *timers, until) - self.now))
            self.settle()
            self.look()

    def mend(self, chance: float) -> None:
        """The operator sees to some of the accounts that wait for a person."""
        for account in ACCOUNTS:
            waits = self.law.waits_for_person(account, MODELS[0], self.now)
            if waits is not False and self.random.random() < chance:
                self.law.pardoned(account)
                self.changed[account] = self.now
                self.store.give_another_chance(account)
                self.take_up()
                self.settle()

    # Clients

    def ask(self) -> None:
        """Another client comes."""
        number = next(self.numbers)
        conversation: int | None = number
        home, turns = None, [{"parts": [{"text": f"conversation {number}"}]}]
        chance = self.random.random()
        if self.homes and chance < LATER_TURNS:
            conversation, home = self.random.choice(list(self.homes.items()))
            first = {"parts": [{"text": f"conversation {conversation}"}]}
            turns = [first, {"role": "model", "parts": []}, *turns]
        elif chance < LATER_TURNS + STRAYS:
            conversation, turns = None, []
        model, streamed = self.random.choice(MODELS), self.random.random() < 0.5
        trip = Trip(f"id-{number}.", model, streamed, conversation, home, self.now)
        self.trips.append(trip)
        self.by_id[trip.id] = trip
        verb = "streamGenerateContent" if streamed else "generateContent"
        body = json.dumps({"contents": turns}).encode()
        trip.client = self.post(f"/v1beta/models/{model}:{verb}", body)

    def leave(self, trip: Trip) -> None:
        """A client does not wait any longer."""
        assert trip.client is not None
        trip.has_left = True
        for visit in trip.visits:
            visit.ended = min(visit.ended, self.now)
        trip.client.leave()

    def _outcome(self, trip: Trip, client: Client) -> str:
        """How a request has fared; fails when that is not as it should be."""
        assert re.search(rb"token-of|refresh-of|project-|@x", client.received()) is None
        if trip.has_left:
            return "left"
        last = trip.visits[-1] if trip.visits else None
        if last is None or not last.has_begun:
            return self._why_not_served(trip, client, last)
        assert client.status == 200
        assert f"for {trip.id}" in client.body.decode()
        if not client.ended_well:
            assert '{"error":' in client.body.decode().rpartition("data: ")[2]
            assert last.plan.trouble is not None or last.steps == 1  # and then silence
            return "broke off"
        assert last.plan.trouble is None
        are_steady = len(self._steady(ACCOUNTS, trip)) == len(ACCOUNTS)
        is_first_choice = len(trip.visits) == 1 and are_steady
        if trip.conversation is not None and trip.home is None and is_first_choice:
            self.homes[trip.conversation] = last.account
        return "served"

    def _why_not_served(self, trip: Trip, client: Client, last: Visit | None) -> str:
        trouble = last.trouble if last else None
        if trouble is not None and trouble.blame in OF_CLIENTS:
            assert client.status == trouble.status
            return "was wrong"
        if trouble is not None and trouble.blame in OF_NOBODY:
            assert client.status in (400, 429, trouble.status, 500, 502, 504)
        else:
            self._check_shortage(trip.model, client)
        if len(trip.visits) < LIMITS.attempts:
            self._check_nobody_could_serve(trip)
            return "met nobody"
        return "called thrice"

    def _check_shortage(self, model: str, client: Client) -> None:
        """When no account has served, the client is told when to come back, or not."""
        waits = {self.law.waits_for_person(a, model, self.now) for a in ACCOUNTS}
        if client.status == 400:
            assert False not in waits
            return
        told = float(client.head.partition("retry-after: ")[2].split("\r\n")[0])
        least = min(self.law.free_from(a, model) for a in ACCOUNTS) - self.now
        most = min(self.law.free_by(a, model) for a in ACCOUNTS) - self.now
        assert client.status == 429
        assert waits != {True}
        assert max(1.0, least) - 1.0 <= told <= max(1.0, most) + 1.0

    def _steady(self, accounts: Iterable[str], trip: Trip) -> list[str]:
        """
        Those of *accounts* that did not change while *trip* was under way.

        One that had no project when it was wanted is not wanted again, though
        the operator may have mended it since.
        """
        return [a for a in accounts if self.changed.get(a, 0.0) < trip.began]

    def _check_nobody_could_serve(self, trip: Trip) -> None:
        """No account is free that could, and none will be soon enough."""
        others = [a for a in ACCOUNTS if not trip.is_lost_on(a, self.now)]
        others = self._steady(others, trip)
        free = [a for a in others if self.law.is_free(a, trip.model, self.now)]
        free_by = [self.law.free_by(account, trip.model) for account in others]
        patience = LIMITS.patience - trip.waited(self.now)
        assert free == []
        if patience > ROUNDED:
            assert min(free_by, default=math.inf) > self.now + patience - ROUNDED

    # Google

    def _called(self, request: Request) -> None:
        bearer = (request.getHeader(b"authorization") or b"").decode()
        account = bearer.removeprefix("Bearer token-of-")[:1]
        content = json.loads(request.content.read())  # type: ignore[union-attr]
        if request.uri.endswith(b":loadCodeAssist"):
            self._name_project(account, request)
            return
        trip = self.by_id[content["requestId"]]
        visit = Visit(
            trip,
            account,
            content["project"],
            request,
            self._plan(trip),
            self.now,
            self.law.epochs[account],
        )
        try:
            self._check_call(visit)
        except AssertionError as error:  # here nobody would hear of it
            self.wrong.append(f"{trip.id}: {error}")
        self.calls[account] += 1
        self.law.called(visit, self.now)
        trip.visits.append(visit)
        self.visits.append(visit)
        request.notifyFinish().addBoth(lambda _: self.visits.remove(visit))

    def _check_call(self, visit: Visit) -> None:
        """Whether this call should have been made, and under this account."""
        trip, account, law, now = visit.trip, visit.account, self.law, self.now
        free = [a for a in ACCOUNTS if law.is_free(a, trip.model, now)]
        barred = [a for a in ACCOUNTS if law.is_barred(a, trip.model, now)]
        assert account not in barred, "it rests, or another tries"
        assert visit.project == law.projects[account], "a project of somebody else"
        assert not trip.has_left, "a call for nobody"
        assert len(trip.visits) < LIMITS.attempts, "more calls than are allowed"
        assert all(v.is_over(now) for v in trip.visits), "two calls at a time"
        assert not trip.is_lost_on(account, now), "it has said no"
        if trip.has_tried(account, now):
            others = [a for a in free if not trip.has_tried(a, now)]
            assert not self._steady(others, trip), "others can be asked"
        elif not trip.visits and trip.home is None:
            if len(free) + len(barred) == len(ACCOUNTS):
                self._expect(account, free)
        elif not trip.visits and trip.home in free:
            assert account == trip.home, "its conversation lives elsewhere"

    def _expect(self, account: str, free: list[str]) -> None:
        """Note which chance each account had; it goes down with its load."""
        load = Counter(
            visit.account
            for visit in self.visits
            if not visit.trip.has_left and not visit.is_over(self.now)
        )
        weights = {a: 1 / (1 + load[a]) for a in free}
        chances = {a: weights[a] / sum(weights.values()) for a in free}
        for other, chance in chances.items():
            self.shares[other].throw(other == account, chance, chance)
        self.loads.throw(
            load[account],
            sum(chance * load[a] for a, chance in chances.items()),
            sum(chance * load[a] ** 2 for a, chance in chances.items()),
        )

    def _plan(self, trip: Trip) -> Plan:
        if self.random.random() >= FAILING:
            return good(trip.id, trip.streamed)
        broken = list(breaking(trip.id, trip.streamed))
        chosen = self.random.choice([*REAL, *broken])
        if isinstance(chosen, Plan):
            return chosen
        return self.random.choice(list(refusing(trip.id, trip.streamed, chosen)))

    def proceed(self, visit: Visit) -> None:
        """Go one step on with a call."""
        plan, step = visit.plan, visit.plan.steps[visit.steps]
        visit.steps += 1
        if visit.steps == 1 and plan.begins:
            self.law.served(visit, self.now)
        if visit.steps == len(plan.steps) and plan.trouble is not None:
            self.law.failed(visit, plan.trouble, self.now)
        step(visit.request)
        self.settle()

    def _name_project(self, account: str, request: Request) -> None:
        """Say which project an account has: another one, or the same."""
        doubted = self.law.doubted[account]
        named = f"project-{next(self.numbers)}"
        if doubted is not None and self.random.random() < STUBBORN:
            named, self.changed[account] = doubted, self.now
        self.law.named(account, named, self.now)
        tier = {"id": "standard-tier"}
        said = {"cloudaicompanionProject": named, "currentTier": tier}
        answer(json.dumps(said).encode())(request)

    def _token(self, account: str) -> tuple[int, bytes]:
        said: dict[str, Any] = {"expires_in": 3599}
        said["access_token"] = f"token-of-{account}-{next(self.numbers)}"
        if self.random.random() < NEW_TOKENS:
            self.refresh_tokens[account] = f"refresh-of-{account}-{next(self.numbers)}"
            said["refresh_token"] = self.refresh_tokens[account]
        return 200, json.dumps(said).encode()


def test_soak(tmp_path: Path, logged: list[dict[str, Any]]) -> None:
    """
    Whom a healthy account could serve within three calls is served, whatever fails;
    no account is asked that must not be; and nothing stays behind.
    """
    soak = Soak(tmp_path, SEED)
    left = REQUESTS
    while left:
        size = min(left, soak.random.randint(AT_A_TIME, 2 * AT_A_TIME))
        soak.wave(size)
        soak.mend(0.3)
        soak.pass_time(3600 * soak.random.choice(PAUSES) * soak.random.random())
        left -= size
    accounts = {account.id: account for account in soak.pool.accounts}
    ended = [e["served"] for e in logged if "served" in e]
    stored = {known.record.id: known for known in soak.store.accounts()}

    assert soak.outcomes.total() == REQUESTS
    assert soak.busiest == AT_A_TIME
    assert soak.outcomes["served"] > REQUESTS / 2
    # Nothing of it stays in memory, on a timer or on a connection,
    assert soak.clock.getDelayedCalls() == []
    assert (soak.trips, soak.visits, soak.clients, soak.agent.open) == ([], [], [], [])
    assert {account.serving for account in accounts.values()} == {0}
    assert [a.id for a in accounts.values() if a.holds._trials] == []
    assert len(soak.pool._waiting) == 0
    # what should stay is in the store,
    assert {id: account.holds.by_model for id, account in accounts.items()} == {
        id: known.holds for id, known in stored.items()
    }
    assert soak.refresh_tokens == {
        id: known.record.credential for id, known in stored.items()
    }
    # every call was made for a request that is in the log,
    assert sum(served.attempts for served in ended) == soak.calls.total()
    # and the accounts have shared the work, the less busy with the better chances.
    assert [name for name, dice in soak.shares.items() if dice.are_loaded] == []
    assert not soak.loads.are_loaded
