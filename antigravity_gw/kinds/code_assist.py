"""
Accounts of people with a Code Assist licence, at Google's private ``v1internal``.

They are let in by an OAuth refresh token, their requests travel in an envelope
under a project that Google assigns, and Google tells what is left of their quotas.
"""

from attrs import define, field

from antigravity_gw.causes import Cause
from antigravity_gw.kind import Caller, Given, Kind, Standing
from antigravity_gw.needs import Need
from antigravity_gw.record import CODE_ASSIST, Record
from antigravity_gw.upstream.companion import Companion
from antigravity_gw.upstream.order import Order, bearer
from antigravity_gw.upstream.projects import Projects
from antigravity_gw.upstream.quotas import Quotas
from antigravity_gw.wire.ask import Ask
from antigravity_gw.wire.companion import BEHIND_PERIMETER as UNASKABLE
from antigravity_gw.wire.companion import FREE, Membership, Remaining, refusal
from antigravity_gw.wire.envelope import seal, unsealed
from antigravity_gw.wire.judging import (
    BEHIND_PERIMETER,
    CONSOLE,
    FOREIGN,
    IS_OFF,
    NO_SERVICE_HERE,
    NOBODYS_WORD,
    NOT_ITS_OWN,
    ROLE_WANTED,
    SCOPES_MISSING,
    Row,
    Table,
    foreign_to,
    human,
    is_off,
)
from antigravity_gw.wire.oauth import (
    AccessToken,
    OAuthClient,
    RenewalFailed,
    checked_refresh_token,
    read_renewal,
    renewal_form,
)
from antigravity_gw.wire.signs import (
    always,
    begins,
    both,
    either,
    gives,
    is_lost_project,
    is_unreadable,
    mentions,
    reads,
    refuses,
    says,
)
from antigravity_gw.wire.verdict import Blame, Verdict

_COMPANION = "cloudaicompanion.googleapis.com"
_SERVICES = (
    _COMPANION,
    "cloudcode-pa.googleapis.com",
    "daily-cloudcode-pa.googleapis.com",
    "staging-cloudcode-pa.googleapis.com",
    "serviceusage.googleapis.com",
)
"""Those that a call needs, whatever the client asks for."""

_OWN = r"(?:cloudaicompanion|cloudcode|serviceusage)\."
"""How the permissions begin that it needs."""

_VERIFY = "verify your account"
_SIGN_IN = ("accounts.google.com",)
_MANUAL = ("cloud.google.com", "support.google.com")


def _operator(reason: str, cause: Cause) -> Verdict:
    return Verdict(
        Blame.OPERATOR, reason, need=Need.CLIENT, is_account_wide=True, cause=cause
    )


_WRONG_PROJECT = Verdict(
    Blame.PROJECT,
    "the account's project does not exist or is not its own",
    need=Need.PROJECT,
    cause=Cause.WRONG_PROJECT,
)

_400 = (
    ROLE_WANTED,
    Row(
        either(
            gives("RESOURCE_PROJECT_INVALID"),
            begins("invalid project resource name"),
        ),
        _WRONG_PROJECT,
    ),
    NO_SERVICE_HERE,
)

_403 = (
    FOREIGN,
    foreign_to(*_SERVICES),
    Row(reads(rf"permission '(?!{_OWN})"), NOT_ITS_OWN),
    Row(
        says("violation of terms of service"),
        human(Need.SUSPENDED, "Google has suspended the account", Cause.SUSPENDED),
    ),
    Row(
        either(
            gives("VALIDATION_REQUIRED"), begins(_VERIFY, f"to continue, {_VERIFY}")
        ),
        human(Need.VALIDATION, "Google wants the account verified", Cause.UNVERIFIED),
        mended_at=_SIGN_IN,
    ),
    Row(
        is_off(_COMPANION, "gemini for google cloud api"),
        human(
            Need.ENTITLEMENT,
            "the Gemini for Google Cloud API is off in the account's project, where "
            "the operator can enable it",
            Cause.COMPANION_OFF,
        ),
        mended_at=CONSOLE,
    ),
    Row(
        both(IS_OFF, mentions("cloudcode-pa.googleapis.com", "service")),
        _operator(
            "Google lets only listed projects use the Cloud Code Private API, and that "
            "of the OAuth client is not listed, which is no mistake of the operator's",
            Cause.NOT_LISTED,
        ),
    ),
    Row(
        both(IS_OFF, refuses(*_SERVICES)),
        _operator(
            "the OAuth client's project may not use an API that is needed",
            Cause.API_OFF,
        ),
    ),
    Row(
        either(
            gives("CONSUMER_INVALID", "USER_PROJECT_DENIED"),
            begins("permission denied on resource project"),
            both(
                gives("IAM_PERMISSION_DENIED"), mentions("cloudshell-gca", "resource")
            ),
        ),
        _WRONG_PROJECT,
    ),
    Row(
        either(
            gives("SUBSCRIPTION_REQUIRED"),
            begins(
                "to use gemini code assist you must be a named user",
                "you are currently configured to use a google cloud project but lack",
            ),
        ),
        human(
            Need.ENTITLEMENT,
            "the account has no Gemini Code Assist licence",
            Cause.UNLICENSED,
        ),
        mended_at=_MANUAL,
    ),
    Row(
        both(
            gives("IAM_PERMISSION_DENIED"),
            reads(rf"permission '{_OWN}"),
        ),
        human(Need.ENTITLEMENT, "the account lacks a role on its project", Cause.ROLE),
    ),
    BEHIND_PERIMETER,
    Row(
        SCOPES_MISSING,
        human(
            Need.LOGIN,
            "its owner did not grant all that was asked for at login",
            Cause.SCOPES,
        ),
    ),
    Row(is_unreadable, NOBODYS_WORD),
    # A person whose tier has ended is told no more than this.  Which does not say that
    # it is not the model: no client is to take an account away from the others by
    # asking for one that nobody may use.
    Row(
        always,
        Verdict(
            Blame.HUMAN,
            "Google forbids the account this model",
            need=Need.ENTITLEMENT,
            cause=Cause.MODEL_FORBIDDEN,
        ),
    ),
)

