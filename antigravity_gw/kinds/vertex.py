"""
Projects with Vertex AI, let in by Application Default Credentials.

Those may be of a user, of a service account, or of an identity elsewhere that stands
for one; Google's own library exchanges them for access tokens, in a thread.  Requests
go to a location, under a project that the operator names.
"""

import json
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from attrs import define

from antigravity_gw.causes import Cause
from antigravity_gw.checks import is_project, is_upstream_url
from antigravity_gw.errors import Unreachable, UpstreamTimeout
from antigravity_gw.kind import Caller, Given, Kind
from antigravity_gw.needs import Need
from antigravity_gw.record import Record
from antigravity_gw.upstream.order import Headers, Order, bearer
from antigravity_gw.waiting import within
from antigravity_gw.wire.ask import Ask
from antigravity_gw.wire.envelope import unwrapped
from antigravity_gw.wire.jsons import decoded
from antigravity_gw.wire.judging import (
    BEHIND_PERIMETER,
    BILLING_OFF,
    CONSOLE,
    FOREIGN,
    NO_SERVICE_HERE,
    NOBODYS_WORD,
    ROLE_WANTED,
    SCOPES_MISSING,
    UNPAID,
    Row,
    Table,
    foreign_to,
    human,
    is_off,
)
from antigravity_gw.wire.oauth import AccessToken
from antigravity_gw.wire.signs import (
    SHORT,
    always,
    begins,
    both,
    gives,
    is_unreadable,
    reads,
    refuses,
    says,
)
from antigravity_gw.wire.verdict import Blame, Verdict

GLOBAL = "global"
"""Where requests are served unless the operator says otherwise."""

REQUIRED = {
    "authorized_user": ("client_id", "client_secret", "refresh_token"),
    "service_account": ("client_email", "private_key", "token_uri"),
    "external_account": ("audience", "subject_token_type", "token_url"),
}
"""What credentials must have in them, by their type."""

URLS = ("token_uri", "token_url", "service_account_impersonation_url")
"""Where they are exchanged."""

PAYER = "quota_project_id"
"""What credentials call the project that is charged."""

PARTICULAR = (
    *("client_id", "client_secret", "refresh_token", "account"),
    *("client_email", "private_key", "private_key_id", "project_id"),
    *("quota_project_id", "audience", "service_account_impersonation_url"),
)
"""What they may have in them that is nobody else's affair."""

_SERVICE = "aiplatform.googleapis.com"
_MODEL = r"projects/[^/]+/locations/[^/]+/publishers/google/models/"

_400 = (
    ROLE_WANTED,
    NO_SERVICE_HERE,
    Row(
        both(gives("CONSUMER_INVALID"), refuses(_SERVICE)),
        human(Need.PROJECT, "its project does not exist", Cause.WRONG_PROJECT),
    ),
    Row(
        begins("organization policy constraint"),
        Verdict(
            Blame.HUMAN,
            "a policy of its organisation forbids it the model",
            need=Need.ENTITLEMENT,
            cause=Cause.ADMIN,
        ),
    ),
    Row(
        says("constraints/gcp.resourcelocations"),
        human(
            Need.ENTITLEMENT,
            "a policy of its organisation forbids it its location",
            Cause.LOCATION,
        ),
    ),
    Row(
        both(begins("project `"), says("is not allowed to use publisher model")),
        Verdict(
            Blame.HUMAN,
            "its project may not use the model",
            need=Need.ENTITLEMENT,
            cause=Cause.MODEL_FORBIDDEN,
        ),
    ),
    Row(
        both(begins("publisher model `"), says("is not servable in region")),
        Verdict(
            Blame.MISSING,
            "its location does not have the model",
            cause=Cause.NO_SUCH_MODEL,
        ),
    ),
    # Ours it is, not the client's; but other accounts are asked at other hosts.
    Row(
        begins("invalid hostname"),
        Verdict(
            Blame.ENDPOINT,
            "there is no such host: look at the account's location and at "
            "upstream.vertex.endpoints",
        ),
    ),
)

_401 = (
    Row(is_unreadable, NOBODYS_WORD),
    foreign_to(_SERVICE),
    Row(
        always,
        Verdict(
            Blame.TOKEN,
            "the access token was refused",
            need=Need.CREDENTIAL,
            cause=Cause.TOKEN_REFUSED,
        ),
    ),
)

_403 = (
    FOREIGN,
    foreign_to(_SERVICE),
    BILLING_OFF,
    Row(
        is_off(_SERVICE, "vertex ai api", "agent platform api"),
        human(
            Need.ENTITLEMENT, "the Vertex AI API is off in its project", Cause.API_OFF
        ),
        mended_at=CONSOLE,
    ),
    Row(
        # Without that word it may be a project that the client has named.
        both(gives("CONSUMER_INVALID", "USER_PROJECT_DENIED"), refuses(_SERVICE)),
        human(
            Need.PROJECT,
            "its project does not exist or is not its own",
            Cause.WRONG_PROJECT,
        ),
    ),
    Row(
        both(gives("CONSUMER_SUSPENDED"), refuses(_SERVICE)),
        human(Need.SUSPENDED, "Google has suspended its project", Cause.SUSPENDED),
    ),
    UNPAID,
    BEHIND_PERIMETER,
    Row(
        SCOPES_MISSING,
        human(
            Need.CREDENTIAL, "its credentials lack a scope for Vertex AI", Cause.SCOPES
        ),
    ),
    # On one of Google's models, and on nothing else that a request may refer to.  It
    # may be about that one only: no client is to take the account from the others.
    Row(
        reads(
            r"permission 'aiplatform\.endpoints\.predict' denied on resource "
            rf"'//{_SERVICE}/{_MODEL}"
        ),
        Verdict(
            Blame.HUMAN,
            "its credentials lack a role, such as Vertex AI User, on its project",
            need=Need.ENTITLEMENT,
            cause=Cause.ROLE,
        ),
    ),
)

