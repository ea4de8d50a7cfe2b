"""Too many, too much, in the words of the public Gemini API."""

from antigravity_sandbox.durations import protobuf
from antigravity_sandbox.google.errors import (
    PROJECT_NUMBER,
    About,
    error_info,
    help_links,
    quota_failure,
    refusal,
    retry_info,
)
from antigravity_sandbox.kinds import GEMINI, SERVICES
from antigravity_sandbox.reply import Json, Reply

_SERVICE = SERVICES[GEMINI]
_METRIC = f"{_SERVICE}/generate_content_free_tier_requests"
_RATES = "https://ai.google.dev/gemini-api/docs/rate-limits"
_LINKS = help_links(Learn_more_about_Gemini_API_quotas=_RATES)


def _message(about: About) -> str:
    return (
        "You exceeded your current quota, please check your plan and billing details. "
        f"For more information on this error, head to: {_RATES}. To monitor your "
        "current usage, head to: https://ai.dev/rate-limit. \n* Quota exceeded for "
        f"metric: {_METRIC}, limit: {about.limit}, model: {about.model}\n"
        f"Please retry in {protobuf(about.wait)}."
    )


def _failure(window: str, about: About) -> Json:
    quota = f"GenerateRequests{window}PerProjectPerModel-FreeTier"
    return quota_failure(quota, _METRIC, str(about.limit), about.model)


def per_day(about: About) -> Reply:
    """The daily quota of the free tier is used up; the message says for how long."""
    details = (_LINKS, _failure("PerDay", about), retry_info(protobuf(about.wait)))
    return refusal(429, _message(about), *details)


def per_minute(about: About) -> Reply:
    """A quota per minute is used up; the details come in an older order."""
    details = (_failure("PerMinute", about), _LINKS, retry_info(protobuf(about.wait)))
    return refusal(429, _message(about), *details)


def rate_quota(_: About) -> Reply:
    """A quota per minute and region is used up, in older words."""
    message = (
        "Quota exceeded for quota metric 'Generate Content API requests per minute' "
        "and limit 'GenerateContent request limit per minute for a region' of service "
        f"'{_SERVICE}' for consumer 'project_number:{PROJECT_NUMBER}'."
    )
    info = error_info(
        "RATE_LIMIT_EXCEEDED",
        "googleapis.com",
        service=_SERVICE,
        quota_metric=f"{_SERVICE}/generate_content_requests",
        quota_location="us-west4",
        quota_limit="GenerateContentRequestsPerMinutePerProjectPerRegion",
        quota_limit_value="60",
        consumer=f"projects/{PROJECT_NUMBER}",
    )
    url = "https://cloud.google.com/docs/quota#requesting_higher_quota"
    links = help_links(**{"Request a higher quota limit.": url})
    return refusal(429, message, info, links)


def credits_depleted(_: About) -> Reply:
    """What was paid in advance is used up."""
    message = "Your prepayment credits are depleted. Please go to AI Studio at "
    message += "https://ai.studio/projects to manage your project and billing."
    return refusal(429, message)


def spending_cap(_: About) -> Reply:
    """The project has spent as much this month as it may."""
    return refusal(
        429,
        "Your project has exceeded its monthly spending cap. Please go to AI Studio at "
        "https://ai.studio/spend to manage your project spend cap. Learn more at "
        "https://ai.google.dev/gemini-api/docs/billing#project-spend-caps.",
    )


def high_demand(_: About) -> Reply:
    """The model is busy, in newer words."""
    return refusal(
        503,
        "This model is currently experiencing high demand. Spikes in demand are "
        "usually temporary. Please try again later.",
    )
