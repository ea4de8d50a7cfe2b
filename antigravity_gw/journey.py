"""Where one request has been, and where it may go next.  No I/O, no clock."""

from attrs import define, evolve, field

from antigravity_gw.errors import GatewayError
from antigravity_gw.needs import Need
from antigravity_gw.wire.verdict import Blame, Setback, Verdict

OF_HOSTS = (Blame.ENDPOINT, Blame.CAPACITY, Blame.MISSING, Blame.ANSWER)
"""These lie with the host that was asked, and most often with its whole API."""

_ACCOUNTS = (Blame.HUMAN, Blame.OPERATOR, Blame.ELSEWHERE)
_COOLED = (Blame.QUOTA, Blame.RATE)


def _refused_anew(verdict: Verdict) -> Verdict:
    """What it means that a token is refused that was made because of the last one."""
    return evolve(
        verdict,
        blame=Blame.HUMAN,
        reason="a new access token was refused",
        need=verdict.need or Need.LOGIN,
        is_account_wide=True,
    )


@define
class Journey:
    """
    The calls made upstream for one request, and what came of them.

    :ivar left: how many more may be made.
    :ivar calls: how many were made.
    :ivar avoid: ids of the accounts that cannot serve it.
    :ivar tried: ids of accounts that did nothing wrong and still did not serve.
    :ivar failed: the hosts that did not serve it.
    :ivar last: the last call that failed, if one has.
    """

    left: int
    calls: int = 0
    avoid: set[str] = field(factory=set)
    tried: set[str] = field(factory=set)
    failed: set[str] = field(factory=set)
    last: Setback | None = None
    _mended: set[tuple[str, Blame]] = field(factory=set)
    _said: dict[tuple[str, str], Verdict] = field(factory=dict)

    def next_host(self, account: str, hosts: list[str]) -> str | None:
        """
        The host to call next under *account*; None when no call makes sense.

        One that has not failed this request comes first, then one that has
        failed it under another account.  The same question is put to the same
        host again only after a failure that may have been a hiccup.

        :param hosts: base URLs, the best first.
        """
        host = self._choose_host(account, hosts)
        if host is not None:
            self.left -= 1
            self.calls += 1
        return host

    def note(self, account: str, host: str, setback: Setback) -> Verdict:
        """
        Remember that *account* was not served by *host*.

        :returns: the verdict, seen in the light of what came before.
        """
        verdict = setback.verdict
        is_mended = (account, verdict.blame) in self._mended
        if is_mended and verdict.blame is Blame.TOKEN:
            verdict = _refused_anew(verdict)
        self.last = Setback(verdict, setback.error)
        self._said[account, host] = verdict
        if verdict.blame in (Blame.REQUEST, Blame.GATEWAY):
            self.left = 0
        elif verdict.blame in _ACCOUNTS or is_mended:
            self.avoid.add(account)
        elif verdict.blame in _COOLED:
            self.tried.add(account)  # it may be back before this request gives up
        elif verdict.blame in OF_HOSTS:
            self.failed.add(host)
            self.tried.add(account)
        else:
            self._mended.add((account, verdict.blame))
            if self.left == 1:
                self.tried.add(account)  # the last call goes to somebody else
        return verdict

    def trouble(self) -> GatewayError | None:
        """
        What upstream's last word means to the client.

        None when that concerns an account, which is not the client's affair.
        """
        if self.last is None or self.last.verdict.is_about_account():
            return None
        return self.last.error

    def _choose_host(self, account: str, hosts: list[str]) -> str | None:
        for host in hosts:
            if host not in self.failed:
                return host
        for host in hosts:
            if (account, host) not in self._said:
                return host
        for host in hosts:
            if _may_change(self._said[account, host]):
                return host
        return None


def _may_change(verdict: Verdict) -> bool:
    """Whether the same host may say something else to the same account soon."""
    if verdict.blame in (Blame.ENDPOINT, Blame.ANSWER):
        return verdict.delay is None  # else it was no hiccup
    return verdict.blame in (*_COOLED, Blame.TOKEN, Blame.PROJECT)