_404 = (Row(either(is_lost_project, begins("resource projects/")), _WRONG_PROJECT),)

NO_CLIENT = (
    "no OAuth client: set oauth.client_id and oauth.client_secret_file in the "
    "configuration, or give the account its own"
)


@define(eq=False)
class CodeAssist(Kind):
    """See the module."""

    name = CODE_ASSIST
    title = "Code Assist"
    secret = "refresh token"
    errors = Table({400: _400, 403: _403, 404: _404})
    opened = staticmethod(unsealed)
    has_client = finds_project = tells_quotas = True
    _projects: Projects = field(init=False)
    _quotas: Quotas = field(init=False)

    def __attrs_post_init__(self) -> None:
        means = self.means
        companion = Companion(means.upstream)
        hosts = means.reach.endpoints
        self._projects = Projects(
            companion,
            hosts,
            means.endpoints,
            means.upstream.clock,
            onboarding=means.onboarding_seconds,
        )
        self._quotas = Quotas(companion, hosts, means.endpoints)

    @classmethod
    def read_credential(cls, text: str) -> Given:
        """A refresh token."""
        return Given(checked_refresh_token(text))

    def order(self, ask: Ask, caller: Caller, host: str) -> Order:
        """The client's object in an envelope."""
        method = "generateContent" if ask.is_whole else "streamGenerateContent?alt=sse"
        head, tail = seal(
            project=caller.project,
            request_id=ask.id,
            model=ask.model,
            user_agent=self.upstream.user_agent,
            request_type="image_gen" if self.means.makes_images(ask.model) else "agent",
        )
        url = f"{host}/v1internal:{method}"
        return Order(url, (bearer(caller.token),), head, tail)

    def client_of(self, record: Record) -> OAuthClient | None:
        """A refresh token is of no use but to the client it was issued to."""
        return record.client or self.means.client

    async def mint(self, record: Record) -> AccessToken:
        """Exchange the refresh token."""
        client = self.client_of(record)
        if client is None:
            raise RenewalFailed(Need.CLIENT, NO_CLIENT, Cause.NO_CLIENT)
        form = renewal_form(client, record.credential)
        return read_renewal(*await self.upstream.post_form(self.means.token_url, form))

    def project_of(self, record: Record) -> str | None:
        """Google has the last word."""
        return None

    async def find_project(self, record: Record, token: str) -> str | None:
        """Google's, which may have to set up the account first."""
        return await self._projects.find(token, record.project)

    async def identity(self, record: Record, token: str) -> str | None:
        """The e-mail address of the user, if logging in has granted to tell it."""
        order = Order(self.means.userinfo_url, (bearer(token),))
        email = (await self.upstream.look_up(order)).get("email")
        return email if isinstance(email, str) and email.isprintable() else None

    async def standing(self, caller: Caller) -> Standing | None:
        """The tier."""
        found = await self._projects.membership(caller.token, caller.record.project)
        return Standing(f"its tier is {found.tier or 'not named'}", _doubt(found))

    async def find_quotas(self, caller: Caller) -> dict[str, Remaining]:
        """What Google says of each model."""
        return await self._quotas.find(caller.token, caller.project)


def _doubt(found: Membership) -> Cause | None:
    """
    Why a member may not be served all the same.

    Of a tier that has ended Google says so only here; the 403 is a bare one.
    """
    if found is UNASKABLE:
        return Cause.PERIMETER
    is_at_risk = found.tier == FREE and found.ineligible
    return refusal(found.ineligible).cause if is_at_risk else None
