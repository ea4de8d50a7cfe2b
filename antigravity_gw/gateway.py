"""
The story of a request: ask one account after the other until one answers.

This is the page to read first.  A call upstream is made at most so many times
per client request, over accounts and hosts together, and never again after
the first byte has gone to the client.
"""

from typing import Any, ClassVar

from attrs import evolve, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.server import Request

from antigravity_gw.errors import (
    AnswerTooLong,
    BrokenAnswer,
    Exhausted,
    GatewayError,
    NeedsOperator,
    Passed,
    UpstreamTimeout,
)
from antigravity_gw.journal import Served
from antigravity_gw.journey import OF_HOSTS, Journey
from antigravity_gw.pool.choosing import Errand
from antigravity_gw.pool.pool import AccountPool, Lease
from antigravity_gw.relay import Relay
from antigravity_gw.upstream.body import SealedBody
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.upstream.order import Order
from antigravity_gw.wire.answer import Framing, StreamedAnswer, Whole, read_whole
from antigravity_gw.wire.ask import Ask
from antigravity_gw.wire.google import UpstreamError, error_body, on_one_line, redacted
from antigravity_gw.wire.verdict import Blame, Setback, Verdict


@frozen
class Limits:
    """
    What one request may cost.

    :ivar attempts: calls upstream.
    :ivar total: seconds until the answer has begun, over all calls.
    :ivar whole: seconds for one answer that comes in one piece.
    :ivar headers: seconds until the head of one streamed answer.
    :ivar first_event: seconds until it says something.
    :ivar idle: seconds of silence in the middle of a stream.
    :ivar stream: seconds for a stream from the request to its end; 0 for any.
    :ivar patience: seconds it may wait for an account to come free.
    """

    attempts: int
    total: float
    whole: float
    headers: float
    first_event: float
    idle: float
    stream: float
    patience: float

    def begin_within(self, ask: Ask) -> float:
        """How many seconds there are until the answer to *ask* has begun."""
        return self.total if ask.seconds is None else min(self.total, ask.seconds)

    def end_by(self, ask: Ask) -> float | None:
        """
        When the stream that answers *ask* has to end, in POSIX seconds, if ever.

        A client that sets a limit does not mean a stream that is alive: its own
        clock starts anew at each event.  It can only shorten a limit there is.
        """
        if not self.stream:
            return None
        return ask.began + min(self.stream, ask.seconds or self.stream)


