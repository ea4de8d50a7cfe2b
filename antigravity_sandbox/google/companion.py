"""What the calls around generating answer: who is this, and what may it use?"""

from collections.abc import Mapping
from math import ceil

from antigravity_sandbox.accounts import FREE, STANDARD, Standing
from antigravity_sandbox.durations import timestamp
from antigravity_sandbox.google import denials
from antigravity_sandbox.google.envelope import (
    check_names,
    check_project,
    check_texts,
)
from antigravity_sandbox.google.errors import (
    PROJECT_NUMBER,
    failed_precondition,
    invalid_argument,
    not_found,
    unknown_name,
)
from antigravity_sandbox.model.prompt import Prompt
from antigravity_sandbox.model.usage import counted
from antigravity_sandbox.reply import Json, Refused

HOUR = 3600.0

_INTERNAL = 13
"""What a ``google.rpc.Status`` has for a code when something broke."""

FREE_TIER: Json = {
    "id": FREE,
    "name": "Gemini Code Assist for individuals",
    "description": "Gemini-powered code suggestions and chat in multiple IDEs",
    "privacyNotice": {"showNotice": True, "noticeText": "This is a sandbox."},
    "isDefault": True,
}
STANDARD_TIER: Json = {
    "id": STANDARD,
    "name": "Gemini Code Assist",
    "description": "Unlimited coding assistant with the most powerful Gemini models",
    "userDefinedCloudaicompanionProject": True,
    "privacyNotice": {},
}
REASONS = (
    "DASHER_USER",
    "INELIGIBLE_ACCOUNT",
    "NON_USER_ACCOUNT",
    "RESTRICTED_AGE",
    "RESTRICTED_NETWORK",
    "UNKNOWN",
    "UNKNOWN_LOCATION",
    "UNSUPPORTED_CLIENT",
    "UNSUPPORTED_LOCATION",
    denials.VALIDATION_REQUIRED,
)
"""The codes that say why a tier is not for an account."""

MODELS = (
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "gemini-3-flash",
    "gemini-3-pro-high",
    "gemini-3.1-pro",
    "gemini-3.1-flash-image",
)


def load_code_assist(standing: Standing, body: Json) -> Json:
    """The tier and the project of an account, once it has them."""
    check_names(body, ("cloudaicompanionProject", "metadata", "mode"))
    check_texts(body, ("cloudaicompanionProject", "mode"))
    orders = standing.orders
    if orders.ineligible:
        return {"ineligibleTiers": [_ineligible(orders.ineligible)]}
    if orders.tier == FREE:
        tiers: Json = {"allowedTiers": [FREE_TIER, STANDARD_TIER]}
    else:
        tiers = {"allowedTiers": [{**STANDARD_TIER, "isDefault": True}]}
    if not orders.onboarded:
        return tiers
    current = FREE_TIER if orders.tier == FREE else STANDARD_TIER
    answer = {"currentTier": current, **tiers}
    named = body.get("cloudaicompanionProject")
    if orders.tier == FREE or named == standing.project:
        project = PROJECT_NUMBER if orders.numeric_project else standing.project
        answer["cloudaicompanionProject"] = project
    return answer


def _ineligible(reason: str) -> Json:
    """Why the free tier is not for an account."""
    tier: Json = {
        "reasonCode": reason,
        "reasonMessage": f"Your account is not eligible for {FREE_TIER['name']}.",
        "tierId": FREE,
        "tierName": FREE_TIER["name"],
    }
    if reason == denials.VALIDATION_REQUIRED:
        tier |= {
            "validationErrorMessage": denials.VERIFY,
            "validationUrl": denials.VERIFY_URL,
            "validationUrlLinkText": "Verify your account",
            "validationLearnMoreUrl": denials.ALERT_URL,
            "validationLearnMoreLinkText": "Learn more",
        }
    return tier


def check_eligible(standing: Standing) -> None:
    """
    See that there is a tier for an account.

    :raises Refused: when there is none, in the words that belong to the reason.
    """
    if standing.orders.ineligible:
        raise Refused(denials.ineligible(standing.orders.ineligible))


