"""
Examining an account: each step of a request on its own, up to the one that fails.

What the daemon does as well is done as it does it, and what comes of that is stored
(see ``trial.py``); a daemon that runs goes by it.
"""

from collections.abc import Coroutine
from contextlib import suppress
from enum import Enum
from typing import Any, cast

from attrs import define, evolve, field, frozen
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.python.failure import Failure

from antigravity_gw.causes import Cause
from antigravity_gw.diagnosis import (
    Diagnosis,
    Findings,
    Trouble,
    cause_of_connection,
    diagnose,
    is_from_google,
    worst,
)
from antigravity_gw.errors import GatewayError, UpstreamTimeout
from antigravity_gw.kind import Caller, Kind
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Account, Known
from antigravity_gw.pool.hold import ACCESS, Hold
from antigravity_gw.pool.learnt import held
from antigravity_gw.pool.preparing import Unfit
from antigravity_gw.trial import Trial
from antigravity_gw.upstream.probe import Echo, probe
from antigravity_gw.waiting import NotConnected, in_plain_words
from antigravity_gw.wire.verdict import Setback, Verdict


class Result(Enum):
    """How a step has ended."""

    OK = "ok"
    FAILED = "failed"
    NONE = "-"
    """There was nothing to do."""


@frozen
class Step:
    """
    One step of an examination.

    :ivar told: what was found, a clause for the operator's eyes only.
    """

    name: str
    result: Result
    seconds: float
    told: str = field(repr=False)


@frozen
class Examination:
    """
    What came of examining an account.

    :ivar model: the one that was asked.
    :ivar skew: how far our clock is ahead of Google's, in seconds.
    """

    known: Known
    model: str
    steps: tuple[Step, ...]
    diagnosis: Diagnosis
    skew: float = 0.0


_NOTHING = {
    "identity": "nobody says whose it is",
    "project": "none is needed",
    "entitlement": "there is nobody to ask",
}
"""What to say of steps in which there was nothing to do."""


@define
class Found(Exception):
    """A step has failed, and this is why."""

    trouble: Trouble


Echoes = dict[tuple[str, str], Echo | Exception]
"""What came back from the hosts that were knocked at, by kind and host."""


async def examine(trial: Trial, known: Known, echoes: Echoes) -> Examination:
    """
    Examine one account; at most as many questions are asked as for a client.

    :param echoes: of the run as yet; those of this account's hosts are added.
    :raises StoreError: when what came of it cannot be stored.
    """
    trial.gateway.pool.preparation.trust_clients()  # each finds out for itself
    suspensions = _suspensions(known)
    others = {k: h for k, h in known.holds.items() if k not in suspensions}
    account = trial.begin(evolve(known, holds=others))
    visit = _Visit(trial, account, bool(suspensions), echoes)
    findings = await visit.findings()
    diagnosis = diagnose(known.record, findings)
    if visit.is_worth_keeping:
        await trial.gateway.pool.writer.flushed()  # which "keep" complains about
        id, epoch = known.record.id, known.record.epoch
        trial.store.apply(held(id, epoch, *each) for each in suspensions.items())
        await trial.keep(known)
    return Examination(known, trial.model, tuple(visit.steps), diagnosis, findings.skew)


def _suspensions(known: Known) -> dict[str, Hold]:
    """What nobody but its operator is to lift: not an answer either."""
    return {k: h for k, h in known.holds.items() if h.need is Need.SUSPENDED}


