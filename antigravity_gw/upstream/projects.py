"""Which Google Cloud project an account has, according to Google."""

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from antigravity_gw.errors import Passed, UpstreamTimeout
from antigravity_gw.upstream.companion import Companion
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.waiting import within
from antigravity_gw.wire.companion import (
    BEHIND_PERIMETER,
    Membership,
    Operation,
    Tier,
    load_body,
    odd_operation,
    onboard_body,
    read_load,
    read_operation,
    tier_to_join,
)
from antigravity_gw.wire.google import read_error
from antigravity_gw.wire.verdict import Blame, Setback, Verdict

Asking = Coroutine[Deferred[Any], Any, Mapping[str, Any]]


@frozen
class Projects:
    """
    Asks the host that is best just now, and has new accounts onboarded.

    :ivar polls_every: seconds between two looks at an onboarding.
    :ivar onboarding: the longest to wait for one to be done, in seconds.
    """

    companion: Companion
    hosts: Sequence[str]
    endpoints: Endpoints
    clock: IReactorTime
    polls_every: float = 5.0
    onboarding: float = 60.0

    async def find(self, token: str, configured: str | None) -> str | None:
        """
        The project of the account: the one Google assigns, else *configured*,
        else None.

        Each host is asked once, until one says what it knows.  Cancelling leaves an
        onboarding to itself; who asks after it is done finds a member.

        :param token: the account's access token.
        :raises Setback: when Google would not say, or will not have the account.
        """
        configured = configured or None
        host, found = await self._loaded(token, configured)
        tier = tier_to_join(found, configured)
        if tier is None:
            return found.project or configured
        return await self._onboarded(host, token, tier, configured) or configured

    async def membership(self, token: str, configured: str | None) -> Membership:
        """
        What Google says of the account as it is; nothing is begun.

        :raises Setback: when Google would not say.
        """
        return (await self._loaded(token, configured or None))[1]

    async def _loaded(
        self, token: str, configured: str | None
    ) -> tuple[str, Membership]:
        """The first host that says what it knows, and what that is."""
        *others, last = self.endpoints.in_order(self.hosts, self.clock.seconds())
        for host in others:
            try:
                return host, await self._membership(host, token, configured)
            except Setback as setback:
                if setback.verdict.is_about_account():
                    raise
        return last, await self._membership(last, token, configured)

    async def _membership(
        self, host: str, token: str, configured: str | None
    ) -> Membership:
        asking = self.companion.load(host, token, load_body(configured))
        try:
            return read_load(await self._heard(host, asking))
        except Setback as setback:
            if _is_behind_perimeter(setback):
                return BEHIND_PERIMETER
            raise

    async def _onboarded(
        self, host: str, token: str, tier: Tier, configured: str | None
    ) -> str | None:
        """Have the account join *tier*, which may give it a project."""
        project = configured if tier.wants_project else None
        joining = self._joined(host, token, onboard_body(tier.id, project))
        try:
            done = await within(
                self.onboarding, self.clock, Deferred.fromCoroutine(joining)
            )
        except UpstreamTimeout as late:  # which says nothing about the host
            reason = "Google has not finished onboarding the account"
            raise Setback(Verdict(Blame.ENDPOINT, reason), late) from late
        if done.error is not None:
            raise self.companion.upstream.judged(done.error)
        return done.project

    async def _joined(self, host: str, token: str, body: bytes) -> Operation:
        """Begin an onboarding, and look at it until it is done."""
        asking = self.companion.onboard(host, token, body)
        operation = read_operation(await self._heard(host, asking))
        name = operation.name
        while not operation.is_done:
            if name is None:
                raise odd_operation()
            await deferLater(self.clock, self.polls_every)
            asking = self.companion.operation(host, token, name)
            operation = read_operation(await self._heard(host, asking))
        return operation

    async def _heard(self, host: str, asking: Asking) -> Mapping[str, Any]:
        """What *host* says; one that fails is avoided for a while."""
        try:
            return await asking
        except Setback as setback:
            if setback.verdict.blame is Blame.ENDPOINT:
                self.endpoints.avoid(host, self.clock.seconds())
            raise


def _is_behind_perimeter(setback: Setback) -> bool:
    """Whether it was not Google that refused, but the account's organisation."""
    if not isinstance(setback.error, Passed):
        return False
    error = read_error(setback.error.body)
    return error is not None and "SECURITY_POLICY_VIOLATED" in error.reasons()
