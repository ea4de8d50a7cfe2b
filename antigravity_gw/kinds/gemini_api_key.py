"""
Keys of the public Gemini API, as Google AI Studio and the Cloud console give them out.

The key itself lets a request in; nothing is wrapped around it or its answer, and it
belongs to a project of Google's knowledge, so none is named.
"""

import math

from attrs import define

from antigravity_gw.causes import Cause
from antigravity_gw.kind import Caller, Given, Kind, Standing
from antigravity_gw.needs import Need
from antigravity_gw.record import Record
from antigravity_gw.upstream.order import Order
from antigravity_gw.wire.ask import Ask
from antigravity_gw.wire.envelope import unwrapped
from antigravity_gw.wire.judging import (
    BILLING_OFF,
    CONSOLE,
    FOREIGN,
    NO_SERVICE_HERE,
    NOBODYS_WORD,
    UNPAID,
    Row,
    Table,
    foreign_to,
    human,
    is_off,
)
from antigravity_gw.wire.oauth import AccessToken
from antigravity_gw.wire.signs import (
    always,
    begins,
    both,
    either,
    gives,
    is_unreadable,
    refuses,
    says,
)
from antigravity_gw.wire.verdict import Blame, Verdict

LONGEST_KEY = 512
PREFIXES = ("AIza", "AQ.")
"""What Google's keys begin with."""

_SERVICE = "generativelanguage.googleapis.com"

_INVALID = human(
    Need.CREDENTIAL,
    "Google does not accept its API key: it is wrong, has expired or was blocked",
    Cause.KEY_INVALID,
)
_RESTRICTED = human(
    Need.CREDENTIAL,
    "its API key is restricted: to other services, addresses, apps or web sites",
    Cause.KEY_RESTRICTED,
)

_400 = (
    foreign_to(_SERVICE),
    Row(
        either(
            gives("API_KEY_INVALID", "API_KEY_EXPIRED"),
            begins("api key not valid", "api key expired", "api key not found"),
        ),
        _INVALID,
    ),
    NO_SERVICE_HERE,
)

_401 = (
    Row(is_unreadable, NOBODYS_WORD),
    foreign_to(_SERVICE),
    Row(
        always,
        human(
            Need.CREDENTIAL,
            "Google does not accept its API key, or no more keys of its kind: make a "
            "new one in AI Studio",
            Cause.KEY_INVALID,
        ),
    ),
)

_403 = (
    FOREIGN,
    foreign_to(_SERVICE),
    BILLING_OFF,
    # It never comes without: Google loses a key now and then.  Hence once more, and
    # no host is to rest that serves all the other keys; but if it is lost again,
    # the client must not be told to show its key.
    Row(
        begins("method doesn't allow unregistered callers"),
        Verdict(
            Blame.TOKEN,
            "Google has not seen its API key",
            need=Need.CREDENTIAL,
            cause=Cause.KEY_INVALID,
        ),
    ),
    Row(
        either(
            both(gives("CONSUMER_SUSPENDED"), refuses(_SERVICE)),
            begins("your project has been denied access"),
        ),
        human(
            Need.SUSPENDED,
            "Google has suspended the project of its API key",
            Cause.SUSPENDED,
        ),
    ),
    Row(
        either(
            both(gives("API_KEY_INVALID", "CONSUMER_INVALID"), refuses(_SERVICE)),
            begins("your api key was reported as leaked"),
        ),
        _INVALID,
    ),
    Row(
        gives(
            "API_KEY_SERVICE_BLOCKED",
            "API_KEY_HTTP_REFERRER_BLOCKED",
            "API_KEY_IP_ADDRESS_BLOCKED",
            "API_KEY_ANDROID_APP_BLOCKED",
            "API_KEY_IOS_APP_BLOCKED",
        ),
        _RESTRICTED,
    ),
    Row(
        is_off(_SERVICE, "gemini api", "generative language api"),
        human(
            Need.ENTITLEMENT,
            "the Gemini API is off in the project of its API key",
            Cause.API_OFF,
        ),
        mended_at=CONSOLE,
    ),
    UNPAID,
    Row(
        begins(
            "access to generativelanguage.googleapis.com is restricted from your "
            "billing country"
        ),
        human(
            Need.ENTITLEMENT,
            "Google does not serve the country its project is billed in",
            Cause.REGION,
        ),
    ),
)

_NEWCOMER = Verdict(
    Blame.HUMAN,
    "Google keeps the model from accounts that have not used it before",
    need=Need.ENTITLEMENT,
    cause=Cause.MODEL_FORBIDDEN,
)

# The others may have used it.
_404 = (
    Row(both(begins("this model models/"), says("available to new users")), _NEWCOMER),
)

_429 = (
    Row(
        begins("your prepayment credits are depleted"),
        human(
            Need.ENTITLEMENT,
            "the credits paid in advance are used up: buy more in AI Studio",
            Cause.CREDITS,
        ),
    ),
    Row(
        begins(
            "your project has exceeded its monthly spending cap",
            "your billing account has exceeded its monthly spending cap",
        ),
        Verdict(
            Blame.QUOTA,
            "the month's spending cap is reached, which AI Studio lets you raise",
            is_account_wide=True,
            cause=Cause.SPENDING_CAP,
        ),
    ),
)


@define(eq=False)
class GeminiApiKey(Kind):
    """See the module."""

    name = "gemini_api_key"
    title = "Gemini API key"
    secret = "API key"
    has_project = False
    errors = Table({400: _400, 401: _401, 403: _403, 404: _404, 429: _429})
    opened = staticmethod(unwrapped)

    @classmethod
    def read_credential(cls, text: str) -> Given:
        """An API key."""
        is_word = text.isascii() and text.isprintable() and " " not in text
        if not is_word or len(text) > LONGEST_KEY:
            raise ValueError("that is no API key: one is a word of about 40 letters")
        if text.startswith(("1//", "ya29.")):
            raise ValueError("that is an OAuth token, where an API key was expected")
        if not text.startswith(PREFIXES):
            known = " or ".join(PREFIXES)
            return Given(text, doubt=f"Google's API keys begin with {known}")
        return Given(text)

    def order(self, ask: Ask, caller: Caller, host: str) -> Order:
        """The client's object as it is."""
        method = "generateContent" if ask.is_whole else "streamGenerateContent?alt=sse"
        url = f"{host}/v1beta/models/{ask.model}:{method}"
        return Order(url, (("x-goog-api-key", caller.token),))

    async def mint(self, record: Record) -> AccessToken:
        """The key itself, which is good until somebody says that it is not."""
        return AccessToken(record.credential, math.inf)

    def project_of(self, record: Record) -> str | None:
        """The key knows."""
        return ""

    async def standing(self, caller: Caller) -> Standing | None:
        """Whether Google lists the models to it."""
        host, *_ = self.hosts(caller.record)
        order = Order(f"{host}/v1beta/models", (("x-goog-api-key", caller.token),))
        await self.upstream.look_up(order)
        return Standing("it may use the Gemini API")