@define(eq=False)
class _Visit:
    """
    One examination while it is under way.

    :ivar skews: how far our clock is ahead of those that have answered, in seconds.
    """

    trial: Trial
    account: Account
    was_suspended: bool
    echoes: Echoes
    steps: list[Step] = field(factory=list)
    skews: list[float] = field(factory=list)
    doubt: Cause | None = None
    _token: str = field(default="", repr=False)

    @property
    def kind(self) -> Kind:
        """What kind of account it is."""
        return self.trial.gateway.pool.kinds.of(self.account.record)

    @property
    def is_worth_keeping(self) -> bool:
        """Whether anything was learnt of the account itself."""
        return len(self.steps) > 1

    async def findings(self) -> Findings:
        """Go from step to step; say what there is to be concluded from."""
        trouble = await self._trouble()
        death = self.account.holds.by_model.get(ACCESS)
        return Findings(
            trouble=trouble,
            doubt=self.doubt,
            skew=min(self.skews, key=abs, default=0.0),
            died=death.since if death else None,
            was_suspended=self.was_suspended,
            logs_in=self.kind.has_client,
        )

    async def _trouble(self) -> Trouble | None:
        """The story: what the account fails at, if at anything."""
        if trouble := await self._step("reach", self._reach()):
            return trouble
        if trouble := await self._step("refresh", self._refresh()):
            return trouble
        await self._step("identity", self._identity())  # which nothing depends on
        if trouble := await self._step("project", self._project()):
            if trouble.cause is Cause.NO_PROJECT:
                with suppress(Setback, GatewayError):
                    await self._standing()  # which may say why
            return trouble
        await self._step("entitlement", self._standing())  # the next says it better
        return await self._step("generate", self._generate())

    async def _step(
        self, name: str, doing: Coroutine[Deferred[Any], Any, str | None]
    ) -> Trouble | None:
        """Take one step; return why it failed, if it did."""
        clock = self.trial.gateway.clock
        began, trouble = clock.seconds(), None
        try:
            told = await doing
            result = Result.NONE if told is None else Result.OK
        except CancelledError:
            raise
        except (Found, Unfit, Setback, GatewayError) as error:
            trouble, result = _trouble_of(error), Result.FAILED
            told = trouble.reason
        seconds = clock.seconds() - began
        self.steps.append(Step(name, result, seconds, told or _NOTHING[name]))
        return trouble

    async def _reach(self) -> str:
        """Knock at each of its hosts, once in a run; one that answers will do."""
        hosts = self.kind.hosts(self.account.record)
        keys = [(self.kind.name, host) for host in hosts]
        new = [key for key in keys if key not in self.echoes]
        probes = (probe(self.kind.upstream, f"{host}/") for _, host in new)
        asked = [Deferred.fromCoroutine(each) for each in probes]
        came = await gatherResults([each.addErrback(_error) for each in asked])
        self.echoes.update(zip(new, came, strict=True))
        results = [self.echoes[key] for key in keys]
        troubles = [
            trouble
            for host, result in zip(hosts, results, strict=True)
            if (trouble := self._heard(host, result))
        ]
        if len(troubles) == len(hosts):
            raise Found(worst(troubles))
        told = f"{len(hosts) - len(troubles)} of {len(hosts)} hosts answer"
        return "; ".join([told, *(trouble.reason for trouble in troubles)])

    def _heard(self, host: str, result: Echo | Exception) -> Trouble | None:
        """What is wrong with a host's answer, if anything; note the time it says."""
        if not isinstance(result, Echo):
            is_late = isinstance(result, UpstreamTimeout)
            cause = Cause.NETWORK if is_late else cause_of_connection(result)
            words = in_plain_words(result)
            is_named = isinstance(result, NotConnected)
            return Trouble(cause, words if is_named else f"{host}: {words}")
        if not is_from_google(result.status, result.is_page):
            told = f"{host}: a page that is not Google's came ({result.status})"
            return Trouble(Cause.PROXY, told)
        if result.skew is not None:
            self.skews.append(result.skew)
        return None

    async def _refresh(self) -> str:
        preparation = self.trial.gateway.pool.preparation
        self._token = await preparation.renewed(self.account)
        if self._token == self.account.record.credential:
            return "the key is the token"
        return "there is an access token"

    async def _identity(self) -> str | None:
        with suppress(Setback):  # whose words are about models, not about this
            return await self.kind.identity(self.account.record, self._token)
        return None

    async def _project(self) -> str | None:
        """Its project, which Google may have to be asked for."""
        known = self.kind.project_of(self.account.record)
        if known is None:
            preparation = self.trial.gateway.pool.preparation
            known = await preparation.looked_up(self.account, self._token)
        return known or None

    async def _standing(self) -> str | None:
        project = self.account.project or self.account.record.project or ""
        caller = Caller(self.account.record, self._token, project)
        standing = await self.kind.standing(caller)
        if standing is None:
            return None
        self.doubt = standing.doubt
        return standing.told

    async def _generate(self) -> str:
        outcome = await self.trial.ask(self.account)
        if outcome.reason is None:
            return f"{outcome.model} answers"
        hold = next(iter(outcome.holds.values()), None)
        raise Found(_held(outcome.cause, outcome.reason, hold))


def _held(cause: Cause | None, reason: str, hold: Hold | None) -> Trouble:
    """What a failed question amounts to, and what is held against it."""
    if hold is None:
        return Trouble(cause, reason)
    return Trouble(cause, reason, hold.need, hold.link, hold.until)


def _trouble_of(error: Exception) -> Trouble:
    """Why a step failed, in the words of whoever knows best."""
    match error:
        case Found(trouble):
            return trouble
        case Unfit(_, Verdict() as verdict) | Setback(verdict):
            cause = verdict.cause or cause_of_connection(error)
            return Trouble(cause, verdict.reason, verdict.need, verdict.link)
        case Unfit(GatewayError(message)) | GatewayError(message):
            return Trouble(cause_of_connection(error), message)
        case _:
            return Trouble(None, in_plain_words(error))


def _error(failure: Failure) -> Exception:
    """What a Deferred has failed with, as a value."""
    failure.trap(Exception)
    return cast(Exception, failure.value)
