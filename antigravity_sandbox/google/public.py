"""What the public Gemini API answers: bare requests, bare responses, an API key."""

from collections.abc import Iterable

from antigravity_sandbox.google import free_tier, key_denials
from antigravity_sandbox.google.envelope import check_object
from antigravity_sandbox.google.errors import About
from antigravity_sandbox.google.generate import check_stream, responses, spend
from antigravity_sandbox.google.models import INPUT_TOKENS, OUTPUT_TOKENS, known_models
from antigravity_sandbox.google.request import Ask, Dialect
from antigravity_sandbox.google.visit import Visit
from antigravity_sandbox.model.prompt import get
from antigravity_sandbox.model.usage import counted, details
from antigravity_sandbox.reply import Exhausted, Json, Refused

MINUTE = 60.0

DIALECT = Dialect(
    "google.ai.generativelanguage.v1beta",
    (
        *("model", "contents", "systemInstruction", "tools", "toolConfig"),
        *("safetySettings", "generationConfig", "cachedContent"),
        *("serviceTier", "store"),
    ),
)


def events(visit: Visit) -> Iterable[Json]:
    """
    What the method of a visit answers.

    :raises Refused: when that is a refusal.
    """
    if visit.call.method == "listModels":
        names = known_models(visit)
        return [{"models": [_model(*named) for named in names.items()]}]
    if visit.call.model not in known_models(visit):
        raise Refused(key_denials.model_not_found(visit.about))
    match visit.call.method:
        case "getModel":
            model = visit.call.model
            return [_model(model, known_models(visit)[model])]
        case "countTokens":
            return [_count(visit.body)]
        case _:
            return _generate(visit)


def _generate(visit: Visit) -> Iterable[Json]:
    check_stream(visit)
    DIALECT.check_names(visit.body)
    ask = Ask(visit.call.model, DIALECT.prompt(visit.body))
    spend(visit, _exhausted)
    return responses(visit, ask)


def _exhausted(about: About, wait: float) -> Refused:
    """The 429 of a quota per day, or per minute if it is full again that soon."""
    make = free_tier.per_day if wait > MINUTE else free_tier.per_minute
    return Exhausted(make(about), wait)


def _count(body: Json) -> Json:
    """How many tokens a prompt has, be it bare or a whole request."""
    DIALECT.check_names(body, ("contents", "generateContentRequest"))
    request = get(body, "generateContentRequest")
    if request is not None:
        DIALECT.check_names(check_object(request))
    prompt = DIALECT.prompt(body if request is None else request)
    counts = counted(prompt.all_parts)
    return {"totalTokens": sum(counts.values()), "promptTokensDetails": details(counts)}


def _model(model: str, title: str) -> Json:
    return {
        "name": f"models/{model}",
        "version": "001",
        "displayName": title,
        "description": "A model of the sandbox.",
        "inputTokenLimit": INPUT_TOKENS,
        "outputTokenLimit": OUTPUT_TOKENS,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": True,
    }
