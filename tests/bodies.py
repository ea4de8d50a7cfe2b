"""
Error bodies as Google sends them, masked, with what each of them means.

They are data: no test changes them.  ``docs/protocol.md`` says where they come
from.
"""

import json
from typing import Any

from attrs import field, frozen

from antigravity_gw.causes import Cause
from antigravity_gw.needs import Need
from antigravity_gw.wire.verdict import Blame

NOW = 1780272000.0
"""The first of June 2026: when all of this was said."""

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
CLOUD_CODE = "cloudcode-pa.googleapis.com"
COMPANION = "cloudaicompanion.googleapis.com"
CONSOLE = "https://console.developers.google.com"
LICENCE = "https://cloud.google.com/gemini/docs/codeassist/request-license"
VERIFY = "https://accounts.google.com/signin/continue?sarp=1&scc=1&plt=MASKED"
ALERT = "https://support.google.com/accounts?p=al_alert"
METRIC = "generativelanguage.googleapis.com/generate_content_free_tier_requests"


@frozen
class Real:
    """
    One answer, and how it is to be judged.

    :ivar delay: the seconds to wait as it asks, to the millisecond.
    :ivar cause: where a doctor has to tell it from others of the same need.
    """

    name: str
    status: int
    body: bytes
    blame: Blame
    delay: float | None = None
    need: Need | None = None
    link: str | None = None
    is_account_wide: bool = False
    headers: dict[str, str] = field(factory=dict)
    cause: Cause | None = None


def error(
    code: int,
    message: str,
    *details: dict[str, Any],
    status: str = "",
    legacy: str = "",
) -> bytes:
    """
    A body.

    :param status: when it is not the usual one of *code*.
    :param legacy: the reason in the old ``errors`` list.
    """
    told: dict[str, Any] = {"code": code, "message": message}
    if legacy:
        told["errors"] = [{"message": message, "domain": "global", "reason": legacy}]
    told["status"] = status or STATUSES[code]
    if details:
        told["details"] = list(details)
    return json.dumps({"error": told}).encode()


def detail(kind: str, **members: Any) -> dict[str, Any]:
    """An element of ``details``."""
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **members}


def info(reason: str, domain: str = CLOUD_CODE, **metadata: str) -> dict[str, Any]:
    """An ``ErrorInfo``."""
    return detail("ErrorInfo", reason=reason, domain=domain, metadata=metadata)


def retry(delay: Any) -> dict[str, Any]:
    """A ``RetryInfo``."""
    return detail("RetryInfo", retryDelay=delay)


def help_at(*urls: str) -> dict[str, Any]:
    """A ``Help`` with these links."""
    return detail("Help", links=[{"description": "see", "url": url} for url in urls])


def disabled(service: str, title: str) -> bytes:
    """The 403 for an API that a project does not have."""
    url = f"{CONSOLE}/apis/api/{service}/overview?project=PROJECT"
    message = (
        f"{title} has not been used in project PROJECT before or it is disabled. "
        f"Enable it by visiting {url} then retry. If you enabled this API recently, "
        "wait a few minutes for the action to propagate to our systems and retry."
    )
    return error(
        403,
        message,
        info(
            "SERVICE_DISABLED",
            "googleapis.com",
            service=service,
            serviceTitle=title,
            consumer="projects/PROJECT",
            containerInfo="PROJECT",
            activationUrl=url,
        ),
        detail("LocalizedMessage", locale="en-US", message=message),
        help_at(url),
    )


def ran_out(*quotas: dict[str, Any], limit: str = "10", more: str = "") -> bytes:
    """A 429 in the words of the public API, naming *quotas*."""
    message = (
        "You exceeded your current quota, please check your plan and billing details.\n"
        f"* Quota exceeded for metric: {METRIC}, limit: {limit}{more}"
    )
    return error(429, message, detail("QuotaFailure", violations=list(quotas)))