@frozen
class Gateway:
    """
    Serves generation requests from the pool.

    :ivar endpoints: knows which hosts are failing.
    :ivar tells: whether the log tells of each call, which costs more than a look.
    """

    pool: AccountPool
    endpoints: Endpoints
    limits: Limits
    clock: IReactorTime
    tells: bool = False
    _log: ClassVar[Logger] = Logger()

    async def serve(self, ask: Ask, request: Request, served: Served) -> None:
        """
        Ask one account after the other until one answers; write its answer.

        The request is left unfinished.

        :param served: is told how it goes.
        :raises GatewayError: when none answers.  Nothing has been written then,
            unless it was the answer itself that broke off.
        """
        answer = await self._begun(ask, served)
        del ask  # its body may be long, and the answer longer in coming
        with answer.lease:
            served.first = self.clock.seconds()
            await answer.deliver(request, served)

    async def _begun(self, ask: Ask, served: Served) -> "WholeAnswer | LiveAnswer":
        """
        An answer that has begun well.

        :raises GatewayError: when nobody gives one.
        """
        journey = Journey(self.limits.attempts)
        errand = Errand(
            ask.model,
            ask.id,
            ask.conversation,
            ask.began + self.limits.begin_within(ask),
            self.limits.patience,
            kinds=ask.kinds,
            avoid=journey.avoid,
            tried=journey.tried,
        )
        try:
            while journey.left:
                answer = await self._tried(ask, served, journey, errand)
                if answer is not None:
                    return answer
        except (Exhausted, NeedsOperator) as nobody:
            raise journey.trouble() or nobody from None
        else:
            raise journey.trouble() or self._shortage(ask, journey)
        finally:
            del journey  # it knows the error, whose traceback knows it, and the body

    async def _tried(
        self, ask: Ask, served: Served, journey: Journey, errand: Errand
    ) -> "WholeAnswer | LiveAnswer | None":
        """
        Ask one account at one host; its answer, if it has begun well.

        :raises GatewayError: when there is nobody to ask.
        """
        answer = None
        lease = await self.pool.lend(errand)
        try:
            hosts = self.endpoints.in_order(
                lease.kind.hosts(lease.caller.record), self.clock.seconds(), ask.model
            )
            host = journey.next_host(lease.account_id, hosts)
            if host is None:  # it would say the same again; another may come free
                errand.avoid.add(lease.account_id)
                return None
            served.account, served.kind = lease.account_id, lease.kind.name
            served.attempts = journey.calls
            self._tell(served, host, "is asked")
            try:
                answer = await self._answer(ask, lease, host, errand.deadline)
            except Setback as setback:
                # No name for it: its traceback, and the body, would outlive this.
                verdict = journey.note(
                    lease.account_id,
                    host,
                    _discreet(self._fair(setback, ask, errand), lease),
                )
                served.trouble, served.cause = verdict.reason, verdict.cause
                served.failures.append((served.kind, verdict.blame.name.lower()))
                self._tell(served, host, "fails", verdict)
                self._blame(verdict, lease, host, ask.model)
                if verdict.blame in OF_HOSTS:
                    errand.later.add(lease.caller.record.kind)
                if verdict.blame is Blame.MISSING:
                    self.pool.pass_over(errand, lease, journey.failed)
                return None
            self._tell(served, host, "answers")
            self.endpoints.recovered(host, ask.model)
            lease.worked()
            return answer
        finally:
            if answer is None:
                lease.give_back()

    async def _answer(
        self, ask: Ask, lease: Lease, host: str, deadline: float
    ) -> "WholeAnswer | LiveAnswer":
        """
        Call *host* once, and wait until its answer has begun well.

        :raises Setback: when it does not.
        """
        left = deadline - self.clock.seconds()
        try:
            if ask.framing is None:
                return await self._whole(ask, lease, host, left)
            return await self._live(ask, ask.framing(), lease, host, left)
        except UpstreamError as told:
            raise lease.kind.upstream.judged(told.error) from None
        except GatewayError as error:
            is_late = isinstance(error, UpstreamTimeout)
            blame = Blame.ENDPOINT if is_late else Blame.ANSWER
            error = error.with_traceback(None)  # whose frames have the body
            raise Setback(Verdict(blame, error.message), error) from None

    def _fair(self, setback: Setback, ask: Ask, errand: Errand) -> Setback:
        """*setback*, but nobody is blamed for a limit of the client's or ours."""
        error = setback.error
        if ask.seconds is not None and self.clock.seconds() >= errand.deadline:
            error = UpstreamTimeout(
                f"no answer has begun in the {ask.seconds:g} s of X-Server-Timeout"
            )
        elif not isinstance(error, AnswerTooLong):
            return setback
        return Setback(Verdict(Blame.GATEWAY, error.message), error)

    async def _whole(
        self, ask: Ask, lease: Lease, host: str, left: float
    ) -> "WholeAnswer":
        """An answer in one piece, which is wanted complete before it counts."""
        kind, order = lease.kind, lease.kind.order(ask, lease.caller, host)
        body = await kind.upstream.generate(
            order, _body(order, ask), min(left, self.limits.whole)
        )
        return WholeAnswer(read_whole(body, kind.opened), lease)

    async def _live(
        self, ask: Ask, framing: Framing, lease: Lease, host: str, left: float
    ) -> "LiveAnswer":
        """A streamed answer, which counts once it has said something."""
        left = min(left, self.limits.first_event)
        begin_by = self.clock.seconds() + left
        kind, order = lease.kind, lease.kind.order(ask, lease.caller, host)
        response = await kind.upstream.stream(
            order, _body(order, ask), min(left, self.limits.headers)
        )
        streamed = StreamedAnswer(framing, kind.opened)
        end_by = self.limits.end_by(ask)
        relay = Relay(streamed, self.clock, self.limits.idle, end_by)
        await relay.begin(response, begin_by - self.clock.seconds())
        return LiveAnswer(relay, streamed, lease)

    def _blame(self, verdict: Verdict, lease: Lease, host: str, model: str) -> None:
        """Let everybody draw the conclusions that concern them."""
        lease.blame(verdict)
        now = self.clock.seconds()
        if verdict.blame is Blame.ENDPOINT:
            seconds = self.endpoints.avoid(host, now)
        elif verdict.blame is Blame.CAPACITY:
            seconds = self.endpoints.avoid(host, now, model, verdict.delay)
        else:
            return
        self._log.debug(
            "{host} comes last for {seconds:.0f} s ({model}): {reason}",
            host=host,
            seconds=seconds,
            model=model if verdict.blame is Blame.CAPACITY else "every model",
            reason=verdict.reason,
        )

    def _tell(
        self, served: Served, host: str, what: str, verdict: Verdict | None = None
    ) -> None:
        """
        Tell of a call that was made, is answered, or has failed.

        :param verdict: what to make of its failure.
        """
        if not self.tells:
            return
        facts: dict[str, Any] = {
            "call": served.attempts,
            "host": host,
            "what": what,
            "model": served.model,
            "kind": served.kind,
            "account": served.account,
            "after_seconds": round(self.clock.seconds() - served.began, 3),
        }
        if verdict is not None:
            facts["blame"] = verdict.blame.name.lower()
            facts["delay_seconds"] = verdict.delay
            facts["trouble"] = verdict.reason
        words = " ".join(f"{name}={{{name}}}" for name in (*list(facts)[3:], "id"))
        self._log.debug("call {call}: {host} {what} " + words, id=served.id, **facts)

    def _shortage(self, ask: Ask, journey: Journey) -> GatewayError:
        """Why no account has served, when that is the accounts' affair."""
        return self.pool.shortage(ask.model, ask.kinds) or Exhausted(
            f"{journey.calls} calls upstream were refused; another account may serve",
            retry_after=1.0,
        )


