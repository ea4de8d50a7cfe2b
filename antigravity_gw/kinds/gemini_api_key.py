"""
Keys of the public Gemini API, as Google AI Studio and the Cloud console give them out.

The key itself lets a request in; nothing is wrapped around it or its answer, and it
belongs to a project of Google's knowledge, so none is named.
"""

import math

from attrs import define

from antigravity_gw.causes import Cause
from antigravity_gw.kind import Caller, Given, Kind
from antigravity_gw.needs import Need
from antigravity_gw.record import Record
from antigravity_gw.upstream.order import Order
from antigravity_gw.wire.ask import Ask
from antigravity_gw.wire.envelope import unwrapped
from antigravity_gw.wire.judging import (
    CONSOLE,
    IS_OFF,
    NO_SERVICE_HERE,
    Row,
    Table,
    human,
)
from antigravity_gw.wire.oauth import AccessToken
from antigravity_gw.wire.signs import always, begins, either, gives

LONGEST_KEY = 512
PREFIXES = ("AIza", "AQ.")
"""What Google's keys begin with."""

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
    Row(
        either(
            gives("API_KEY_INVALID", "API_KEY_EXPIRED"),
            begins("api key not valid", "api key expired", "api key not found"),
        ),
        _INVALID,
    ),
    NO_SERVICE_HERE,
)

_403 = (
    Row(
        gives("CONSUMER_SUSPENDED"),
        human(
            Need.SUSPENDED,
            "Google has suspended the project of its API key",
            Cause.SUSPENDED,
        ),
    ),
    Row(
        either(
            gives("API_KEY_INVALID", "CONSUMER_INVALID"),
            begins("your api key was reported as leaked", "method doesn't allow"),
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
        IS_OFF,
        human(
            Need.ENTITLEMENT,
            "the Gemini API is off in the project of its API key",
            Cause.API_OFF,
        ),
        mended_at=CONSOLE,
    ),
)


@define(eq=False)
class GeminiApiKey(Kind):
    """See the module."""

    name = "gemini_api_key"
    title = "Gemini API key"
    secret = "API key"
    errors = Table({400: _400, 401: (Row(always, _INVALID),), 403: _403})
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
