"""The kinds of account that Google serves, and what each of them may call."""

CODE_ASSIST = "code_assist"
GEMINI = "gemini_api_key"
VERTEX = "vertex"

STREAM = "streamGenerateContent"
GENERATE = ("generateContent", STREAM)

GRANTS = ("token", "exchange", "generateAccessToken", "revoke", "userinfo")
"""The methods that are about access tokens.  They are of no kind."""

METHODS = {
    CODE_ASSIST: (
        *GENERATE,
        "countTokens",
        "loadCodeAssist",
        "onboardUser",
        "operations",
        "fetchAvailableModels",
        "retrieveUserQuota",
    ),
    GEMINI: (*GENERATE, "countTokens", "listModels", "getModel"),
    VERTEX: (*GENERATE, "countTokens"),
}
"""The other methods, by their kind."""

SERVICES = {
    CODE_ASSIST: "cloudcode-pa.googleapis.com",
    GEMINI: "generativelanguage.googleapis.com",
    VERTEX: "aiplatform.googleapis.com",
}
"""The host that serves each kind, which is also the name of its service."""

RPCS = {
    CODE_ASSIST: "google.internal.cloud.code.v1internal.PredictionService",
    GEMINI: "google.ai.generativelanguage.v1beta.GenerativeService",
    VERTEX: "google.cloud.aiplatform.v1.PredictionService",
}
"""What the methods of each kind belong to, as errors spell it."""


def kind_of(method: str) -> str | None:
    """The kind of a call whose path does not say more than its *method*."""
    return None if method in GRANTS else CODE_ASSIST
