"""What the public Gemini API says of a key, and of the project behind it."""

from antigravity_sandbox.google.denials import api_disabled
from antigravity_sandbox.google.errors import (
    PROJECT_NUMBER,
    About,
    error_info,
    help_links,
    localized,
    refusal,
)
from antigravity_sandbox.kinds import GEMINI, SERVICES
from antigravity_sandbox.reply import Reply

_SERVICE = SERVICES[GEMINI]
_CONSUMER = f"projects/{PROJECT_NUMBER}"
_BILLING = "https://console.developers.google.com/billing/enable?project="


def _denied(code: int, message: str, reason: str, **metadata: str) -> Reply:
    """An error in the shape of the front end that looks at keys."""
    info = error_info(reason, "googleapis.com", **metadata)
    return refusal(code, message, info, localized(message))


def key_missing(_: About) -> Reply:
    """There is no API key."""
    return refusal(
        403,
        "Method doesn't allow unregistered callers (callers without established "
        "identity). Please use API Key or other form of API consumer identity to call "
        "this API.",
    )


def key_invalid(_: About) -> Reply:
    """The API key is nobody's."""
    message = "API key not valid. Please pass a valid API key."
    return _denied(400, message, "API_KEY_INVALID", service=_SERVICE)


def key_expired(_: About) -> Reply:
    """The API key has expired; by its reason it is not to be told from a wrong one."""
    message = "API key expired. Please renew the API key."
    return _denied(400, message, "API_KEY_INVALID", service=_SERVICE)


def key_leaked(_: About) -> Reply:
    """The API key was found in public, and is dead."""
    message = "Your API key was reported as leaked. Please use another API key."
    return refusal(403, message)


def service_blocked(about: About) -> Reply:
    """The API key is restricted to other APIs."""
    message = f"Requests to this API {_SERVICE} method {about.rpc} are blocked."
    return _denied(
        403,
        message,
        "API_KEY_SERVICE_BLOCKED",
        consumer=_CONSUMER,
        service=_SERVICE,
        apiName=_SERVICE,
        methodName=about.rpc,
    )


def referrer_blocked(_: About) -> Reply:
    """The API key is restricted to some websites."""
    return _denied(
        403,
        "Requests from referer <empty> are blocked.",
        "API_KEY_HTTP_REFERRER_BLOCKED",
        consumer=_CONSUMER,
        service=_SERVICE,
        httpReferrer="<empty>",
    )


def address_blocked(_: About) -> Reply:
    """The API key is restricted to some addresses; the message names the caller's."""
    return _denied(
        403,
        "The provided API key has an IP address restriction. The originating IP "
        "address of the call (192.0.2.1) violates this restriction.",
        "API_KEY_IP_ADDRESS_BLOCKED",
        consumer=_CONSUMER,
        service=_SERVICE,
        callerIp="192.0.2.1",
    )


def suspended(about: About) -> Reply:
    """The project is suspended; the message repeats the API key, if there is one."""
    name = f"api_key:{about.key}" if about.kind == GEMINI else _CONSUMER
    return _denied(
        403,
        f"Permission denied: Consumer '{name}' has been suspended.",
        "CONSUMER_SUSPENDED",
        consumer=_CONSUMER,
        service=about.service,
        containerInfo=name,
    )


def gemini_disabled(_: About) -> Reply:
    """The Gemini API is off in the project of the key."""
    return api_disabled(_SERVICE, "Generative Language API", PROJECT_NUMBER)


def scopes_missing(about: About) -> Reply:
    """The access token is good, but not for this."""
    info = error_info(
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "googleapis.com",
        service=about.service,
        method=about.rpc,
    )
    return refusal(403, "Request had insufficient authentication scopes.", info)


def location(_: About) -> Reply:
    """The caller is in a country that is not served."""
    message = "User location is not supported for the API use."
    return refusal(400, message, status="FAILED_PRECONDITION")


def location_without_billing(_: About) -> Reply:
    """The caller is in a country that is served for money only."""
    message = "User location is not supported for the API use without a billing "
    message += "account linked."
    return refusal(400, message, status="FAILED_PRECONDITION")


def billing_disabled(about: About) -> Reply:
    """The project has no billing account."""
    url = _BILLING + PROJECT_NUMBER
    message = (
        "This API method requires billing to be enabled. Please enable billing on "
        f"project #{PROJECT_NUMBER} by visiting {url} then retry. If you enabled "
        "billing for this project recently, wait a few minutes for the action to "
        "propagate to our systems and retry."
    )
    info = error_info(
        "BILLING_DISABLED",
        "googleapis.com",
        service=about.service,
        consumer=_CONSUMER,
        containerInfo=PROJECT_NUMBER,
    )
    links = help_links(Google_developers_console_billing=url)
    return refusal(403, message, info, localized(message), links)


def model_not_found(about: About) -> Reply:
    """The public API does not know the model."""
    return refusal(
        404,
        f"models/{about.model} is not found for API version v1beta, or is not "
        f"supported for {about.method}. Call ListModels to see the list of available "
        "models and their supported methods.",
    )