def onboard_user(standing: Standing, body: Json) -> Json:
    """
    The operation that gives an account its project.

    It is asked about by a poll, or by the same call once more; how often
    before it is over is up to the account's orders.
    """
    check_names(body, ("tierId", "cloudaicompanionProject", "metadata"))
    check_texts(body, ("tierId", "cloudaicompanionProject"))
    check_eligible(standing)
    tier, project = body.get("tierId"), body.get("cloudaicompanionProject")
    if tier not in (FREE, STANDARD):
        raise Refused(invalid_argument())
    if (tier == FREE) == bool(project):
        raise Refused(failed_precondition())
    if standing.orders.tier == STANDARD:
        if tier == FREE:
            raise Refused(failed_precondition())
        check_project(project, standing)
    standing.begin_onboarding()
    return _operation(standing, standing.account.name)


def operation(standing: Standing, name: str) -> Json:
    """The operation *name*, as it is polled."""
    if name != standing.account.name:
        raise Refused(not_found())
    return _operation(standing, name)


def _operation(standing: Standing, name: str) -> Json:
    state: Json = {"name": f"operations/{name}"}
    if not standing.onboarding_over():
        return {**state, "done": False}
    if not standing.orders.onboarded:
        wrong = {"code": _INTERNAL, "message": "Internal error encountered."}
        return {**state, "done": True, "error": wrong}
    project = standing.project
    kind = "type.googleapis.com/google.internal.cloud.code.v1internal"
    response = {
        "@type": f"{kind}.OnboardUserResponse",
        "cloudaicompanionProject": {"id": project, "name": project},
    }
    return {**state, "done": True, "response": response}


def available_models(
    standing: Standing, body: Json, now: float, tricks: Mapping[str, str]
) -> Json:
    """
    The models, and how much of each is left.

    :param tricks: further models, and what they are to be called.
    """
    check_names(body, ("project",))
    check_texts(body, ("project",))
    if "project" in body:
        check_project(body["project"], standing)
    names = {m: m.replace("-", " ").title() for m in _models(standing)}
    models = {
        model: _model(model, title, standing, now)
        for model, title in (names | {**tricks}).items()
    }
    deprecated = {"gemini-2.0-flash": {"newModelId": MODELS[0]}}
    return {
        "models": models,
        "deprecatedModelIds": deprecated,
        "defaultAgentModelId": MODELS[0],
    }


def _model(model: str, title: str, standing: Standing, now: float) -> Json:
    pictures = {"image/png": True, "image/jpeg": True, "image/webp": True}
    return {
        "displayName": title,
        "model": "MODEL_PLACEHOLDER_" + model.upper().replace("-", "_"),
        "modelProvider": "MODEL_PROVIDER_GOOGLE",
        "apiProvider": "API_PROVIDER_GOOGLE_GEMINI",
        "quotaInfo": _quota(standing, model, now),
        "supportsImages": True,
        "supportsThinking": "flash" not in model,
        "thinkingBudget": 8192,
        "recommended": model == MODELS[0],
        "maxTokens": 1_048_576,
        "maxOutputTokens": 65_536,
        "supportedMimeTypes": {"text/plain": True, **pictures},
    }


def user_quota(standing: Standing, body: Json, now: float) -> Json:
    """How much of each model is left, in one bucket each."""
    check_names(body, ("project", "userAgent"))
    check_texts(body, ("project", "userAgent"))
    check_project(body.get("project"), standing)
    buckets = [
        {**_quota(standing, model, now), "tokenType": "REQUESTS", "modelId": model}
        for model in _models(standing)
    ]
    return {"buckets": buckets}


def _models(standing: Standing) -> dict[str, None]:
    """The models, and those that the account was given a quota for."""
    return dict.fromkeys((*MODELS, *standing.purse.models))


def _quota(standing: Standing, model: str, now: float) -> Json:
    """How much of *model* is left, and when it is full again."""
    wait = standing.wait(model, now)
    reset = now + 5 * HOUR if wait is None else ceil(now + wait)  # never too early
    told: Json = {"resetTime": timestamp(reset)}
    if standing.orders.quota_unknown:
        return told
    return {"remainingFraction": standing.fraction(model, now), **told}


def count_tokens(body: Json) -> Json:
    """How many tokens a prompt has.  There is no project in this call."""
    check_names(body, ("request",))
    request = body.get("request")
    if not isinstance(request, dict):
        raise Refused(invalid_argument())
    for name in request:
        if name not in ("model", "contents"):
            raise Refused(unknown_name(name, "request"))
    if not str(request.get("model", "")).startswith("models/"):
        raise Refused(not_found())
    return {"totalTokens": sum(counted(Prompt(request).all_parts).values())}
