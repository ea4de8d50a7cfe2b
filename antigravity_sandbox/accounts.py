"""The accounts that the sandbox knows, and what has become of each."""

from collections.abc import Iterator
from typing import Any

from attrs import define, evolve, field, frozen

from antigravity_sandbox.durations import seconds_in
from antigravity_sandbox.quotas import EVERY_MODEL, Purse
from antigravity_sandbox.signing import ServiceKey

CLIENT_ID = "sandbox-client.apps.example"
CLIENT_SECRET = "sandbox-secret-of-no-value"

API_KEY = "AIzaSy-sandbox-"
"""What every API key begins with; the name of its account follows."""

SUBJECT_TOKEN = "sandbox-subject-"
"""What every subject token begins with."""

TOKEN_LIFE = 3599.0
"""Seconds for which an access token is good, unless an account says otherwise."""

QUOTA_RESET = "108h48m20.795762633s"
"""After how long a quota that was used up is full again, unless told otherwise."""

ONBOARDING_POLLS = 2
"""At which asking an onboarding is done, unless an account says otherwise."""

FREE, STANDARD = "free-tier", "standard-tier"


@frozen
class Account:
    """
    Somebody who may call.

    :ivar refresh_token: the one to begin with; it may be rotated later.
    :ivar project: the Cloud project to begin with; Google may move it later.
    """

    name: str
    refresh_token: str = field(repr=False)
    project: str

    @classmethod
    def named(cls, name: str) -> "Account":
        """The account of that name, everything else following from it."""
        return cls(name, f"1//sandbox-{name}", f"sandbox-project-{name}")

    @property
    def api_key(self) -> str:
        """Its key for the public API."""
        return API_KEY + self.name

    @property
    def subject_token(self) -> str:
        """What somebody else than Google has vouched for it with."""
        return SUBJECT_TOKEN + self.name

    @property
    def client_email(self) -> str:
        """The name of its service account."""
        home = f"sandbox-project-{self.name}.iam.gserviceaccount.com"
        return f"sandbox-{self.name}@{home}"

    @property
    def email(self) -> str:
        """What its owner signs in with."""
        return f"{self.name}@sandbox.example"


DEMO_ACCOUNTS = tuple(map(Account.named, ("ada", "grace", "edsger")))


@frozen
class Orders:
    """
    How an account is told to behave.

    :ivar expires_in: seconds for which its new access tokens are good.
    :ivar refresh_revoked: whether its refresh token is dead.
    :ivar rotate: whether the next refresh replaces the refresh token.
    :ivar onboarded: whether it has been through ``onboardUser``.
    :ivar onboarding_polls: at which asking that is over; None for never.
    :ivar onboarding_error: whether it ends with an error.
    :ivar tier: the one it has, or is to have; :data:`STANDARD` needs a project.
    :ivar ineligible: why no tier is for it, by Google's code.
    :ivar project: the one that Google has moved it to.
    :ivar numeric_project: whether its project is named by a number.
    :ivar quota_reset: after how long a quota that was used up is full again.
    :ivar quota_unknown: whether it is not said how much of a quota is left.
    :ivar consent_blocked: why it may not consent to anything, by Google's code.
    :ivar refresh_withheld: whether no refresh token comes of its consent.
    :ivar id_token_withheld: whether no ID token comes of it.
    :ivar refresh_expires_in: for how many seconds the grant is said to be good.
    """

    expires_in: float = TOKEN_LIFE
    refresh_revoked: bool = False
    rotate: bool = False
    onboarded: bool = True
    onboarding_polls: int | None = ONBOARDING_POLLS
    onboarding_error: bool = False
    tier: str = FREE
    ineligible: str | None = None
    project: str | None = None
    numeric_project: bool = False
    quota_reset: str = QUOTA_RESET
    quota_unknown: bool = False
    consent_blocked: str | None = None
    refresh_withheld: bool = False
    id_token_withheld: bool = False
    refresh_expires_in: float | None = None