@frozen
class WholeAnswer:
    """An answer that has come complete."""

    whole: Whole
    lease: Lease

    async def deliver(self, request: Request, served: Served) -> None:
        """Write it to *request*, and leave that unfinished."""
        served.events, served.usage = 1, self.whole.usage
        body = self.whole.response
        request.setHeader("content-type", "application/json; charset=UTF-8")
        request.setHeader("content-length", str(len(body)))
        request.write(body)


@frozen
class LiveAnswer:
    """An answer that has begun, and goes on as the client reads it."""

    relay: Relay
    streamed: StreamedAnswer
    lease: Lease

    async def deliver(self, request: Request, served: Served) -> None:
        """
        Write it to *request*, and leave that unfinished.

        :raises GatewayError: when it breaks off.  The client has been told by
            then, in the stream; all that is left is to cut the connection.
        """
        request.setHeader("content-type", self.streamed.framing.content_type)
        request.setHeader("cache-control", "no-cache")
        request.setHeader("x-accel-buffering", "no")
        try:
            await self.relay.carry(request)
        except UpstreamError as told:
            judged = self.lease.kind.upstream.judged(told.error)
            setback = _discreet(judged, self.lease)
            self.lease.blame(setback.verdict)
            request.write(self._last_word(setback))
            raise BrokenAnswer(setback.verdict.reason) from told
        except GatewayError as error:
            request.write(self.streamed.framing.event(error_body(error)))
            raise
        finally:
            served.events, served.gaps = self.streamed.events, self.relay.gaps
            served.usage = self.streamed.usage

    def _last_word(self, setback: Setback) -> bytes:
        """The event that tells the client why there is no more."""
        error = setback.error
        if isinstance(error, Passed) and not setback.verdict.is_about_account():
            body = on_one_line(error.body)
        else:
            body = error_body(BrokenAnswer("upstream refused to go on with its answer"))
        return self.streamed.framing.event(body)


def _body(order: Order, ask: Ask) -> SealedBody:
    """What *order* puts around the client's words, and those."""
    return SealedBody(order.head, ask.body, order.tail)


def _discreet(setback: Setback, lease: Lease) -> Setback:
    """*setback*, without what upstream's error says about the account."""
    error = setback.error
    if isinstance(error, Passed):
        error = evolve(error, body=redacted(error.body, *lease.secrets()))
    return Setback(setback.verdict, error)
