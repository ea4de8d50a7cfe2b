"""
What a kind of account is: all in which one of Google's APIs differs from another.

Clients, pool, cooldowns and the command line are the same for every kind; what a
request looks like, what comes back, and what lets an account in is the kind's affair.
Each has a file in ``kinds``, and nothing else asks which kind an account is of.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar, Self

from attrs import define, field, frozen
from twisted.internet.defer import Deferred

from antigravity_gw.causes import Cause
from antigravity_gw.reach import Reach
from antigravity_gw.record import Record
from antigravity_gw.upstream.client import Upstream
from antigravity_gw.upstream.credentials import Exchange
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.upstream.order import Order
from antigravity_gw.wire.ask import Ask
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.judging import Table
from antigravity_gw.wire.oauth import AccessToken, OAuthClient


@frozen
class Caller:
    """
    On whose behalf Google is asked.

    :ivar token: what lets it in.
    :ivar project: its Google Cloud project; empty where its kind needs none.
    """

    record: Record
    token: str = field(repr=False)
    project: str = field(repr=False)


@frozen
class Given:
    """
    What an operator gave to let an account in, found good as far as can be told.

    :ivar project: the project that it names itself.
    :ivar doubt: what may still be wrong with it; a clause.
    """

    credential: str = field(repr=False)
    project: str | None = field(default=None, repr=False)
    doubt: str | None = None


@frozen
class Standing:
    """
    What an account is entitled to, according to Google.

    :ivar told: a clause for the operator.
    :ivar doubt: what is probably behind a refusal that does not say why.
    """

    told: str
    doubt: Cause | None = None


@frozen(kw_only=True)
class Means:
    """
    What a kind has to work with.

    :ivar upstream: its own line to Google.
    :ivar reach: as the operator has it.
    :ivar endpoints: knows which hosts are failing.
    :ivar in_thread: runs what would block.
    :ivar exchange: exchanges credentials, and would block.
    :ivar client: the configured OAuth client.
    :ivar token_seconds: how long to wait for an access token.
    :ivar onboarding_seconds: how long to wait for an account to be set up.
    :ivar makes_images: tells the models that make images by their name.
    """

    upstream: Upstream
    reach: Reach
    endpoints: Endpoints
    in_thread: Callable[[Callable[[], Any]], Deferred[Any]]
    exchange: Exchange
    client: OAuthClient | None
    token_url: str
    userinfo_url: str
    token_seconds: float
    onboarding_seconds: float
    makes_images: Callable[[str], bool]


@define(eq=False)
class Kind(ABC):
    """
    One kind of account.

    :ivar name: what it is called in the configuration, the store and metrics.
    :ivar title: what people call it.
    :ivar secret: what an operator gives for an account, as people call it.
    :ivar is_typed: whether that is a word that can be typed or pasted.
    :ivar errors: what its errors mean.
    :ivar has_client: whether its accounts need an OAuth client.
    :ivar has_location: whether their requests are served in a place of their own.
    :ivar has_project: whether they are asked with under a project.
    :ivar finds_project: whether Google says which project they have.
    :ivar tells_quotas: whether it says what is left of their quotas.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    secret: ClassVar[str]
    is_typed: ClassVar[bool] = True
    errors: ClassVar[Table]
    has_client: ClassVar[bool] = False
    has_location: ClassVar[bool] = False
    has_project: ClassVar[bool] = True
    finds_project: ClassVar[bool] = False
    tells_quotas: ClassVar[bool] = False
    means: Means

    @classmethod
    @abstractmethod
    def read_credential(cls, text: str) -> Given:
        """
        Check what an operator gave for an account.

        :raises ValueError: saying what is wrong with it, and what was expected.
        """

    @staticmethod
    @abstractmethod
    def opened(data: bytes) -> bytes | None:
        """
        What an answer, or an event of one, holds for the client, if anything.

        :raises UpstreamError: when it holds an error.
        :raises MalformedStream: when it is not a JSON object in UTF-8.
        """

    @property
    def upstream(self) -> Upstream:
        """Its line to Google."""
        return self.means.upstream

    def hosts(self, record: Record) -> Sequence[str]:
        """The base URLs that can be asked for an account, the preferred one first."""
        return self.means.reach.endpoints

    def knows(self, record: Record) -> Hashable:
        """Accounts of the kind for which this is the same know the same models."""
        return None

    @abstractmethod
    def order(self, ask: Ask, caller: Caller, host: str) -> Order:
        """The request for an answer to *ask*."""

    @abstractmethod
    async def mint(self, record: Record) -> AccessToken:
        """
        What lets an account in for a while.

        :raises RenewalFailed: when it is not to be had.
        :raises GatewayError: when nobody says so.
        """

    def client_of(self, record: Record) -> OAuthClient | None:
        """The OAuth client that an account needs, if there is one."""
        return None

    def secrets_of(self, record: Record) -> Sequence[str]:
        """What no client may read of an account's credential."""
        return (record.credential,)

    @abstractmethod
    def project_of(self, record: Record) -> str | None:
        """An account's project, empty where none is needed; None for ask Google."""

    async def find_project(self, record: Record, token: str) -> str | None:
        """
        The project that Google says an account has, or else the configured one.

        :raises Setback: when Google would not say, or will not have the account.
        """
        return self.project_of(record)

    async def identity(self, record: Record, token: str) -> str | None:
        """
        Who an account is, for its operator's eyes; None where that is unknown.

        :raises Setback: when Google would not say.
        """
        return None

    async def standing(self, caller: Caller) -> Standing | None:
        """
        What an account is entitled to; None where there is nobody to ask.

        :raises Setback: when Google would not say, or will not have the account.
        """
        return None

    async def find_quotas(self, caller: Caller) -> dict[str, Remaining]:
        """
        What is left for each model; empty where Google lists none.

        :raises Setback: when Google would not say.
        """
        return {}


@define(eq=False)
class Kinds:
    """The kinds there are, by name; others take their place when settings change."""

    _by_name: Mapping[str, Kind]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def of(self, record: Record) -> Kind:
        """The kind of an account."""
        return self._by_name[record.kind]

    def go_by(self, other: Self) -> None:
        """Go by the settings of *other* from now on."""
        self._by_name = other._by_name