@define(eq=False)
class Standing:
    """
    An account, and where it stands now.

    :ivar issued: how many access tokens it has had.
    :ivar rotations: how many refresh tokens have replaced another one of its.
    :ivar consents: how many it has had for a consent of its owner.
    :ivar consented: whether its owner has consented, and not taken that back.
    :ivar askings: how often its onboarding has been asked about.
    :ivar former_projects: those it had before Google moved it.
    :ivar announced: until when it was last asked not to call each model, in
        POSIX seconds, by the kind of account and the model.
    :ivar service_key: signs for its service account, once somebody has asked.
    :ivar too_soon: how many generate calls it made before that.
    """

    account: Account
    refresh_token: str = field(repr=False)
    orders: Orders = Orders()
    purse: Purse = field(factory=Purse)
    issued: int = 0
    rotations: int = 0
    consents: int = 0
    consented: bool = False
    askings: int = 0
    former_projects: set[str] = field(factory=set)
    announced: dict[tuple[str | None, str], float] = field(factory=dict)
    too_soon: int = 0
    service_key: ServiceKey | None = field(default=None, repr=False)

    @property
    def project(self) -> str:
        """The only Cloud project that it may name now."""
        return self.orders.project or self.account.project

    def move(self, project: str) -> None:
        """Give it another project.  The one it has had is gone."""
        self.former_projects.add(self.project)
        self.former_projects.discard(project)
        self.orders = evolve(self.orders, project=project)

    def begin_onboarding(self) -> None:
        """Forget an onboarding that has failed, so that another can be tried."""
        if self.orders.onboarding_error and self._asked_enough():
            self.askings = 0

    def onboarding_over(self) -> bool:
        """Ask whether its onboarding is over, well (it is onboarded then) or not."""
        if self.orders.onboarded:
            return True
        self.askings += 1
        over = self._asked_enough()
        if over and not self.orders.onboarding_error:
            self.orders = evolve(self.orders, onboarded=True)
        return over

    def _asked_enough(self) -> bool:
        polls = self.orders.onboarding_polls
        return polls is not None and self.askings >= polls

    def wait(self, model: str, now: float) -> float | None:
        """In how many seconds it has quota for *model*, None when it has some."""
        return self.purse.wait(model, now, self._reset)

    def fraction(self, model: str, now: float) -> float:
        """How much of its quota for *model* is left, of 1."""
        return self.purse.fraction(model, now, self._reset)

    def limit(self, model: str, now: float) -> int:
        """How many calls the quota has that holds for *model*."""
        return self.purse.limit(model, now, self._reset)

    def spend(self, model: str, now: float) -> None:
        """Make a generate call for which there is quota."""
        self.purse.spend(model, now, self._reset)

    @property
    def _reset(self) -> float:
        return seconds_in(self.orders.quota_reset)

    def overview(self) -> dict[str, Any]:
        """What ``GET /sandbox`` says of it."""
        orders = self.orders
        left = self.purse.left
        return {
            "name": self.account.name,
            "project": self.project,
            "numericProject": orders.numeric_project,
            "refreshToken": self.refresh_token,
            "apiKey": self.account.api_key,
            "expiresIn": orders.expires_in,
            "refreshRevoked": orders.refresh_revoked,
            "tier": orders.tier,
            "ineligible": orders.ineligible,
            "onboarded": orders.onboarded,
            "onboardingPolls": orders.onboarding_polls,
            "onboardingError": orders.onboarding_error,
            "quotaLeft": left.pop(EVERY_MODEL, None),
            "quotasLeft": left,
            "quotaReset": orders.quota_reset,
            "quotaUnknown": orders.quota_unknown,
            "consentBlocked": orders.consent_blocked,
            "refreshWithheld": orders.refresh_withheld,
            "idTokenWithheld": orders.id_token_withheld,
            "refreshExpiresIn": orders.refresh_expires_in,
            "tooSoon": self.too_soon,
        }


@frozen
class AccessToken:
    """
    A token in somebody's hands.

    :ivar expires: when it does, in POSIX seconds.
    :ivar tells_email: whether it may be told its holder's e-mail.
    """

    holder: Standing
    expires: float
    tells_email: bool = True


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

    def by_email(self, email: str) -> Standing | None:
        """The account whose owner signs in with that."""
        return next((one for one in self if one.account.email == email), None)

    def by_refresh_token(self, token: str) -> Standing | None:
        """Whose refresh token that is, dead ones of the past not counting."""
        return self._by_refresh_token.get(token)

    def by_api_key(self, key: str) -> Standing | None:
        """Whose API key that is."""
        standing = self.named(key.removeprefix(API_KEY))
        return standing if standing and standing.account.api_key == key else None

    def by_subject_token(self, token: str) -> Standing | None:
        """Whom that subject token stands for."""
        standing = self.named(token.removeprefix(SUBJECT_TOKEN))
        known = standing and standing.account.subject_token == token
        return standing if known else None

    def by_client_email(self, email: str) -> Standing | None:
        """Whose service account that is."""
        standing = self.named(email.partition("@")[0].removeprefix("sandbox-"))
        known = standing and standing.account.client_email == email
        return standing if known else None

    def by_access_token(self, token: str) -> AccessToken | None:
        """The access token spelled *token*, which may have expired."""
        return self._access_tokens.get(token)

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._standings.values())

    def issue(self, standing: Standing, now: float, tells_email: bool = True) -> str:
        """Give *standing* a new access token; earlier ones stay good."""
        standing.issued += 1
        token = f"ya29.sandbox-{standing.account.name}-{standing.issued}"
        expires = now + standing.orders.expires_in
        self._access_tokens[token] = AccessToken(standing, expires, tells_email)
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
        del self._by_refresh_token[standing.refresh_token]
        self._begin(standing, successor)
        standing.orders = evolve(standing.orders, rotate=False)
        return successor

    def consent(self, standing: Standing) -> str:
        """
        Give *standing* another refresh token, since its owner has consented.

        Earlier ones stay good, unless they were revoked.
        """
        standing.consents += 1
        successor = f"{standing.account.refresh_token}-c{standing.consents}"
        if standing.orders.refresh_revoked:
            self._drop(standing)
            standing.orders = evolve(standing.orders, refresh_revoked=False)
        self._begin(standing, successor)
        return successor

    def withdraw(self, standing: Standing) -> None:
        """Have the owner of *standing* take back whatever they have consented to."""
        standing.consented = False
        standing.orders = evolve(standing.orders, refresh_revoked=True)
        self.revoke_access(standing)

    def restore(self, standing: Standing) -> None:
        """Make *standing* as good as new; its access tokens keep their life."""
        standing.orders = Orders()
        standing.purse.clear()
        standing.askings = 0
        standing.former_projects.clear()
        standing.announced.clear()
        standing.too_soon = 0
        standing.consented = False
        self._drop(standing)
        self._begin(standing, standing.account.refresh_token)

    def _drop(self, standing: Standing) -> None:
        """Kill every refresh token of *standing*."""
        owners = self._by_refresh_token.items()
        for token in [token for token, owner in owners if owner is standing]:
            del self._by_refresh_token[token]

    def _begin(self, standing: Standing, refresh_token: str) -> None:
        standing.refresh_token = refresh_token
        self._by_refresh_token[refresh_token] = standing
