"""
Error bodies of the public Gemini API, of Vertex AI and of the token endpoints.

They are data, masked, as ``bodies`` has them for Code Assist.  ``SOURCES`` says
where they were quoted; "text" there means that only the message was, and that it
came without details or that its details are not known.
"""

import json

from attrs import frozen
from bodies import Real, detail, disabled, error, help_at, info, retry

from antigravity_gw.causes import Cause
from antigravity_gw.needs import Need
from antigravity_gw.wire.verdict import Blame

PUBLIC = "generativelanguage.googleapis.com"
VERTEX = "aiplatform.googleapis.com"
GOOGLE = "googleapis.com"
CONSOLE = "https://console.developers.google.com"
STREAM = "google.ai.generativelanguage.v1beta.GenerativeService.StreamGenerateContent"
PREDICT = "google.cloud.aiplatform.v1.PredictionService.GenerateContent"
MODEL = "projects/PROJECT/locations/us-central1/publishers/google/models/gemini-2.5-pro"
CREDENTIALS = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, "
    "login cookie or other valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project."
)
KEYLESS = (
    "API keys are not supported by this API. Expected OAuth2 access token or other "
    "authentication credentials that assert a principal. See "
    "https://cloud.google.com/docs/authentication"
)
LIMITS = "https://ai.google.dev/gemini-api/docs/rate-limits"
SPENT_UP = (
    "Your prepayment credits are depleted. Please go to AI Studio at "
    "https://ai.studio/projects to manage your project and billing."
)
BUSY = (
    "This model is currently experiencing high demand. Spikes in demand are usually "
    "temporary. Please try again later."
)
SHARED = (
    "Resource exhausted. Please try again later. Please refer to "
    "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more "
    "details."
)
REQUESTS = "free_tier_requests"
TOKENS = "free_tier_input_token_count"
REQUESTS_PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
REQUESTS_PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
TOKENS_PER_DAY = "GenerateContentInputTokensPerModelPerDay-FreeTier"
TOKENS_PER_MINUTE = "GenerateContentInputTokensPerModelPerMinute-FreeTier"


def explained(code: int, message: str, reason: str, **metadata: str) -> bytes:
    """A body of the API front end: an ``ErrorInfo``, and the message again."""
    return error(
        code,
        message,
        info(reason, GOOGLE, **metadata),
        detail("LocalizedMessage", locale="en-US", message=message),
    )


def key_refused(message: str) -> bytes:
    """The 400 for a key that does not work."""
    return explained(400, message, "API_KEY_INVALID", service=PUBLIC)


def key_restricted(message: str, reason: str, **metadata: str) -> bytes:
    """The 403 for a key that may not be used so."""
    consumer = "projects/PROJECT"
    return explained(
        403, message, reason, service=PUBLIC, consumer=consumer, **metadata
    )


@frozen
class Quota:
    """
    A quota of the public API that ran out.

    :ivar metric: what follows ``generate_content_`` in its name.
    :ivar limit: how much there is of it; with none, its violation has no value.
    """

    metric: str
    id: str
    limit: int = 0


def ran_out(delay: str, *quotas: Quota, model: str = "gemini-2.5-pro") -> bytes:
    """
    A 429 as the public API has sent it since the end of 2025.

    :param delay: seconds, as the text has them; ``RetryInfo`` has whole ones.
    """
    lines = [
        f"* Quota exceeded for metric: {PUBLIC}/generate_content_{quota.metric}, "
        f"limit: {quota.limit}, model: {model}"
        for quota in quotas
    ]
    violations = [
        {
            "quotaMetric": f"{PUBLIC}/generate_content_{quota.metric}",
            "quotaId": quota.id,
            "quotaDimensions": {"location": "global", "model": model},
            **({"quotaValue": str(quota.limit)} if quota.limit else {}),
        }
        for quota in quotas
    ]
    head = (
        "You exceeded your current quota, please check your plan and billing details. "
        f"For more information on this error, head to: {LIMITS}. To monitor your "
        "current usage, head to: https://ai.dev/rate-limit. "
    )
    return error(
        429,
        "\n".join((head, *lines, f"Please retry in {delay}s.")),
        help_at(LIMITS),
        detail("QuotaFailure", violations=violations),
        retry(f"{delay.partition('.')[0]}s"),
    )


def without_quota(name: str, metric: str, limit: str) -> bytes:
    """The older 429, for a project that has none of a quota in a region."""
    return error(
        429,
        f"Quota exceeded for quota metric {name} of service '{PUBLIC}' for consumer "
        "'project_number:PROJECT'.",
        info(
            "RATE_LIMIT_EXCEEDED",
            GOOGLE,
            quota_metric=f"{PUBLIC}/{metric}",
            service=PUBLIC,
            quota_limit_value="0",
            quota_limit=limit,
            quota_location="us-south1",
            quota_unit="1/min/{project}/{region}",
            consumer="projects/PROJECT",
        ),
        help_at("https://cloud.google.com/docs/quotas/help/request_increase"),
    )