def quota(id: str, **dimensions: str) -> dict[str, Any]:
    """One violation of a ``QuotaFailure``."""
    return {
        "quotaMetric": METRIC,
        "quotaId": id,
        "quotaDimensions": {"location": "global", **dimensions},
        "quotaValue": "10",
    }


EXHAUSTED = "Resource has been exhausted (e.g. check quota)."
REACHED = "Individual quota reached. Contact your administrator to enable overages. "
RESET = "You have exhausted your capacity on this model. Your quota will reset after "
FULL = "No capacity available for model gemini-3.1-pro on the server"
RATE_LIMITED = info(
    "RATE_LIMIT_EXCEEDED",
    uiMessage="true",
    model="gemini-2.5-pro",
    quotaResetDelay="539.477544ms",
    quotaResetTimeStamp="2025-10-20T19:14:08Z",
)
SPENT = info(
    "QUOTA_EXHAUSTED",
    model="gemini-3.5-flash-low",
    quotaResetDelay="108h48m20.795762633s",
    quotaResetTimeStamp="2026-06-04T15:24:12Z",
    uiMessage="true",
)
PER_MODEL_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
PER_MODEL_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"

BAD_REQUESTS = [
    Real(
        "thought signature missing",
        400,
        error(
            400,
            "Function call is missing a thought_signature in functionCall parts. This "
            "is required for tools to work correctly, and missing thought_signature "
            "may lead to degraded model performance.",
        ),
        Blame.REQUEST,
    ),
    Real(
        "unknown name in a tool",
        400,
        error(
            400,
            'Invalid JSON payload received. Unknown name "const" at \'request.tools[0]'
            ".function_declarations[0].parameters': Cannot find field.",
            detail(
                "BadRequest",
                fieldViolations=[
                    {
                        "field": "request.tools[0]",
                        "description": "Invalid JSON payload received.",
                    }
                ],
            ),
        ),
        Blame.REQUEST,
    ),
    Real(
        "a name that would blame the account",
        400,
        error(
            400,
            'Invalid JSON payload received. Unknown name "Invalid project resource '
            'name, User location is not supported, retry in 5s": Cannot find field.',
        ),
        Blame.REQUEST,
    ),
    Real(
        "bare 400",
        400,
        error(400, "Request contains an invalid argument."),
        Blame.REQUEST,
    ),
    Real(
        "bare 400 in an array",
        400,
        b'[{"error":{"code":400,"message":"Request contains an invalid argument.",'
        b'"errors":[{"message":"Request contains an invalid argument.","domain":'
        b'"global","reason":"badRequest"}],"status":"INVALID_ARGUMENT"}}]',
        Blame.REQUEST,
    ),
    Real(
        "precondition",
        400,
        error(400, "Precondition check failed.", status="FAILED_PRECONDITION"),
        Blame.REQUEST,
    ),
    Real("400 of a front end", 400, b"<html>Bad Request</html>", Blame.REQUEST),
    Real(
        "no such project",
        400,
        error(
            400,
            "Invalid project resource name projects/",
            detail("BadRequest", fieldViolations=[{"field": "project"}]),
        ),
        Blame.PROJECT,
        need=Need.PROJECT,
    ),
    Real(
        "no such project, by reason",
        400,
        error(400, "x", info("RESOURCE_PROJECT_INVALID", "googleapis.com")),
        Blame.PROJECT,
        need=Need.PROJECT,
    ),
    Real(
        "wrong place",
        400,
        error(
            400,
            "User location is not supported for the API use.",
            status="FAILED_PRECONDITION",
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
    ),
]

UNPAID = [
    Real(
        "payment required",
        402,
        error(402, "x", status="UNKNOWN"),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
    ),
]

REFUSED_TOKENS = [
    Real(
        "access token refused",
        401,
        error(
            401,
            "Request had invalid authentication credentials. Expected OAuth 2 access "
            "token, login cookie or other valid authentication credential. See "
            "https://developers.google.com/identity/sign-in/web/devconsole-project.",
            info(
                "ACCESS_TOKEN_TYPE_UNSUPPORTED",
                service="generativelanguage.googleapis.com",
                method="google.ai.generativelanguage.v1beta.GenerativeService."
                "StreamGenerateContent",
            ),
        ),
        Blame.TOKEN,
    ),
    Real("bare 401", 401, b"", Blame.ENDPOINT),
    Real("401 of a proxy", 401, b"<html>Unauthorized</html>", Blame.ENDPOINT),
]

DENIALS = [
    Real(
        "private API",
        403,
        disabled(CLOUD_CODE, "Cloud Code Private API"),
        Blame.OPERATOR,
        need=Need.CLIENT,
        is_account_wide=True,
    ),
    Real(
        "private API, staging",
        403,
        disabled(f"staging-{CLOUD_CODE},", "Cloud Code Private API (staging)"),
        Blame.OPERATOR,
        need=Need.CLIENT,
        is_account_wide=True,
    ),
    Real(
        "private API, without details",
        403,
        error(
            403,
            "Cloud Code Private API has not been used in project PROJECT before or it "
            f"is disabled. Enable it by visiting {CONSOLE}/apis/api/{CLOUD_CODE}/"
            "overview?project=PROJECT then retry.",
            legacy="accessNotConfigured",
        ),
        Blame.OPERATOR,
        need=Need.CLIENT,
        is_account_wide=True,
    ),
    Real(
        "another API",
        403,
        disabled("serviceusage.googleapis.com", "Service Usage API"),
        Blame.OPERATOR,
        need=Need.CLIENT,
        is_account_wide=True,
    ),
    Real(
        "companion API",
        403,
        disabled(COMPANION, "Gemini for Google Cloud API"),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        link=f"{CONSOLE}/apis/api/{COMPANION}/overview?project=PROJECT",
    ),
    Real(
        "companion API, without details",
        403,
        error(
            403,
            "Gemini for Google Cloud API has not been used in project PROJECT before "
            "or it is disabled. Enable it by visiting https://console.cloud.google.com/"
            f"apis/api/{COMPANION}/overview?project=PROJECT, then retry.",
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        link=f"https://console.cloud.google.com/apis/api/{COMPANION}/overview"
        "?project=PROJECT",
    ),
    Real(
        "validation required",
        403,
        error(
            403,
            "Verify your account to continue.",
            info(
                "VALIDATION_REQUIRED",
                validation_error_message="Verify your account to continue.",
                validation_url_link_text="Verify your account",
                validation_url=VERIFY,
                validation_learn_more_link_text="Learn more",
                validation_learn_more_url=ALERT,
            ),
            help_at(VERIFY, ALERT),
        ),
        Blame.HUMAN,
        need=Need.VALIDATION,
        is_account_wide=True,
        link=VERIFY,
    ),
    Real(
        "validation required, the link in Help",
        403,
        error(403, "x", help_at(ALERT, VERIFY), info("VALIDATION_REQUIRED")),
        Blame.HUMAN,
        need=Need.VALIDATION,
        is_account_wide=True,
        link=VERIFY,
    ),
    Real(
        "validation required, the older form",
        403,
        error(
            403,
            f"To continue, verify your account at\n\n{VERIFY}\n\nLearn more\n\n{ALERT}",
            info(
                "VALIDATION_REQUIRED",
                validation_message_description="To continue, verify your account.",
            ),
        ),
        Blame.HUMAN,
        need=Need.VALIDATION,
        is_account_wide=True,
        link=VERIFY,
    ),
    Real(
        "validation required, the older form without details",
        403,
        error(403, f"To continue, verify your account at <{VERIFY}>."),
        Blame.HUMAN,
        need=Need.VALIDATION,
        is_account_wide=True,
        link=VERIFY,
    ),
    Real(
        "licence missing",
        403,
        error(
            403,
            "You are currently configured to use a Google Cloud Project but lack a "
            "Gemini Code Assist license. Please contact your administrator to request "
            "a license. (#3501)",
            detail("ErrorInfo", reason="SUBSCRIPTION_REQUIRED", domain=COMPANION),
            help_at(LICENCE),
            legacy="forbidden",
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
        link=LICENCE,
    ),
    Real(
        "not a named user",
        403,
        error(
            403,
            "To use Gemini Code Assist you must be a named user on your organization's "
            "Gemini Code Assist Standard edition subscription. Please contact your "
            "administrator to request an entitlement.",
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
    ),
    Real(
        "no role",
        403,
        error(
            403,
            "Permission 'cloudaicompanion.companions.generateChat' denied on resource "
            f"'//{COMPANION}/projects/PROJECT/locations/global' (or it may not exist).",
            info(
                "IAM_PERMISSION_DENIED",
                COMPANION,
                permission="cloudaicompanion.companions.generateChat",
                resource="projects/PROJECT/locations/global",
            ),
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
    ),
    Real(
        "no role on the default project of Cloud Shell",
        403,
        error(
            403,
            "Permission denied.",
            info(
                "IAM_PERMISSION_DENIED",
                COMPANION,
                resource="projects/cloudshell-gca/locations/global",
            ),
        ),
        Blame.PROJECT,
        need=Need.PROJECT,
    ),
    Real(
        "placeholder project",
        403,
        error(
            403,
            "Permission denied on resource project default.",
            info("CONSUMER_INVALID", "googleapis.com", consumer="projects/default"),
        ),
        Blame.PROJECT,
        need=Need.PROJECT,
    ),
    Real(
        "placeholder project, without details",
        403,
        error(403, "Permission denied on resource project default."),
        Blame.PROJECT,
        need=Need.PROJECT,
    ),
    Real(
        "project of somebody else",
        403,
        error(
            403,
            "Caller does not have required permission to use project PROJECT.",
            info("USER_PROJECT_DENIED", "googleapis.com", consumer="projects/PROJECT"),
        ),
        Blame.PROJECT,
        need=Need.PROJECT,
    ),
    Real(
        "default project of Cloud Shell",
        403,
        error(403, "Permission denied on resource project cloudshell-gca."),
        Blame.PROJECT,
        need=Need.PROJECT,
    ),
    Real(
        "terms of service",
        403,
        error(
            403,
            "This service has been disabled in this account for violation of Terms of "
            "Service. If you believe this is an error, contact support.",
        ),
        Blame.HUMAN,
        need=Need.SUSPENDED,
        is_account_wide=True,
    ),
    Real(
        "may not enable services",
        403,
        error(
            403,
            f"Permission denied to enable service [{CLOUD_CODE}]",
            info("AUTH_PERMISSION_DENIED", "googleapis.com"),
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
    ),
    Real(
        "security perimeter",
        403,
        error(
            403,
            "Request is prohibited by organization's policy.",
            info("SECURITY_POLICY_VIOLATED", "googleapis.com", service=CLOUD_CODE),
        ),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
        is_account_wide=True,
    ),
    Real(
        "scope not granted",
        403,
        error(
            403,
            "Request had insufficient authentication scopes.",
            info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "googleapis.com"),
        ),
        Blame.HUMAN,
        need=Need.LOGIN,
        is_account_wide=True,
    ),
    Real(
        "bare 403",
        403,
        error(403, "The caller does not have permission"),
        Blame.HUMAN,
        need=Need.ENTITLEMENT,
    ),
    Real("403 of a front end", 403, b"<html>Forbidden</html>", Blame.ENDPOINT),
]

MISSING = [
    Real(
        "model unknown",
        404,
        error(404, "Requested entity was not found."),
        Blame.MISSING,
    ),
    Real(
        "method unknown",
        404,
        error(404, "The requested URL /v1internal:x was not found on this server."),
        Blame.MISSING,
    ),
    Real(
        "something in a project unknown",
        404,
        error(
            404,
            "Requested entity was not found.",
            detail("ResourceInfo", resourceName="projects/x/locations/global/models/y"),
        ),
        Blame.MISSING,
    ),
    Real(
        "stale project",
        404,
        error(
            404,
            "Resource projects/x could not be found.",
            detail(
                "ResourceInfo",
                resourceType="cloudresourcemanager.googleapis.com/Project",
                resourceName="projects/x",
            ),
        ),
        Blame.PROJECT,
        need=Need.PROJECT,
    ),
    Real(
        "stale project, without details",
        404,
        error(404, "Resource projects/x could not be found."),
        Blame.PROJECT,
        need=Need.PROJECT,
    ),
    Real(
        "stale project, in the details only",
        404,
        error(
            404,
            "Requested entity was not found.",
            detail(
                "ResourceInfo",
                resourceName="//cloudresourcemanager.googleapis.com/projects/x",
            ),
        ),
        Blame.PROJECT,
        need=Need.PROJECT,
    ),
    Real("404 of a front end", 404, b"<html>not here</html>", Blame.ENDPOINT),
]

RATES = [
    Real(
        "rate limit",
        429,
        error(429, RESET + "0s.", RATE_LIMITED, retry("0.539477544s")),
        Blame.RATE,
        0.539,
    ),
    Real(
        "rate limit, told shortly",
        429,
        error(429, "x", info("RATE_LIMIT_EXCEEDED", model="gemini-2.5-pro")),
        Blame.RATE,
    ),
    Real(
        "rate limit, with commas behind the domain",
        429,
        error(
            429,
            "You have exhausted your capacity on this model.",
            {**RATE_LIMITED, "domain": f"{CLOUD_CODE},,"},
            retry("2.5s"),
        ),
        Blame.RATE,
        2.5,
    ),
    Real(
        "rate limit, delay in the timestamp only",
        429,
        error(
            429,
            "x",
            info("RATE_LIMIT_EXCEEDED", quotaResetTimeStamp="2026-06-01T00:00:02.5Z"),
        ),
        Blame.RATE,
        2.5,
    ),
    Real(
        "a message and RetryInfo",
        429,
        error(429, RESET + "3s.", retry("3.957525076s")),
        Blame.RATE,
        3.958,
    ),
    Real(
        "RetryInfo with an object",
        429,
        error(429, "x", retry({"seconds": 34, "nanos": 0})),
        Blame.RATE,
        34.0,
    ),
    Real(
        "RetryInfo with nonsense, then with sense",
        429,
        error(429, "x", retry("-5s"), retry("NaNs"), retry("900ms")),
        Blame.RATE,
        0.9,
    ),
    Real(
        "429 with the delay in its text",
        429,
        error(429, "You exceeded your current quota. Please retry in 12.3s."),
        Blame.RATE,
        12.3,
    ),
    Real(
        "429 that ends at once, in its text",
        429,
        error(429, RESET + "0s."),
        Blame.RATE,
        0.0,
    ),
    Real(
        "429 with the delay in a header",
        429,
        error(429, EXHAUSTED),
        Blame.RATE,
        7.0,
        headers={"retry-after": "7"},
    ),
    Real(
        "per minute",
        429,
        ran_out(quota(PER_MODEL_MINUTE, model="gemini-2.5-pro")),
        Blame.RATE,
        60.0,
    ),
    Real(
        "per minute, with RetryInfo",
        429,
        error(
            429,
            "x",
            retry("34.074824224s"),
            detail("QuotaFailure", violations=[quota(PER_MODEL_MINUTE)]),
        ),
        Blame.RATE,
        34.075,
    ),
    Real(
        "per minute, and no minute is that long",
        429,
        error(
            429,
            "x",
            detail("QuotaFailure", violations=[quota(PER_MODEL_MINUTE)]),
            info("RATE_LIMIT_EXCEEDED", quotaResetDelay="24h0m0s"),
        ),
        Blame.RATE,
        300.0,
    ),
    Real(
        "per minute, for every model",
        429,
        ran_out(quota("GenerateRequestsPerMinutePerProject-FreeTier")),
        Blame.RATE,
        60.0,
        is_account_wide=True,
    ),
    Real(
        "per minute, in ErrorInfo",
        429,
        error(
            429,
            "x",
            info("RATE_LIMIT_EXCEEDED", quota_limit="RequestsPerMinutePerProject"),
        ),
        Blame.RATE,
        60.0,
    ),
    Real(
        "an error inside the message",
        429,
        error(429, error(429, RESET + "2s.", RATE_LIMITED, retry("2.5s")).decode()),
        Blame.RATE,
        2.5,
    ),
    Real(
        "an error inside the message, and details outside",
        429,
        error(429, error(429, "x").decode(), RATE_LIMITED),
        Blame.RATE,
        0.539,
    ),
    Real(
        "an error inside the message, over several lines",
        429,
        error(429, '[{\n\u00a0"error": {\n "message": "Please retry\nin 3s."}}]'),
        Blame.RATE,
        3.0,
    ),
    Real(
        "blanks around the keys",
        429,
        b'{" error ":{" code ":429," message ":"x"," details":[{"retryDelay ":"3s",'
        b'" @type":"type.googleapis.com/google.rpc.RetryInfo"}]}}',
        Blame.RATE,
        3.0,
    ),
]

QUOTAS = [
    Real(
        "quota exhausted",
        429,
        error(
            429, REACHED + "Resets in 108h48m29s.", SPENT, retry("391609.795762632s")
        ),
        Blame.QUOTA,
        391609.796,
    ),
    Real(
        "quota exhausted, in another order",
        429,
        error(429, "x", help_at(ALERT), retry("581981.3s"), SPENT),
        Blame.QUOTA,
        581981.3,
    ),
    Real(
        "quota exhausted, delay in ErrorInfo only",
        429,
        error(429, "x", SPENT),
        Blame.QUOTA,
        391700.796,
    ),
    Real(
        "quota exhausted, timestamp only",
        429,
        error(
            429,
            "x",
            info("QUOTA_EXHAUSTED", quotaResetTimeStamp="2026-06-04T15:24:12Z"),
        ),
        Blame.QUOTA,
        314652.0,
    ),
    Real(
        "quota exhausted, delay in its text only",
        429,
        error(429, REACHED + "Resets in 108h48m29s.", info("QUOTA_EXHAUSTED")),
        Blame.QUOTA,
        391709.0,
    ),
    Real(
        "quota exhausted, for a short time",
        429,
        error(429, "x", info("QUOTA_EXHAUSTED", quotaResetDelay="2m3s")),
        Blame.QUOTA,
        123.0,
    ),
    Real(
        "quota reached, without details",
        429,
        error(429, REACHED + "Resets in 108h48m29s."),
        Blame.QUOTA,
        391709.0,
    ),
    Real(
        "a message and a long RetryInfo",
        429,
        error(429, "x", retry("68940s")),
        Blame.QUOTA,
        68940.0,
    ),
    Real("bare 429", 429, error(429, EXHAUSTED), Blame.QUOTA),
    Real(
        "bare 429, typed as a stream",
        429,
        json.dumps(json.loads(error(429, EXHAUSTED)), indent=2).encode(),
        Blame.QUOTA,
        headers={"content-type": "text/event-stream"},
    ),
    Real("429 of a front end", 429, b"<html>unusual traffic</html>", Blame.QUOTA),
    Real(
        "credits used up",
        429,
        error(
            429,
            "Insufficient G1 credits balance.",
            info(
                "INSUFFICIENT_G1_CREDITS_BALANCE",
                error_number="2008",
                model="gemini-2.5-pro",
            ),
        ),
        Blame.QUOTA,
        is_account_wide=True,
    ),
    Real("per day", 429, ran_out(quota(PER_MODEL_DAY)), Blame.QUOTA),
    Real(
        "per day, with a short RetryInfo",
        429,
        error(
            429,
            "Please retry in 34s.",
            detail("QuotaFailure", violations=[quota(PER_MODEL_DAY)]),
            retry("34s"),
            info("RATE_LIMIT_EXCEEDED"),
        ),
        Blame.QUOTA,
    ),
    Real(
        "per day and per minute",
        429,
        ran_out(quota(PER_MODEL_MINUTE), quota(PER_MODEL_DAY)),
        Blame.QUOTA,
    ),
    Real(
        "per day, the model among the dimensions",
        429,
        ran_out(quota("GenerateRequestsPerDayPerProject", model="gemini-2.5-pro")),
        Blame.QUOTA,
    ),
    Real(
        "per day, for every model",
        429,
        ran_out(quota("GenerateRequestsPerDayPerProject-FreeTier")),
        Blame.QUOTA,
        is_account_wide=True,
    ),
    Real(
        "per day, the model in ErrorInfo",
        429,
        error(
            429,
            "x",
            detail("QuotaFailure", violations=[quota("RequestsPerDayPerProject")]),
            info("QUOTA_EXHAUSTED", model="gemini-2.5-pro"),
        ),
        Blame.QUOTA,
    ),
    Real(
        "a quota without an id",
        429,
        error(429, "x", detail("QuotaFailure", violations=[{"subject": "project:1"}])),
        Blame.QUOTA,
    ),
    Real(
        "limit of zero",
        429,
        ran_out(quota(PER_MODEL_DAY), limit="0", more=", model: gemini-2.5-pro"),
        Blame.QUOTA,
    ),
    Real(
        "limit of zero, per minute",
        429,
        ran_out(quota(PER_MODEL_MINUTE), limit="0", more="\nPlease retry in 34s."),
        Blame.QUOTA,
    ),
    Real(
        "limit of less than one, per minute",
        429,
        ran_out(quota(PER_MODEL_MINUTE), limit="0.5"),
        Blame.RATE,
        60.0,
    ),
]

CAPACITY = [
    Real(
        "capacity as 429",
        429,
        error(
            429,
            FULL,
            info("MODEL_CAPACITY_EXHAUSTED", model="gemini-3.1-pro"),
            legacy="rateLimitExceeded",
        ),
        Blame.CAPACITY,
    ),
    Real(
        "capacity as 429, without details",
        429,
        error(429, FULL, legacy="rateLimitExceeded"),
        Blame.CAPACITY,
    ),
    Real(
        "capacity as 503",
        503,
        error(
            503,
            FULL,
            info("MODEL_CAPACITY_EXHAUSTED", model="gemini-3.1-pro"),
            retry("40s"),
        ),
        Blame.CAPACITY,
        40.0,
    ),
    Real(
        "capacity as 503, without a delay",
        503,
        error(503, FULL, info("MODEL_CAPACITY_EXHAUSTED", model="gemini-3.1-pro")),
        Blame.CAPACITY,
    ),
    Real(
        "overloaded",
        503,
        error(503, "The model is overloaded. Please try again later."),
        Blame.CAPACITY,
    ),
]

FAILURES = [
    Real("internal", 500, error(500, "Internal error encountered."), Blame.ENDPOINT),
    Real(
        "unavailable for a while",
        503,
        error(503, "The service is currently unavailable.", retry("9s")),
        Blame.ENDPOINT,
        9.0,
    ),
    Real("front end down", 502, b"<!DOCTYPE html><html>502</html>", Blame.ENDPOINT),
    Real("timeout of a front end", 504, b"", Blame.ENDPOINT),
    Real("request timeout", 408, error(408, "The request timed out."), Blame.ENDPOINT),
    Real("closed by the client, it says", 499, b"", Blame.ENDPOINT),
]

REAL = [
    *(*BAD_REQUESTS, *UNPAID, *REFUSED_TOKENS, *DENIALS, *MISSING),
    *(*RATES, *QUOTAS, *CAPACITY, *FAILURES),
]
