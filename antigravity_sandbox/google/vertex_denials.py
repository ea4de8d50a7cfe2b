"""What Vertex AI says when it will not serve."""

from antigravity_sandbox.google.denials import api_disabled
from antigravity_sandbox.google.errors import (
    PROJECT_NUMBER,
    About,
    error_info,
    refusal,
)
from antigravity_sandbox.kinds import SERVICES, VERTEX
from antigravity_sandbox.reply import Reply

_SERVICE = SERVICES[VERTEX]
_DOCS = "https://cloud.google.com/vertex-ai/generative-ai/docs"


def _resource(about: About) -> str:
    place = f"projects/{about.project}/locations/{about.location}"
    return f"{place}/publishers/google/models/{about.model}"


def role_missing(_: About) -> Reply:
    """A content does not say whose it is."""
    return refusal(400, "Please use a valid role: user, model.")


def region_denied(about: About) -> Reply:
    """The organisation does not allow the location."""
    number = PROJECT_NUMBER
    url = "https://console.cloud.google.com/iam-admin/orgpolicies/gcp-resourceLocations"
    return refusal(
        400,
        "The request has violated one or more Org Policies: violations { description: "
        f'"The project {number} failed the org policy enforcement check for '
        f"`constraints/gcp.resourceLocations`. Please refer to {url}?project={number} "
        'to review the project resource location restriction." }',
        status="FAILED_PRECONDITION",
    )


def model_denied(about: About) -> Reply:
    """The organisation does not allow the model."""
    return refusal(
        400,
        "Organization Policy constraint `constraints/vertexai.allowedModels` violated "
        f"for `projects/{PROJECT_NUMBER}` attempting to use a disallowed Gen AI model "
        f"`{about.model}`. Please contact your organization administrator to fix this "
        "violation. For more info, see "
        f"{_DOCS}/control-model-access.",
        status="FAILED_PRECONDITION",
    )


def model_not_granted(about: About) -> Reply:
    """The project has not been given the model."""
    message = f"Project `{PROJECT_NUMBER}` is not allowed to use Publisher Model "
    return refusal(400, f"{message}`{_resource(about)}`", status="FAILED_PRECONDITION")


def iam_denied(about: About) -> Reply:
    """The account may not predict in the project."""
    permission, resource = "aiplatform.endpoints.predict", _resource(about)
    message = f"Permission '{permission}' denied on resource '//{_SERVICE}/{resource}'"
    info = error_info(
        "IAM_PERMISSION_DENIED", _SERVICE, resource=resource, permission=permission
    )
    return refusal(403, f"{message} (or it may not exist).", info)


def vertex_disabled(about: About) -> Reply:
    """Vertex AI is off in the project."""
    return api_disabled(_SERVICE, "Vertex AI API", about.project)


def model_not_found(about: About) -> Reply:
    """Vertex AI does not know the model, not in this location at least."""
    return refusal(
        404,
        f"Publisher Model `{_resource(about)}` was not found or your project does not "
        "have access to it. Please ensure you are using a valid model version. For "
        f"more information, see: {_DOCS}/learn/model-versions",
    )


def exhausted(_: About) -> Reply:
    """Too much is asked of all who share the model; it is not said for how long."""
    return refusal(
        429,
        "Resource exhausted. Please try again later. Please refer to "
        f"{_DOCS}/error-code-429 for more details.",
    )


def quota_exceeded(about: About) -> Reply:
    """The quota of the project is used up; it is not said for how long."""
    metric = "generate_content_requests_per_minute_per_project_per_base_model"
    return refusal(
        429,
        f"Quota exceeded for {_SERVICE}/{metric} with base model: {about.model}. "
        "Please submit a quota increase request. "
        "https://cloud.google.com/vertex-ai/docs/generative-ai/quotas-genai.",
    )
