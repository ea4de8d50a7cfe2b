"""What the calls around generating answer: who is this, and what may it use?"""

from antigravity_sandbox.accounts import Standing
from antigravity_sandbox.durations import timestamp
from antigravity_sandbox.google.envelope import (
    check_names,
    check_project,
    check_texts,
)
from antigravity_sandbox.google.errors import (
    failed_precondition,
    invalid_argument,
    not_found,
    unknown_name,
)
from antigravity_sandbox.model.prompt import Prompt
from antigravity_sandbox.model.usage import counted
from antigravity_sandbox.reply import Json, Refused

HOUR = 3600.0

FREE_TIER: Json = {
    "id": "free-tier",
    "name": "Gemini Code Assist for individuals",
    "description": "Gemini-powered code suggestions and chat in multiple IDEs",
    "privacyNotice": {"showNotice": True, "noticeText": "This is a sandbox."},
    "isDefault": True,
}
STANDARD_TIER: Json = {
    "id": "standard-tier",
    "name": "Gemini Code Assist",
    "description": "Unlimited coding assistant with the most powerful Gemini models",
    "userDefinedCloudaicompanionProject": True,
    "privacyNotice": {},
}
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
    tiers: Json = {"allowedTiers": [FREE_TIER, STANDARD_TIER]}
    if not standing.orders.onboarded:
        return tiers
    project = standing.account.project
    return {"currentTier": FREE_TIER, **tiers, "cloudaicompanionProject": project}


def onboard_user(standing: Standing, body: Json) -> Json:
    """
    The operation that gives an account its project.

    It is done when it is asked about for the second time, be it by a poll or
    by the same call once more.
    """
    check_names(body, ("tierId", "cloudaicompanionProject", "metadata"))
    check_texts(body, ("tierId", "cloudaicompanionProject"))
    if body.get("tierId") not in (FREE_TIER["id"], STANDARD_TIER["id"]):
        raise Refused(invalid_argument())
    free = body["tierId"] == FREE_TIER["id"]
    if free == bool(body.get("cloudaicompanionProject")):
        raise Refused(failed_precondition())
    return _operation(standing, standing.account.name)


def operation(standing: Standing, name: str) -> Json:
    """The operation *name*, as it is polled."""
    if name != standing.account.name:
        raise Refused(not_found())
    return _operation(standing, name)


def _operation(standing: Standing, name: str) -> Json:
    state: Json = {"name": f"operations/{name}"}
    if not standing.onboarding_done():
        return {**state, "done": False}
    project = standing.account.project
    kind = "type.googleapis.com/google.internal.cloud.code.v1internal"
    response = {
        "@type": f"{kind}.OnboardUserResponse",
        "cloudaicompanionProject": {"id": project, "name": project},
    }
    return {**state, "done": True, "response": response}


def available_models(
    standing: Standing, body: Json, now: float, tricks: dict[str, str]
) -> Json:
    """
    The models, and how much of each is left.

    :param tricks: further models, and what they are to be called.
    """
    check_names(body, ("project",))
    check_texts(body, ("project",))
    if "project" in body:
        check_project(body["project"], standing.account.project)
    names = {model: model.replace("-", " ").title() for model in MODELS}
    models = {
        model: _model(model, title, standing, now)
        for model, title in (names | tricks).items()
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
        "quotaInfo": _quota(standing, now),
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
    check_project(body.get("project"), standing.account.project)
    quota = _quota(standing, now)
    buckets = [{**quota, "tokenType": "REQUESTS", "modelId": m} for m in MODELS]
    return {"buckets": buckets}


def _quota(standing: Standing, now: float) -> Json:
    left, quota = standing.left, standing.orders.quota
    fraction = 1.0 if left is None or not quota else left / quota
    if left == 0:
        fraction = 0.0
    return {"remainingFraction": fraction, "resetTime": timestamp(now + 5 * HOUR)}


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