PUBLIC_KEYS = [
    Real(
        "public: no key",
        403,
        error(
            403,
            "Method doesn't allow unregistered callers (callers without established "
            "identity). Please use API Key or other form of API consumer identity to "
            "call this API.",
        ),
        Blame.TOKEN,
        need=Need.CREDENTIAL,
        cause=Cause.KEY_INVALID,
    ),
    Real(
        "public: key not valid",
        400,
        key_refused("API key not valid. Please pass a valid API key."),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.KEY_INVALID,
    ),
    Real(
        "public: key not found",
        400,
        key_refused("API Key not found. Please pass a valid API key."),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.KEY_INVALID,
    ),
    Real(
        "public: key expired",
        400,
        key_refused("API key expired. Please renew the API key."),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.KEY_INVALID,
    ),
    Real(
        "public: key leaked",
        403,
        error(403, "Your API key was reported as leaked. Please use another API key."),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.KEY_INVALID,
    ),
    Real(
        "public: key of a kind no longer taken",
        401,
        error(
            401,
            CREDENTIALS,
            detail(
                "ErrorInfo",
                reason="ACCESS_TOKEN_TYPE_UNSUPPORTED",
                metadata={"service": PUBLIC, "method": STREAM},
            ),
        ),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.KEY_INVALID,
    ),
    Real(
        "public: key where a token is wanted",
        401,
        error(
            401,
            KEYLESS,
            info("CREDENTIALS_MISSING", GOOGLE, method=STREAM, service=PUBLIC),
        ),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.KEY_INVALID,
    ),
    Real(
        "public: key of another service",
        403,
        key_restricted(
            f"Requests to this API {PUBLIC} method {STREAM} are blocked.",
            "API_KEY_SERVICE_BLOCKED",
            apiName=PUBLIC,
            methodName=STREAM,
        ),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.KEY_RESTRICTED,
    ),
    Real(
        "public: key for a web site",
        403,
        key_restricted(
            "Requests from referer <empty> are blocked.",
            "API_KEY_HTTP_REFERRER_BLOCKED",
            httpReferrer="<empty>",
        ),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.KEY_RESTRICTED,
    ),
    Real(
        "public: key for another address",
        403,
        key_restricted(
            "The provided API key has an IP address restriction. The originating IP "
            "address of the call (203.0.113.7) violates this restriction.",
            "API_KEY_IP_ADDRESS_BLOCKED",
            callerIp="203.0.113.7",
        ),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.KEY_RESTRICTED,
    ),
    Real(
        "public: key for Android",
        403,
        key_restricted(
            "Requests from this Android client application <empty> are blocked.",
            "API_KEY_ANDROID_APP_BLOCKED",
            androidPackage="<empty>",
        ),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.KEY_RESTRICTED,
    ),
    Real(
        "public: key for iOS",
        403,
        key_restricted(
            "Requests from this iOS client application <empty> are blocked.",
            "API_KEY_IOS_APP_BLOCKED",
            iosBundleId="<empty>",
        ),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.KEY_RESTRICTED,
    ),
]

