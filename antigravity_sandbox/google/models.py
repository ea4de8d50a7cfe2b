"""The models that the public API and Vertex AI know."""

from antigravity_sandbox.google.visit import Visit

INPUT_TOKENS, OUTPUT_TOKENS = 1_048_576, 65_536

MODELS = (
    "gemini-2.5-flash",
    "gemini-2.5-flash-image",
    "gemini-2.5-flash-lite",
    "gemini-2.5-pro",
    "gemini-3-flash",
    "gemini-3-flash-preview",
    "gemini-3-pro",
    "gemini-3-pro-preview",
    "gemini-3.1-flash-image",
    "gemini-3.1-flash-image-preview",
    "gemini-3.1-pro",
    "gemini-3.1-pro-preview",
)


def known_models(visit: Visit) -> dict[str, str]:
    """
    The models that a visitor may ask for, and what they are called.

    Those of a quota of its own and those that misbehave are among them.
    """
    names = (*MODELS, *visit.standing.purse.models)
    return {name: name.replace("-", " ").title() for name in names} | {**visit.tricks}
