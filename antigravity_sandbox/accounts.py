"""The accounts that the sandbox knows, and what has become of each."""

from collections.abc import Iterator
from typing import Any

from attrs import define, evolve, field, frozen

CLIENT_ID = "sandbox-client.apps.example"
CLIENT_SECRET = "sandbox-secret-of-no-value"

TOKEN_LIFE = 3599.0
"""Seconds for which an access token is good, unless an account says otherwise."""


@frozen
class Account:
    """
    Somebody who may call.

    :ivar refresh_token: the one to begin with; it may be rotated later.
    :ivar project: the only Cloud project this account may name.
    """

    name: str
    refresh_token: str = field(repr=False)
    project: str

    @classmethod
    def named(cls, name: str) -> "Account":
        """The account of that name, everything else following from it."""
        return cls(name, f"1//sandbox-{name}", f"sandbox-project-{name}")


DEMO_ACCOUNTS = tuple(map(Account.named, ("ada", "grace", "edsger")))


@frozen
class Orders:
    """
    How an account is told to behave.

    :ivar expires_in: seconds for which its new access tokens are good.
    :ivar refresh_revoked: whether its refresh token is dead.
    :ivar rotate: whether the next refresh replaces the refresh token.
    :ivar onboarded: whether it has been through ``onboardUser``.
    :ivar quota: how many generate calls it was given; None for no limit.
    """

    expires_in: float = TOKEN_LIFE
    refresh_revoked: bool = False
    rotate: bool = False
    onboarded: bool = True
    quota: int | None = None


@define(eq=False)
class Standing:
    """
    An account, and where it stands now.

    :ivar spent: generate calls made since the quota was set.
    :ivar issued: how many access tokens it has had.
    :ivar rotations: how many refresh tokens it has had after its first.
    :ivar onboarding: whether it is being onboarded.
    """

    account: Account
    refresh_token: str = field(repr=False)
    orders: Orders = Orders()
    spent: int = 0
    issued: int = 0
    rotations: int = 0
    onboarding: bool = False

    def onboarding_done(self) -> bool:
        """Ask whether onboarding is done: it is from the second time on."""
        if self.onboarding:
            self.orders = evolve(self.orders, onboarded=True)
        self.onboarding = not self.orders.onboarded
        return self.orders.onboarded

    @property
    def left(self) -> int | None:
        """How many generate calls remain; None for no limit."""
        quota = self.orders.quota
        return None if quota is None else max(0, quota - self.spent)

    def spend(self) -> bool:
        """Make one generate call, unless the quota is used up."""
        if self.left == 0:
            return False
        self.spent += 1
        return True

    def overview(self) -> dict[str, Any]:
        """What ``GET /sandbox`` says of it."""
        return {
            "name": self.account.name,
            "project": self.account.project,
            "refreshToken": self.refresh_token,
            "expiresIn": self.orders.expires_in,
            "refreshRevoked": self.orders.refresh_revoked,
            "onboarded": self.orders.onboarded,
            "quotaLeft": self.left,
        }


@frozen
class AccessToken:
    """A token in somebody's hands, and when it expires, in POSIX seconds."""

    holder: Standing
    expires: float


@define
class Accounts:
    """All accounts, and the tokens they hold.  No clock: *now* is an argument."""

    _standings: dict[str, Standing] = field(factory=dict, init=False)
    _by_refresh_token: dict[str, Standing] = field(factory=dict, init=False, repr=False)
    _access_tokens: dict[str, AccessToken] = field(factory=dict, init=False, repr=False)

    @classmethod
    def demo(cls) -> "Accounts":
        """The three accounts that every sandbox starts with."""
        accounts = cls()
        for account in DEMO_ACCOUNTS:
            accounts.add(account)
        return accounts

    def add(self, account: Account) -> Standing:
        """Let *account* in; one of the same name is left as it is."""
        if account.name in self._standings:
            return self._standings[account.name]
        standing = Standing(account, account.refresh_token)
        self._standings[account.name] = standing
        self._by_refresh_token[account.refresh_token] = standing
        return standing

    def named(self, name: str) -> Standing | None:
        """The account of that name."""
        return self._standings.get(name)

    def by_refresh_token(self, token: str) -> Standing | None:
        """Whose refresh token that is, dead ones of the past not counting."""
        return self._by_refresh_token.get(token)

    def by_access_token(self, token: str) -> AccessToken | None:
        """The access token spelled *token*, which may have expired."""
        return self._access_tokens.get(token)

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._standings.values())

    def issue(self, standing: Standing, now: float) -> str:
        """Give *standing* a new access token; earlier ones stay good."""
        standing.issued += 1
        token = f"ya29.sandbox-{standing.account.name}-{standing.issued}"
        expires = now + standing.orders.expires_in
        self._access_tokens[token] = AccessToken(standing, expires)
        return token

    def revoke_access(self, standing: Standing) -> None:
        """Kill every access token of *standing*; a refresh brings a good one."""
        for name, token in self._access_tokens.items():
            if token.holder is standing:
                self._access_tokens[name] = evolve(token, expires=float("-inf"))

    def rotate(self, standing: Standing) -> str:
        """Replace the refresh token of *standing*.  The old one dies."""
        standing.rotations += 1
        successor = f"{standing.account.refresh_token}-r{standing.rotations}"
        self._exchange(standing, successor)
        standing.orders = evolve(standing.orders, rotate=False)
        return successor

    def restore(self, standing: Standing) -> None:
        """Make *standing* as good as new; the tokens it was given keep their life."""
        standing.orders = Orders()
        standing.spent = 0
        self._exchange(standing, standing.account.refresh_token)

    def _exchange(self, standing: Standing, refresh_token: str) -> None:
        del self._by_refresh_token[standing.refresh_token]
        standing.refresh_token = refresh_token
        self._by_refresh_token[refresh_token] = standing