PUBLIC_DENIALS = [
    Real(
        "public: API off",
        403,
        disabled(PUBLIC, "Gemini API"),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        link=f"{CONSOLE}/apis/api/{PUBLIC}/overview?project=PROJECT",
        cause=Cause.API_OFF,
    ),
    Real(
        "public: API off, by its older name",
        403,
        disabled(PUBLIC, "Generative Language API"),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        link=f"{CONSOLE}/apis/api/{PUBLIC}/overview?project=PROJECT",
        cause=Cause.API_OFF,
    ),
    Real(
        "public: suspended",
        403,
        key_restricted(
            "Permission denied: Consumer 'api_key:KEY' has been suspended.",
            "CONSUMER_SUSPENDED",
            containerInfo="api_key:KEY",
        ),
        Blame.HUMAN,
        need=Need.SUSPENDED,
        is_account_wide=True,
        cause=Cause.SUSPENDED,
    ),
    Real(
        "public: project denied",
        403,
        error(403, "Your project has been denied access. Please contact support."),
        Blame.HUMAN,
        need=Need.SUSPENDED,
        is_account_wide=True,
        cause=Cause.SUSPENDED,
    ),
    Real(
        "public: bills unpaid",
        403,
        error(403, "Lightning dunning decision is deny for project: projects/PROJECT"),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        cause=Cause.BILLING,
    ),
    Real(
        "public: billed in the wrong country",
        403,
        error(
            403,
            f"Access to {PUBLIC} is restricted from your billing country and was "
            "denied for projects/PROJECT.",
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        cause=Cause.REGION,
    ),
    Real(
        "public: model forbidden",
        403,
        error(403, "The caller does not have permission"),
        Blame.ELSEWHERE,
        cause=Cause.MODEL_FORBIDDEN,
    ),
    Real(
        "public: wrong place",
        400,
        error(
            400,
            "User location is not supported for the API use.",
            status="FAILED_PRECONDITION",
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        cause=Cause.REGION,
    ),
    Real(
        "public: wrong place unless it pays",
        400,
        error(
            400,
            "User location is not supported for the API use without a billing account "
            "linked.",
            status="FAILED_PRECONDITION",
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        cause=Cause.REGION,
    ),
    Real(
        "public: prepaid credits used up, as 402",
        402,
        error(402, SPENT_UP, status="RESOURCE_EXHAUSTED"),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        cause=Cause.BILLING,
    ),
    Real(
        "public: prepaid credits used up, as 429",
        429,
        error(429, SPENT_UP),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        cause=Cause.CREDITS,
    ),
]

CAPTIVE = Real("401 of a proxy", 401, b"<html>Log in</html>", Blame.ENDPOINT)


def search_is_off() -> bytes:
    """The 403 for a service that a tool of the client's needs."""
    return disabled("discoveryengine.googleapis.com", "Discovery Engine API")


FOREIGN = [
    Real(name, status, body, Blame.ELSEWHERE)
    for name, status, body in (
        (
            "file of another key",
            403,
            error(
                403,
                "You do not have permission to access the File abc123 or it may not "
                "exist.",
            ),
        ),
        (
            "cache of another key",
            403,
            error(403, "CachedContent not found (or permission denied)"),
        ),
        (
            "cache that is over",
            404,
            error(404, "Not found: cached content metadata for 1234567890."),
        ),
        (
            "object of somebody else",
            403,
            error(
                403,
                "service-1@gcp-sa-aiplatform.iam.gserviceaccount.com does not have "
                "storage.objects.get access to the Google Cloud Storage object.",
            ),
        ),
        (
            "data store of somebody else",
            403,
            error(
                403,
                "Permission 'discoveryengine.servingConfigs.search' denied on resource "
                "'//discoveryengine.googleapis.com/projects/x/y' (or it may not "
                "exist).",
                info("IAM_PERMISSION_DENIED", "discoveryengine.googleapis.com"),
            ),
        ),
        (
            "data store of somebody else, without details",
            403,
            error(
                403,
                "Permission 'discoveryengine.servingConfigs.search' denied on resource "
                "'//discoveryengine.googleapis.com/projects/x/y' (or it may not "
                "exist).",
            ),
        ),
        ("service that a tool needs", 403, search_is_off()),
        (
            "project of a data store",
            403,
            error(
                403,
                "Permission denied on resource project PROJECT.",
                info(
                    "CONSUMER_INVALID",
                    GOOGLE,
                    service="discoveryengine.googleapis.com",
                    consumer="projects/PROJECT",
                ),
            ),
        ),
        (
            "data store that is suspended",
            403,
            error(
                403,
                "Permission denied: Consumer 'projects/PROJECT' has been suspended.",
                info(
                    "CONSUMER_SUSPENDED",
                    GOOGLE,
                    service="storage.googleapis.com",
                ),
            ),
        ),
        (
            "bucket behind a perimeter",
            403,
            error(
                403,
                "Request is prohibited by organization's policy.",
                info(
                    "SECURITY_POLICY_VIOLATED", GOOGLE, service="storage.googleapis.com"
                ),
            ),
        ),
    )
]
"""
What requests refer to, and the account has no access to.

From memory: which of them Code Assist says is not known, and each kind judges all.
"""

VERTEX_FOREIGN = [
    Real(
        "vertex: cache of another project",
        403,
        error(
            403,
            "Permission 'aiplatform.cachedContents.get' denied on resource "
            f"'//{VERTEX}/projects/x/locations/y/cachedContents/z' (or it may not "
            "exist).",
            info(
                "IAM_PERMISSION_DENIED",
                VERTEX,
                permission="aiplatform.cachedContents.get",
            ),
        ),
        Blame.ELSEWHERE,
    ),
    Real(
        "vertex: project refused, and not by whom",
        403,
        error(403, "Permission denied on resource project x."),
        Blame.ELSEWHERE,
    ),
    Real(
        "vertex: bare 403",
        403,
        error(403, "The caller does not have permission"),
        Blame.ELSEWHERE,
    ),
]

PUBLIC_MISSING = [
    Real(
        "public: model unknown",
        404,
        error(
            404,
            "models/gemini-pro is not found for API version v1beta, or is not "
            "supported for generateContent. Call ListModels to see the list of "
            "available models and their supported methods.",
        ),
        Blame.MISSING,
        cause=Cause.NO_SUCH_MODEL,
    ),
    Real(
        "public: model unknown, told since 2026",
        404,
        error(
            404,
            "models/gemma-3-12b-it is not found for API version v1beta, or is not "
            "supported for generateContent. Call ModelService.ListModels to see the "
            "list of available models and their supported methods.",
        ),
        Blame.MISSING,
        cause=Cause.NO_SUCH_MODEL,
    ),
    Real(
        "public: model not for new users",
        404,
        error(
            404,
            "This model models/gemini-2.5-flash is no longer available to new users. "
            "Please update your code to use a newer model for the latest features and "
            "improvements.",
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        cause=Cause.MODEL_FORBIDDEN,
    ),
    Real(
        "public: model withdrawn",
        404,
        error(
            404,
            "This model models/gemini-robotics-er-1.5-preview is no longer available. "
            "Please update your code to use a newer model for the latest features and "
            "improvements.",
        ),
        Blame.MISSING,
        cause=Cause.NO_SUCH_MODEL,
    ),
]

PUBLIC_RATES = [
    Real(
        "public: tokens per minute",
        429,
        ran_out("45.218844857", Quota(TOKENS, TOKENS_PER_MINUTE, 125000)),
        Blame.RATE,
        45.0,
        cause=Cause.TOO_FAST,
    ),
    Real(
        "public: tokens per minute, in the form of 2025",
        429,
        error(
            429,
            "You exceeded your current quota, please check your plan and billing "
            f"details. For more information on this error, head to: {LIMITS}.",
            detail(
                "QuotaFailure",
                violations=[
                    {
                        "quotaMetric": f"{PUBLIC}/generate_content_{TOKENS}",
                        "quotaId": TOKENS_PER_MINUTE,
                        "quotaDimensions": {
                            "location": "global",
                            "model": "gemini-2.5-pro",
                        },
                        "quotaValue": "250000",
                    }
                ],
            ),
            help_at(f"{LIMITS}."),
        ),
        Blame.RATE,
        60.0,
        cause=Cause.TOO_FAST,
    ),
    Real(
        "public: paid tokens per minute",
        429,
        ran_out(
            "33.820058115",
            Quota(
                "paid_tier_input_token_count",
                "GenerateContentPaidTierInputTokensPerModelPerMinute",
                1000000,
            ),
            model="gemini-3-pro",
        ),
        Blame.RATE,
        33.0,
        cause=Cause.TOO_FAST,
    ),
    Real(
        "public: paid tokens per minute, second tier",
        429,
        ran_out(
            "3.52663797",
            Quota(
                "paid_tier_2_input_token_count",
                "GenerateContentPaidTierInputTokensPerModelPerMinute-PaidTier2",
                3000000,
            ),
            model="gemini-3.5-flash",
        ),
        Blame.RATE,
        3.0,
        cause=Cause.TOO_FAST,
    ),
]

PUBLIC_QUOTAS = [
    Real(
        "public: requests per day",
        429,
        ran_out(
            "41.065029449",
            Quota(REQUESTS, REQUESTS_PER_DAY, 20),
            model="gemini-2.5-flash-lite",
        ),
        Blame.QUOTA,
        cause=Cause.OUT_OF_QUOTA,
    ),
    Real(
        "public: tokens per day, in the form of 2025",
        429,
        error(
            429,
            "You exceeded your current quota, please check your plan and billing "
            f"details. For more information on this error, head to: {LIMITS}.",
            detail(
                "QuotaFailure",
                violations=[
                    {
                        "quotaMetric": f"{PUBLIC}/generate_content_{TOKENS}",
                        "quotaId": TOKENS_PER_DAY,
                        "quotaDimensions": {
                            "location": "global",
                            "model": "gemini-2.5-pro",
                        },
                        "quotaValue": "6000000",
                    }
                ],
            ),
            help_at(LIMITS),
        ),
        Blame.QUOTA,
        cause=Cause.OUT_OF_QUOTA,
    ),
    Real(
        "public: none of it for free, three quotas",
        429,
        ran_out(
            "12.941102168",
            Quota(TOKENS, TOKENS_PER_MINUTE),
            Quota(REQUESTS, REQUESTS_PER_MINUTE),
            Quota(REQUESTS, REQUESTS_PER_DAY),
            model="gemini-2.0-flash",
        ),
        Blame.QUOTA,
        cause=Cause.NO_QUOTA,
    ),
    Real(
        "public: none of it for free, four quotas",
        429,
        ran_out(
            "29.083414095",
            Quota(TOKENS, TOKENS_PER_DAY),
            Quota(TOKENS, TOKENS_PER_MINUTE),
            Quota(REQUESTS, REQUESTS_PER_MINUTE),
            Quota(REQUESTS, REQUESTS_PER_DAY),
        ),
        Blame.QUOTA,
        cause=Cause.NO_QUOTA,
    ),
    Real(
        "public: no quota at all in the region",
        429,
        without_quota(
            "'Generate Content API requests per minute' and limit 'GenerateContent "
            "request limit per minute for a region'",
            "generate_content_requests",
            "GenerateContentRequestsPerMinutePerProjectPerRegion",
        ),
        Blame.QUOTA,
        is_account_wide=True,
        cause=Cause.NO_QUOTA,
    ),
    Real(
        "public: no requests at all in the region",
        429,
        without_quota(
            "'API requests' and limit 'Request limit per minute for a region'",
            "api_requests",
            "ApiRequestsPerMinutePerProjectPerRegion",
        ),
        Blame.QUOTA,
        is_account_wide=True,
        cause=Cause.NO_QUOTA,
    ),
    Real(
        "public: quota, without details",
        429,
        error(
            429,
            "You exceeded your current quota, please check your plan and billing "
            f"details. For more information on this error, head to: {LIMITS}. To "
            "monitor your current usage, head to: "
            "https://ai.dev/usage?tab=rate-limit. ",
        ),
        Blame.QUOTA,
        cause=Cause.OUT_OF_QUOTA,
    ),
    Real(
        "public: bare 429",
        429,
        error(429, "Resource has been exhausted (e.g. check quota)."),
        Blame.QUOTA,
        cause=Cause.OUT_OF_QUOTA,
    ),
    Real(
        "public: spending cap of the project",
        429,
        error(
            429,
            "Your project has exceeded its monthly spending cap. Please go to AI "
            "Studio at https://ai.studio/spend to manage your project spend cap. "
            "Learn more at https://ai.google.dev/gemini-api/docs/billing"
            "#project-spend-caps. ",
        ),
        Blame.QUOTA,
        is_account_wide=True,
        cause=Cause.SPENDING_CAP,
    ),
    Real(
        "public: spending cap of the billing account",
        429,
        error(
            429,
            "Your billing account has exceeded its monthly spending cap. Please go to "
            "AI Studio at https://ai.studio/billing to manage your billing. Learn more "
            "at https://ai.google.dev/gemini-api/docs/billing#tier-spend-caps. ",
        ),
        Blame.QUOTA,
        is_account_wide=True,
        cause=Cause.SPENDING_CAP,
    ),
]

PUBLIC_FAILURES = [
    Real("public: high demand", 503, error(503, BUSY), Blame.CAPACITY),
    Real(
        "public: overloaded",
        503,
        error(503, "The model is overloaded. Please try again later."),
        Blame.CAPACITY,
    ),
    Real(
        "public: deadline as 503",
        503,
        error(503, "Deadline expired before operation could complete."),
        Blame.ENDPOINT,
    ),
    Real(
        "public: deadline as 504",
        504,
        error(
            504,
            "Deadline expired before operation could complete.",
            status="DEADLINE_EXCEEDED",
        ),
        Blame.ENDPOINT,
    ),
    Real(
        "public: internal",
        500,
        error(
            500,
            "An internal error has occurred. Please retry or report in "
            "https://developers.generativeai.google/guide/troubleshooting",
        ),
        Blame.ENDPOINT,
    ),
    Real(
        "public: cancelled",
        499,
        error(499, "The operation was cancelled.", status="CANCELLED"),
        Blame.ENDPOINT,
    ),
    Real(
        "public: 403 of a front end",
        403,
        b"<!DOCTYPE html>\n<html lang=en>\n<title>Error 403 (Forbidden)!!1</title>",
        Blame.ENDPOINT,
    ),
]

PUBLIC_BAD_REQUESTS = [
    Real(
        f"public: {name}",
        400,
        error(400, message, status=status),
        Blame.REQUEST,
    )
    for name, status, message in (
        ("no role", "", "Please use a valid role: user, model."),
        (
            "thinking cannot be off",
            "",
            "Budget 0 is invalid. This model only works in thinking mode.",
        ),
        ("thinking budget", "", "The thinking budget (52428) is invalid."),
        ("thinking level", "", "Thinking level is not supported for this model."),
        ("no thinking", "", "Thinking budget is not supported for this model."),
        (
            "thinking told twice",
            "",
            "You can only set only one of thinking budget and thinking level.",
        ),
        (
            "too long",
            "",
            "The input token count exceeds the maximum number of tokens allowed "
            "1048576.",
        ),
        ("another API", "", "This model only supports Interactions API."),
        ("precondition", "FAILED_PRECONDITION", "Precondition check failed."),
    )
]

VERTEX_TOKENS = [
    Real(
        "vertex: token expired",
        401,
        error(
            401,
            CREDENTIALS,
            info("ACCESS_TOKEN_EXPIRED", GOOGLE, service=VERTEX, method=PREDICT),
        ),
        Blame.TOKEN,
        need=Need.CREDENTIAL,
        cause=Cause.TOKEN_REFUSED,
    ),
    Real(
        "vertex: no token",
        401,
        error(
            401,
            KEYLESS,
            info("CREDENTIALS_MISSING", GOOGLE, method=PREDICT, service=VERTEX),
        ),
        Blame.TOKEN,
        need=Need.CREDENTIAL,
        cause=Cause.TOKEN_REFUSED,
    ),
]

VERTEX_DENIALS = [
    Real(
        "vertex: no role",
        403,
        error(
            403,
            "Permission 'aiplatform.endpoints.predict' denied on resource "
            f"'//{VERTEX}/{MODEL}' (or it may not exist).",
            info(
                "IAM_PERMISSION_DENIED",
                VERTEX,
                resource=MODEL,
                permission="aiplatform.endpoints.predict",
            ),
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        cause=Cause.ROLE,
    ),
    Real(
        "vertex: no role, without details",
        403,
        error(
            403,
            "Permission 'aiplatform.endpoints.predict' denied on resource "
            f"'//{VERTEX}/{MODEL}' (or it may not exist).",
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        cause=Cause.ROLE,
    ),
    Real(
        "vertex: API off",
        403,
        disabled(VERTEX, "Vertex AI API"),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        link=f"{CONSOLE}/apis/api/{VERTEX}/overview?project=PROJECT",
        cause=Cause.API_OFF,
    ),
    Real(
        "vertex: API off, by its name of 2026",
        403,
        disabled(VERTEX, "Agent Platform API"),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        link=f"{CONSOLE}/apis/api/{VERTEX}/overview?project=PROJECT",
        cause=Cause.API_OFF,
    ),
    Real(
        "vertex: billing off",
        403,
        error(
            403,
            "This API method requires billing to be enabled. Please enable billing on "
            f"project #PROJECT by visiting {CONSOLE}/billing/enable?project=PROJECT "
            "then retry. If you enabled billing for this project recently, wait a few "
            "minutes for the action to propagate to our systems and retry.",
            help_at(f"{CONSOLE}/billing/enable?project=PROJECT"),
            info(
                "BILLING_DISABLED",
                GOOGLE,
                service=VERTEX,
                consumer="projects/PROJECT",
            ),
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        link=f"{CONSOLE}/billing/enable?project=PROJECT",
        cause=Cause.BILLING,
    ),
    Real(
        "vertex: bills unpaid",
        403,
        error(403, "Lightning dunning decision is deny for project: projects/PROJECT"),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        cause=Cause.BILLING,
    ),
    Real(
        "vertex: no such project",
        403,
        error(
            403,
            "Permission denied on resource project PROJECT.",
            info(
                "CONSUMER_INVALID",
                GOOGLE,
                containerInfo="PROJECT",
                consumer="projects/PROJECT",
                service=VERTEX,
            ),
            detail(
                "LocalizedMessage",
                locale="en-US",
                message="Permission denied on resource project PROJECT.",
            ),
            help_at(CONSOLE),
        ),
        Blame.HUMAN,
        need=Need.PROJECT,
        is_account_wide=True,
        cause=Cause.WRONG_PROJECT,
    ),
    Real(
        "vertex: quota project of somebody else",
        403,
        error(
            403,
            "Caller does not have required permission to use project PROJECT. Grant "
            "the caller the roles/serviceusage.serviceUsageConsumer role, or a custom "
            "role with the serviceusage.services.use permission, by visiting "
            "https://console.developers.google.com/iam-admin/iam/project?"
            "project=PROJECT and then retry. Propagation of the new permission may "
            "take a few minutes.",
            info(
                "USER_PROJECT_DENIED",
                GOOGLE,
                containerInfo="PROJECT",
                consumer="projects/PROJECT",
                service=VERTEX,
            ),
        ),
        Blame.HUMAN,
        need=Need.PROJECT,
        is_account_wide=True,
        cause=Cause.WRONG_PROJECT,
    ),
    Real(
        "vertex: scope not granted",
        403,
        error(
            403,
            "Request had insufficient authentication scopes.",
            info(
                "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                GOOGLE,
                service=VERTEX,
                method=PREDICT,
            ),
        ),
        Blame.HUMAN,
        need=Need.CREDENTIAL,
        is_account_wide=True,
        cause=Cause.SCOPES,
    ),
    Real(
        "vertex: security perimeter",
        403,
        error(
            403,
            "Request is prohibited by organization's policy. "
            "vpcServiceControlsUniqueIdentifier: MASKED",
            detail(
                "PreconditionFailure",
                violations=[{"type": "VPC_SERVICE_CONTROLS", "description": "MASKED"}],
            ),
            info("SECURITY_POLICY_VIOLATED", GOOGLE, uid="MASKED", service=VERTEX),
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        cause=Cause.PERIMETER,
    ),
    Real(
        "vertex: model not allowed by the organisation",
        400,
        error(
            400,
            "Organization Policy constraint constraints/vertexai.allowedModels "
            "violated attempting to use a disallowed Gen AI model gemini-2.5-flash",
            status="FAILED_PRECONDITION",
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        cause=Cause.ADMIN,
    ),
    Real(
        "vertex: model not allowed to the project",
        400,
        error(
            400,
            f"Project `1234567890` is not allowed to use Publisher Model `{MODEL}`",
            detail("DebugInfo", detail="[ORIGINAL ERROR] generic::failed_precondition"),
            status="FAILED_PRECONDITION",
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        cause=Cause.MODEL_FORBIDDEN,
    ),
]

VERTEX_MISSING = [
    Real(
        "vertex: model unknown",
        404,
        error(
            404,
            f"Publisher Model `{MODEL}` was not found or your project does not have "
            "access to it. Please ensure you are using a valid model version. For more "
            "information, see: https://cloud.google.com/vertex-ai/generative-ai/docs/"
            "learn/model-versions",
        ),
        Blame.MISSING,
        cause=Cause.NO_SUCH_MODEL,
    ),
    Real(
        "vertex: model unknown, told shortly",
        404,
        error(404, f"Publisher Model `{MODEL}` not found."),
        Blame.MISSING,
        cause=Cause.NO_SUCH_MODEL,
    ),
    Real(
        "vertex: model not in the region",
        400,
        error(
            400,
            f"Publisher Model `{MODEL}` is not servable in region us-central1.",
            status="FAILED_PRECONDITION",
        ),
        Blame.MISSING,
        cause=Cause.NO_SUCH_MODEL,
    ),
    Real(
        "vertex: no such host",
        400,
        error(400, "Invalid hostname: eu-aiplatform.googleapis.com"),
        Blame.ENDPOINT,
    ),
]

VERTEX_SHORTAGES = [
    Real("vertex: shared capacity", 429, error(429, SHARED), Blame.CAPACITY),
    Real(
        "vertex: out of capacity",
        429,
        error(
            429,
            "Unable to submit request because the service is temporarily out of "
            "capacity. Try again later.",
        ),
        Blame.CAPACITY,
    ),
    Real(
        "vertex: requests per minute",
        429,
        error(
            429,
            f"Quota exceeded for {VERTEX}/generate_content_requests_per_minute_per_"
            "project_per_base_model with base model: gemini-pro. Please submit a quota "
            "increase request. https://cloud.google.com/vertex-ai/docs/generative-ai/"
            "quotas-genai.",
        ),
        Blame.RATE,
        60.0,
        cause=Cause.TOO_FAST,
    ),
    Real(
        "vertex: requests for a model",
        429,
        error(
            429,
            f"Quota exceeded for {VERTEX}/online_prediction_requests_per_base_model "
            "with base model: gemini-pro. Please submit a quota increase request. "
            "https://cloud.google.com/vertex-ai/docs/quotas.",
        ),
        Blame.QUOTA,
        cause=Cause.OUT_OF_QUOTA,
    ),
]

VERTEX_BAD_REQUESTS = [
    Real(
        "vertex: no role in the content",
        400,
        error(
            400,
            "Unable to submit request because Please use a valid role: user, model.. "
            "Learn more: https://cloud.google.com/vertex-ai/generative-ai/docs/"
            "model-reference/gemini",
        ),
        Blame.MISSING,
    ),
    Real(
        "vertex: thinking cannot be off",
        400,
        error(
            400,
            "Unable to submit request because The model does not support setting "
            "thinking_budget to 0",
        ),
        Blame.REQUEST,
    ),
    Real(
        "vertex: threshold not allowed",
        400,
        error(
            400,
            "User has requested a restricted HarmBlockThreshold setting BLOCK_NONE. "
            "You can get access either (a) through an allowlist via your Google "
            "account team, or (b) by switching your account type to monthly invoiced "
            "billing via this instruction: https://cloud.google.com/billing/docs/"
            "how-to/invoiced-billing.",
        ),
        Blame.REQUEST,
    ),
]

CODE_ASSIST_SHORTAGES = [
    Real(
        "shared capacity",
        429,
        error(429, SHARED, legacy="rateLimitExceeded"),
        Blame.CAPACITY,
    ),
]
"""One more for Code Assist: Vertex AI's words, in its form."""

REAL_PUBLIC = [
    *(*PUBLIC_KEYS, *PUBLIC_DENIALS, *PUBLIC_MISSING, *PUBLIC_RATES),
    *(*PUBLIC_QUOTAS, *PUBLIC_FAILURES, *PUBLIC_BAD_REQUESTS),
    *(*FOREIGN, CAPTIVE),
]
REAL_VERTEX = [
    *(*VERTEX_TOKENS, *VERTEX_DENIALS, *VERTEX_MISSING),
    *(*VERTEX_SHORTAGES, *VERTEX_BAD_REQUESTS),
    *(*FOREIGN, *VERTEX_FOREIGN, CAPTIVE),
]

BROKEN_OFF = [
    (
        "public: error as an event",
        b'data: {"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"}}]}'
        b"\r\n\r\ndata: " + error(503, BUSY) + b"\r\n\r\n",
        Blame.CAPACITY,
    ),
    (
        "public: error as a tail of its own, over several lines",
        b'data: {"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"}}]}'
        b"\r\n\r\n" + json.dumps(json.loads(error(503, BUSY)), indent=2).encode(),
        Blame.CAPACITY,
    ),
]
"""Streams that began with 200: a name, all of it, and whose fault its end is."""


@frozen
class Refused:
    """
    What a token endpoint answered in place of a token.

    :ivar need: what a person has to do, or None when it passes or is nobody's.
    :ivar words: in what the operator is told.
    """

    name: str
    status: int
    body: bytes
    need: Need | None
    cause: Cause
    words: str


def oauth(code: str, description: str) -> bytes:
    """An error of RFC 6749, section 5.2."""
    return json.dumps({"error": code, "error_description": description}).encode()


SERVICE_ACCOUNTS = [
    Refused(
        "key deleted or of another account",
        400,
        oauth("invalid_grant", "Invalid JWT Signature."),
        Need.CREDENTIAL,
        Cause.CREDENTIALS,
        "the key of its service account",
    ),
    Refused(
        "clock wrong",
        400,
        oauth(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a "
            "reasonable timeframe. Check your iat and exp values and use a clock with "
            "skew to account for clock differences between systems.",
        ),
        None,
        Cause.CLOCK,
        "clock",
    ),
    Refused(
        "clock wrong, told shortly",
        400,
        oauth(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token and in a reasonable "
            "timeframe",
        ),
        None,
        Cause.CLOCK,
        "clock",
    ),
    Refused(
        "account deleted or disabled",
        400,
        oauth("invalid_grant", "Invalid grant: account not found"),
        Need.CREDENTIAL,
        Cause.CREDENTIALS,
        "deleted or disabled",
    ),
    Refused(
        "account disabled, told in 2018",
        400,
        oauth("invalid_grant", "Robot is disabled."),
        Need.CREDENTIAL,
        Cause.CREDENTIALS,
        "is disabled",
    ),
    Refused(
        "issuer unknown",
        400,
        oauth("invalid_grant", "Invalid JWT: No valid verifier found for issuer."),
        Need.CREDENTIAL,
        Cause.CREDENTIALS,
        "does not know its service account",
    ),
    Refused(
        "client deleted",
        401,
        oauth("deleted_client", "The OAuth client was deleted."),
        Need.CREDENTIAL,
        Cause.CLIENT_GONE,
        "was deleted",
    ),
    Refused(
        "scope invalid",
        400,
        oauth("invalid_scope", "Invalid OAuth scope or ID token audience provided."),
        None,
        Cause.SCOPES,
        "program's mistake",
    ),
    Refused(
        "scope missing",
        400,
        oauth("invalid_scope", "Empty or missing scope not allowed."),
        None,
        Cause.SCOPES,
        "program's mistake",
    ),
    Refused(
        "delegation not granted",
        401,
        oauth(
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, or "
            "client not authorized for any of the scopes requested.",
        ),
        Need.ENTITLEMENT,
        Cause.ADMIN,
        "admin",
    ),
]

FEDERATED = [
    Refused(
        "provider disabled, deleted or unknown",
        400,
        oauth(
            "invalid_target",
            'The target service indicated by the "audience" parameters is invalid. '
            "This might either be because the pool or provider is disabled or deleted "
            "or because it doesn't exist.",
        ),
        Need.CREDENTIAL,
        Cause.CREDENTIALS,
        "identity pool",
    ),
    Refused(
        "audience malformed",
        400,
        oauth(
            "invalid_request",
            'Invalid value for "audience". This value should be the full resource name '
            "of the Identity Provider. See https://cloud.google.com/iam/docs/reference/"
            "sts/rest/v1/TopLevel/token for the list of possible formats.",
        ),
        Need.CREDENTIAL,
        Cause.CREDENTIALS,
        "not the full name",
    ),
    Refused(
        "token for another audience",
        400,
        oauth(
            "invalid_grant",
            "The audience in ID Token [MASKED] does not match the expected audience.",
        ),
        Need.CREDENTIAL,
        Cause.CREDENTIALS,
        "another audience",
    ),
    Refused(
        "token too old",
        400,
        oauth("invalid_grant", "ID Token issued at 1713260741 is stale to sign-in."),
        None,
        Cause.CREDENTIALS,
        "too old",
    ),
    Refused(
        "condition not met",
        400,
        oauth(
            "unauthorized_client",
            "The given credential is rejected by the attribute condition.",
        ),
        Need.CREDENTIAL,
        Cause.CREDENTIALS,
        "condition",
    ),
    Refused(
        "may not impersonate",
        403,
        error(
            403,
            "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it "
            "may not exist).",
            info(
                "IAM_PERMISSION_DENIED",
                "iam.googleapis.com",
                permission="iam.serviceAccounts.getAccessToken",
            ),
        ),
        Need.ENTITLEMENT,
        Cause.ROLE,
        "Token Creator",
    ),
    Refused(
        "account to impersonate unknown",
        404,
        error(404, "Not found; Gaia id not found for email MASKED"),
        Need.CREDENTIAL,
        Cause.CREDENTIALS,
        "no such service account",
    ),
]

SOURCES = {
    "public: no key": "UnityGameStudio/Gemini-Unity-Package#1",
    "public: key not valid": "continuedev/continue#11501",
    "public: key not found": "Wei-Shaw/sub2api#1709",
    "public: key expired": "continuedev/continue#11336",
    "public: key leaked": "continuedev/continue#11541",
    "public: key of a kind no longer taken": "google-gemini/gemini-cli#28538; "
    "Kilo-Org/kilocode#11763 (text); body as in gemini-cli#29275",
    "public: key where a token is wanted": "gemini-cli-extensions/nanobanana#19",
    "public: key of another service": "continuedev/continue#12781",
    "public: API off, by its older name": "phateio/kiris#39, "
    "google-gemini/deprecated-generative-ai-python#10 (as gRPC)",
    "public: suspended": "continuedev/continue#10902",
    "vertex: scope not granted": "googleapis/js-genai#569 (there of the public API)",
    "public: model forbidden": "google-gemini/gemini-cli#14519",
    "public: wrong place": "poenl/gemini-api#4",
    "public: wrong place unless it pays": "google-gemini/cookbook#135 (text)",
    "public: prepaid credits used up, as 402": (
        "ai.google.dev/gemini-api/docs/generate-content/api-errors (status)"
    ),
    "public: prepaid credits used up, as 429": "dyad-sh/dyad#3626 (text); "
    "discuss.ai.google.dev/t/169216 (status)",
    "public: model unknown": "continuedev/continue#9939",
    "public: model not for new users": "ecwilsonaz/mediasage#26, longer there",
    "public: tokens per minute": "continuedev/continue#8947",
    "public: tokens per minute, in the form of 2025": "google-gemini/"
    "gemini-cli-action#36 (its end is cut: whether RetryInfo follows is not known)",
    "public: paid tokens per minute": "continuedev/continue#10921",
    "public: paid tokens per minute, second tier": "as continuedev/continue#10921; "
    "its metric and id were quoted alone",
    "public: tokens per day, in the form of 2025": "google-gemini/gemini-cli#4656 "
    "(its end is cut: a third detail follows)",
    "public: none of it for free, three quotas": "googleapis/python-genai#2044 in "
    "another order",
    "public: none of it for free, four quotas": "continuedev/continue#9570",
    "public: no quota at all in the region": "tech-shrimp/gemini-playground#10",
    "public: quota, without details": "musistudio/claude-code-router#983",
    "public: bare 429": "google-gemini/gemini-cli#1609",
    "public: high demand": "continuedev/continue#10639",
    "public: deadline as 503": "googleapis/python-genai#1808",
    "public: deadline as 504": "letta-ai/letta#2861, ms82119/NiFiMCP#15 (status); "
    "the message is that of the 503",
    "public: internal": "PublicAffairs/openai-gemini#15",
    "public: cancelled": "google-gemini/gemini-cli#20309 (there from Code Assist)",
    "public: 403 of a front end": "continuedev/continue#12640",
    "public: no role": "langbot-app/LangBot#1486",
    "public: thinking cannot be off": "snailyp/gemini-balance#206",
    "public: thinking budget": "RooCodeInc/Roo-Code#4399",
    "public: thinking level": "RooCodeInc/Roo-Code#10700",
    "public: no thinking": "aduermael/herm#23",
    "public: thinking told twice": "sterlp/eclipse-peon-ai#115",
    "public: too long": "google-gemini/gemini-cli#15184",
    "vertex: token expired": "pydantic/pydantic-ai#1186",
    "vertex: no token": "googleapis/js-genai#292",
    "vertex: no role": "rhel-lightspeed/linux-mcp-server#450 (there wrapped in an "
    "array, the resource an endpoint)",
    "vertex: no role, without details": "rpurinton/gemini-php#2 (text)",
    "vertex: API off": "GoogleCloudPlatform/vertex-ai-samples#476 (as gRPC)",
    "vertex: API off, by its name of 2026": "NousResearch/hermes-agent#115323 (text)",
    "vertex: billing off": "GoogleCloudPlatform/php-docs-samples#1235 (there of "
    "another service, as gRPC)",
    "vertex: no such project": "Kilo-Org/kilocode#2842",
    "vertex: quota project of somebody else": "the middle of its message is from "
    "memory",
    "vertex: security perimeter": "googleapis/python-aiplatform#5132 (an audit log)",
    "vertex: model unknown": "truefoundry/models#946 (text)",
    "vertex: model unknown, told shortly": "googleapis/python-genai#664",
    "vertex: no such host": "NousResearch/hermes-agent#72065",
    "vertex: shared capacity": "google-gemini/gemini-cli#15498 (text)",
    "shared capacity": "google-gemini/gemini-cli#14831",
    "vertex: out of capacity": "googleapis/google-cloud-java#11195 (as gRPC)",
    "vertex: requests per minute": "leancodepl/arb_translate#7 (text)",
    "vertex: requests for a model": "promptfoo/promptfoo#374",
    "vertex: no role in the content": "gethnet/litellm-connector-copilot#64",
    "vertex: thinking cannot be off": "earendil-works/pi#3460 (there from Code Assist)",
    "vertex: threshold not allowed": "langgenius/dify#8717 (text)",
    "public: error as an event": "diegosouzapw/OmniRoute#4182 (framing not shown)",
    "public: error as a tail of its own, over several lines": (
        "theopenco/llmgateway#3616"
    ),
    "key deleted or of another account": "googleapis/google-cloud-python#10004",
    "clock wrong": "googleapis/google-api-php-client#1501",
    "clock wrong, told shortly": "mediafigaro/google-analytics-api-symfony#7",
    "account deleted or disabled": "googleapis/google-cloud-php#3622",
    "account disabled, told in 2018": "googleapis/google-api-ruby-client#720",
    "client deleted": "websightgmbh/l5-google-cloud-storage#6",
    "scope invalid": "GoogleCloudPlatform/gce-rescue#42",
    "scope missing": "googleapis/google-auth-library-python#217 (its end cut)",
    "delegation not granted": "n8n's Gmail documentation",
    "provider disabled, deleted or unknown": "google-github-actions/auth#334",
    "audience malformed": "google-github-actions/auth#60",
    "token for another audience": "cube-js/cube#11046 (text, its middle cut)",
    "may not impersonate": "mscribellito/terraform-google-workload-identity-"
    "federation#4, google-github-actions/auth#340",
    "account to impersonate unknown": "GoogleCloudPlatform/python-docs-samples#10759",
}
"""Where they were quoted, as far as that place has a name."""
