"""What follows for an account from what happens to it."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from attrs import define, field, frozen
from twisted.logger import Logger

from antigravity_gw.happenings import Cooled, Listener, unheard
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Account
from antigravity_gw.pool.hold import ACCESS, EVERY_MODEL, Hold, Rest
from antigravity_gw.pool.learnt import held, project_found
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.wire.verdict import Blame, Verdict

TROUBLE, REFUSED = "trouble", "refused"
"""Words for what is neither a quota, nor named by what a person has to do."""


@frozen
class Rests:
    """
    How long to leave an account alone, when upstream does not say.

    :ivar quota: after it ran out of quota.
    :ivar rate: after it was asked too often.
    :ivar refused: before trying whether somebody has mended what keeps it out.
    :ivar trouble: after its token or project was not to be had, for nobody's fault.
    """

    quota: Rest = field(default=Rest(60.0, 3600.0))
    rate: Rest = field(default=Rest(5.0, 60.0))
    refused: Rest = field(default=Rest(300.0, 6 * 3600.0))
    trouble: Rest = field(default=Rest(5.0, 15.0))


@define(eq=False)
class Consequences:
    """
    Places holds and lifts them, and sees that the log and the store know.

    :ivar now: says the time, in POSIX seconds.
    :ivar chance: a random number from 0 to 1, for the jitter.
    :ivar tell: is told when an account begins to be left alone.
    """

    writer: StoreWriter
    now: Callable[[], float]
    chance: Callable[[], float]
    rests: Rests = Rests()
    tell: Listener = unheard
    _raised: set[str] = field(factory=set, init=False)
    _log: ClassVar[Logger] = Logger()

    def of_verdict(self, account: Account, model: str, verdict: Verdict) -> None:
        """A call for *model* under *account* has failed."""
        key = EVERY_MODEL if verdict.is_account_wide else model
        match verdict.blame:
            case Blame.QUOTA:
                self._cool(account, key, self.rests.quota, verdict)
            case Blame.RATE:
                self._cool(account, key, self.rests.rate, verdict)
            case Blame.HUMAN if verdict.need is Need.SUSPENDED:
                self._keep_out(account, key, None, verdict)
            case Blame.HUMAN | Blame.OPERATOR:
                self._keep_out(account, key, self.rests.refused, verdict)
            case _:
                pass  # the account has done nothing wrong

    def of_project(self, account: Account, project: str, verdict: Verdict) -> None:
        """
        Upstream has refused the *project* that a call was made with.

        The first time it is looked up again.  Calls that were under way with
        the same one have nothing to add.
        """
        in_use = account.project or account.record.project
        if project == account.doubted or project != in_use:
            return
        if account.doubted is None:
            self._doubt_project(account, project)
        else:
            account.doubted = None
            self._keep_out(account, EVERY_MODEL, self.rests.refused, verdict)

    def of_refusal(self, account: Account, verdict: Verdict) -> None:
        """Its token or project is not to be had before a person has acted."""
        is_dead = verdict.need in (Need.LOGIN, Need.SUSPENDED)  # trying is no use
        rest = None if is_dead else self.rests.refused
        self._keep_out(account, ACCESS, rest, verdict)

    def of_trouble(self, account: Account, verdict: Verdict) -> None:
        """Its token or project is not to be had just now, for nobody's fault."""
        self._cool(account, ACCESS, self.rests.trouble, verdict)

    def of_access(self, account: Account) -> None:
        """There is a token, and a project."""
        self._lift(account, ACCESS)

    def of_service(self, account: Account, tried: Iterable[str]) -> None:
        """
        *account* has served.

        :param tried: the holds, by their keys, that were tried with it.
        """
        account.doubted = None
        self._lift(account, *tried)

    def forgive(self, account: Account, *needs: Need) -> None:
        """What made a person necessary may have been mended."""
        self._raised.discard(account.client_id)
        for need in needs:
            for key in account.holds.forgive(need):
                self._learn_held(account, key, None)

    def _doubt_project(self, account: Account, project: str) -> None:
        """Have the project looked up again, once."""
        account.doubted, account.project = project, None
        account.configured_until = 0.0
        self._log.warn(
            "account {account}: upstream refuses its project, it is looked up again",
            account=account.id,
        )
        self.writer.learn(project_found(account.id, account.epoch, None))

    def _cool(self, account: Account, key: str, rest: Rest, verdict: Verdict) -> None:
        is_news = not account.holds.in_force(key, self.now())
        word = TROUBLE if key == ACCESS else verdict.blame.name.lower()
        hold = self._placed(account, key, rest, verdict, word)
        if hold is not None and is_news:
            self._log.warn(
                "account {account} cools for {seconds:.0f} s ({model}): {reason}",
                account=account.id,
                seconds=hold.ends - self.now(),
                model="every model" if key in (EVERY_MODEL, ACCESS) else key,
                reason=hold.reason,
            )

    def _keep_out(
        self, account: Account, key: str, rest: Rest | None, verdict: Verdict
    ) -> None:
        word = verdict.need.name.lower() if verdict.need else REFUSED
        if self._placed(account, key, rest, verdict, word) is None:
            return  # all who waited for the same failure come here
        if verdict.need is Need.CLIENT:
            self._raise_client(account.client_id, verdict.reason)
            return
        self._log.error(
            "account {account} is out ({need}): {reason}. See 'antigravity-gw "
            "accounts list'",
            account=account.id,
            need=verdict.need.value if verdict.need else "",
            reason=verdict.reason,
        )

    def _placed(
        self,
        account: Account,
        key: str,
        rest: Rest | None,
        verdict: Verdict,
        word: str,
    ) -> Hold | None:
        """
        A new hold, stored; None when one in force says as much already.

        :param word: the reason, for who counts.
        """
        now = self.now()
        before = account.holds.by_model.get(key)
        hold = account.holds.place(
            key,
            now,
            rest,
            verdict.reason,
            asked=verdict.delay,
            chance=self.chance(),
            need=verdict.need,
            link=verdict.link,
        )
        if hold is not None:
            if before is None or not _goes_on(before, hold, now):
                self.tell(Cooled(account.record.kind, word))
            self._learn_held(account, key, hold)
            for old in account.holds.forget(now):
                self._learn_held(account, old, None)
        return hold

    def _raise_client(self, client: str, reason: str) -> None:
        """Say it once for all accounts that have the same OAuth client."""
        if client in self._raised:
            return
        self._raised.add(client)
        self._log.critical(
            "THE OAUTH CLIENT IS REFUSED, which is no account's fault: {reason}. No "
            "account that needs it can serve. See 'antigravity-gw accounts list'",
            reason=reason,
        )

    def _lift(self, account: Account, *keys: str) -> None:
        for key, hold in account.holds.lift(self.now(), *keys).items():
            if hold.need is Need.CLIENT:
                self._raised.discard(account.client_id)
            self._learn_held(account, key, None)

    def _learn_held(self, account: Account, key: str, hold: Hold | None) -> None:
        self.writer.learn(held(account.id, account.epoch, key, hold))


def _goes_on(before: Hold, hold: Hold, now: float) -> bool:
    """Whether *hold* only makes that one longer which there was *before*."""
    return before.is_in_force(now) and before.need is hold.need