_429 = (
    Row(
        both(
            begins("quota exceeded for aiplatform.googleapis.com/"),
            says("_per_minute_"),
        ),
        Verdict(
            Blame.RATE,
            "too many requests in a minute",
            delay=60.0,
            cause=Cause.TOO_FAST,
        ),
        longest=SHORT,
    ),
)

REGIONAL = "{location}-aiplatform.googleapis.com"
_ELSEWHERE = {
    GLOBAL: "aiplatform.googleapis.com",
    "us": "aiplatform.us.rep.googleapis.com",
    "eu": "aiplatform.eu.rep.googleapis.com",
}
"""Google's hosts for the locations that are no regions."""


@define(eq=False)
class Vertex(Kind):
    """See the module."""

    name = "vertex"
    title = "Vertex AI"
    secret = "file of the credentials"
    is_typed = False
    has_location = True
    errors = Table({400: _400, 401: _401, 403: _403, 429: _429})
    opened = staticmethod(unwrapped)

    @classmethod
    def read_credential(cls, text: str) -> Given:
        """The JSON of Application Default Credentials."""
        told = decoded(text.encode(), dict[str, Any])
        if told is None:
            raise ValueError("that is not JSON; expected the file of the credentials")
        kind = told.get("type")
        if not isinstance(kind, str) or kind not in REQUIRED:
            known = ", ".join(REQUIRED)
            raise ValueError(f"its type is {kind!r}, where one of {known} was expected")
        missing = [k for k in REQUIRED[kind] if not isinstance(told.get(k), str)]
        if missing:
            raise ValueError(f"there is no {' and no '.join(missing)} in it")
        for name in URLS:
            url = told.get(name, "https://default")
            if not isinstance(url, str) or not is_upstream_url(url):
                raise ValueError(f"its {name} is no https URL, and secrets go there")
        project = _project(told, "project_id") or _project(told, PAYER)
        return Given(json.dumps(told, separators=(",", ":")), project)

    def hosts(self, record: Record) -> Sequence[str]:
        """Those of the account's location."""
        place = record.location or GLOBAL
        return [_host_in(place, host) for host in self.means.reach.endpoints]

    def knows(self, record: Record) -> Hashable:
        """Models are let in by project, and are not in every location."""
        return record.project, record.location

    def order(self, ask: Ask, caller: Caller, host: str) -> Order:
        """The client's object as it is."""
        method = "generateContent" if ask.is_whole else "streamGenerateContent?alt=sse"
        place = caller.record.location or GLOBAL
        url = (
            f"{host}/v1/projects/{caller.project}/locations/{place}"
            f"/publishers/google/models/{ask.model}:{method}"
        )
        return Order(url, (bearer(caller.token), *_payer(caller.record.credential)))

    async def mint(self, record: Record) -> AccessToken:
        """Have Google's library exchange the credentials."""
        means = self.means
        token_for = partial(means.exchange.token_for, record.credential)
        exchanged = means.in_thread(token_for)
        try:
            return await within(means.token_seconds, self.upstream.clock, exchanged)
        except UpstreamTimeout as error:
            raise Unreachable(
                "what its credentials need has not come about in time"
            ) from error

    def secrets_of(self, record: Record) -> Sequence[str]:
        """All that is particular to the credentials."""
        return _particulars(record.credential)

    def project_of(self, record: Record) -> str | None:
        """The operator's word; there is nobody to ask."""
        return record.project

    async def identity(self, record: Record, token: str) -> str | None:
        """What the credentials say of themselves."""
        told = decoded(record.credential.encode(), dict[str, Any]) or {}
        match told:
            case {"client_email": str(email)} if email.isprintable():
                return email
            case {"type": "authorized_user"}:
                return "a user's credentials, which do not say whose"
            case _:
                return "an identity elsewhere, by its workload identity pool"


def _host_in(place: str, template: str) -> str:
    """
    The base URL for a location.

    Google's own hosts have three forms of name.  In those of an operator, such as
    private endpoints, the location stands where its place is, if it has one.
    """
    if place in _ELSEWHERE:
        template = template.replace(REGIONAL, _ELSEWHERE[place])
    return template.replace("{location}", place)


@lru_cache(maxsize=256)
def _particulars(credential: str) -> tuple[str, ...]:
    """What the credentials say that tells them from others."""
    told = decoded(credential.encode(), dict[str, Any]) or {}
    return tuple(told[key] for key in PARTICULAR if isinstance(told.get(key), str))


@lru_cache(maxsize=256)
def _payer(credential: str) -> Headers:
    """Who is charged, where credentials name somebody, as Google's library has it."""
    payer = _project(decoded(credential.encode(), dict[str, Any]) or {}, PAYER)
    return (("x-goog-user-project", payer),) if payer else ()


def _project(told: Mapping[str, Any], name: str) -> str | None:
    """A project that credentials name, if it is fit for a URL and a header."""
    project = told.get(name)
    return project if isinstance(project, str) and is_project(project) else None
