"""What Vertex AI answers: bare requests, bare responses, a project and a location."""

from collections.abc import Iterable

from attrs import evolve

from antigravity_sandbox.google import vertex_denials
from antigravity_sandbox.google.errors import About, html_page
from antigravity_sandbox.google.generate import check_stream, responses, spend
from antigravity_sandbox.google.models import known_models
from antigravity_sandbox.google.request import Ask, Dialect
from antigravity_sandbox.google.visit import Visit
from antigravity_sandbox.model.prompt import Prompt, get, text_of
from antigravity_sandbox.model.usage import counted, details
from antigravity_sandbox.reply import Json, Refused, Reply

DIALECT = Dialect(
    "google.cloud.aiplatform.v1",
    (
        *("model", "contents", "systemInstruction", "tools", "toolConfig"),
        *("safetySettings", "generationConfig", "cachedContent"),
        *("labels", "modelArmorConfig"),
    ),
    "Unable to submit request because at least one contents field is required. Learn "
    "more: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/gemini",
)
COUNTED = ("model", "contents", "systemInstruction", "tools", "generationConfig")

LOCATIONS = (
    *("global", "us", "eu", "us-central1", "us-east1", "us-east4", "us-east5"),
    *("us-south1", "us-west1", "us-west4", "northamerica-northeast1"),
    *("southamerica-east1", "europe-central2", "europe-north1", "europe-southwest1"),
    *("europe-west1", "europe-west2", "europe-west3", "europe-west4", "europe-west6"),
    *("europe-west8", "europe-west9", "asia-east1", "asia-east2", "asia-northeast1"),
    *("asia-northeast3", "asia-south1", "asia-southeast1", "australia-southeast1"),
    *("me-central1", "me-central2", "me-west1"),
)


def events(visit: Visit) -> Iterable[Json]:
    """
    What the method of a visit answers.

    :raises Refused: when that is a refusal.
    """
    call = visit.call
    about = evolve(visit.about, project=call.named["project"])
    if about.project != visit.standing.project:
        raise Refused(vertex_denials.iam_denied(about))
    if about.location not in LOCATIONS:
        raise Refused(_no_such_host())
    if call.model not in known_models(visit):
        raise Refused(vertex_denials.model_not_found(about))
    if call.method == "countTokens":
        DIALECT.check_names(visit.body, COUNTED)
        return [_count(_prompt(visit))]
    check_stream(visit)
    DIALECT.check_names(visit.body)
    ask = Ask(call.model, _prompt(visit))
    spend(visit, _exhausted)
    return responses(visit, ask)


def _no_such_host() -> Reply:
    """A page of the front end: there is no such location."""
    text = "The requested URL was not found on this server."
    return html_page(404, "Not Found", text)


def _exhausted(about: About, _: float) -> Refused:
    """The 429 that says nothing of when."""
    return Refused(vertex_denials.exhausted(about))


def _prompt(visit: Visit) -> Prompt:
    """The prompt, whose contents must all say whose they are."""
    prompt = DIALECT.prompt(visit.body)
    if any(
        get(content, "role") not in ("user", "model") for content in prompt.contents
    ):
        raise Refused(vertex_denials.role_missing(visit.about))
    return prompt


def _count(prompt: Prompt) -> Json:
    counts = counted(prompt.all_parts)
    return {
        "totalTokens": sum(counts.values()),
        "totalBillableCharacters": sum(len(text_of(p)) for p in prompt.all_parts),
        "promptTokensDetails": details(counts),
    }
