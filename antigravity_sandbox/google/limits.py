"""Too many, too much, not now: every 429, and the 503s about capacity."""

from math import ceil

from antigravity_sandbox.durations import protobuf, spoken, timestamp
from antigravity_sandbox.google.errors import (
    CLOUD_CODE,
    About,
    error,
    error_info,
    help_links,
    quota_failure,
    refusal,
    retry_info,
)
from antigravity_sandbox.reply import (
    JSON_HEADERS,
    Json,
    Reply,
    indented,
    json_reply,
)

_METRIC = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
_BARE = "Resource has been exhausted (e.g. check quota)."


def _reset(reason: str, about: About) -> Json:
    """The ErrorInfo that says when a quota is full again."""
    return error_info(
        reason,
        uiMessage="true",
        model=about.model,
        quotaResetDelay=about.delay,
        quotaResetTimeStamp=timestamp(about.now + about.wait),
    )


def rate_limited(about: About) -> Reply:
    """Too many requests in a short time."""
    message = "You have exhausted your capacity on this model. "
    message += f"Your quota will reset after {spoken(about.wait)}."
    info = _reset("RATE_LIMIT_EXCEEDED", about)
    return refusal(429, message, info, retry_info(protobuf(about.wait)))


def retry_later(about: About) -> Reply:
    """Too many requests; a message and a RetryInfo, nothing else."""
    message = "You have exhausted your capacity on this model. "
    message += f"Your quota will reset after {spoken(about.wait)}."
    return refusal(429, message, retry_info(protobuf(about.wait)))


def quota_exhausted(about: About) -> Reply:
    """The quota of hours or of a week is used up."""
    message = "Individual quota reached. Contact your administrator to enable "
    message += f"overages. Resets in {spoken(about.wait)}."
    info = _reset("QUOTA_EXHAUSTED", about)
    return refusal(429, message, info, retry_info(protobuf(about.wait)))


def quota_exhausted_delay_last(about: About) -> Reply:
    """The quota is used up; the details come in another order, with a Help."""
    links = help_links(Learn_more="https://ai.google.dev/gemini-api/docs/rate-limits")
    info = _reset("QUOTA_EXHAUSTED", about)
    message = f"Individual quota reached. Resets in {spoken(about.wait)}."
    return refusal(429, message, links, retry_info(protobuf(about.wait)), info)


def exhausted(_: About) -> Reply:
    """Some quota is used up; no details at all."""
    return refusal(429, _BARE)


def exhausted_as_stream(_: About) -> Reply:
    """No details either, and served as if it were a stream."""
    headers = (("Content-Type", "text/event-stream"), ("Server", "ESF"))
    return Reply(429, indented(error(429, _BARE)), headers)


def exhausted_with_header(about: About) -> Reply:
    """Some quota is used up; the delay is in a Retry-After header only."""
    retry_after = ("Retry-After", str(ceil(about.wait)))
    return json_reply(429, error(429, _BARE), (*JSON_HEADERS, retry_after))


def rate_limited_nested(about: About) -> Reply:
    """Too many requests, told by a whole error inside the message of another."""
    inner = rate_limited(about).body.decode()
    return refusal(429, inner)


def rate_limited_with_stray_commas(about: About) -> Reply:
    """Too many requests; the domain has commas behind it, as was seen."""
    info = {**_reset("RATE_LIMIT_EXCEEDED", about), "domain": f"{CLOUD_CODE},,"}
    message = "You have exhausted your capacity on this model."
    return refusal(429, message, info, retry_info(protobuf(about.wait)))


def credits_exhausted(about: About) -> Reply:
    """The credits that were bought are used up."""
    info = error_info(
        "INSUFFICIENT_G1_CREDITS_BALANCE", error_number="2008", model=about.model
    )
    return refusal(429, "Insufficient G1 credits balance.", info)


def capacity_as_429(about: About) -> Reply:
    """The model is busy, and says so with the status of a quota."""
    message = f"No capacity available for model {about.model} on the server"
    info = error_info("MODEL_CAPACITY_EXHAUSTED", model=about.model)
    return refusal(429, message, info, legacy_reason="rateLimitExceeded")


def _public(window: str, value: str, about: About, *more: Json) -> Reply:
    """A quota in the words of the public API."""
    quota = f"GenerateRequests{window}ProjectPerModel-FreeTier"
    failure = quota_failure(quota, _METRIC, value, about.model)
    message = (
        "You exceeded your current quota, please check your plan and billing details."
        f"\n* Quota exceeded for metric: {_METRIC}, limit: {value}, "
        f"model: {about.model}"
    )
    return refusal(429, message, failure, *more)


def per_day(about: About) -> Reply:
    """A daily quota is used up, which says nothing of when the day ends."""
    return _public("PerDayPer", "250", about)


def per_minute(about: About) -> Reply:
    """A quota per minute is used up."""
    return _public("PerMinutePer", "10", about, retry_info(protobuf(about.wait)))


def limit_zero(about: About) -> Reply:
    """A quota of nothing is used up: this account never had it."""
    return _public("PerDayPer", "0", about)


def retry_in_text(about: About) -> Reply:
    """A quota is used up; the delay is in the message only."""
    message = "You exceeded your current quota. "
    return refusal(429, f"{message}Please retry in {about.delay}.")


def no_capacity(about: About) -> Reply:
    """The model is busy, and says for how long."""
    info = error_info("MODEL_CAPACITY_EXHAUSTED", model=about.model)
    message = f"No capacity available for model {about.model} on the server"
    return refusal(503, message, info, retry_info(protobuf(about.wait)))


def no_capacity_bare(about: About) -> Reply:
    """The model is busy, and does not say for how long."""
    info = error_info("MODEL_CAPACITY_EXHAUSTED", model=about.model)
    message = f"No capacity available for model {about.model} on the server"
    return refusal(503, message, info)


def overloaded(_: About) -> Reply:
    """The model is busy, in the words of the public API."""
    return refusal(503, "The model is overloaded. Please try again later.")
