"""The many ways in which an account may not: every 403."""

from antigravity_sandbox.google.errors import (
    CLOUD_CODE,
    COMPANION,
    About,
    error_info,
    help_links,
    localized,
    refusal,
)
from antigravity_sandbox.reply import Reply

_CONSOLE = "https://console.developers.google.com/apis/api"
_LICENSE = "https://cloud.google.com/gemini/docs/codeassist/request-license"
VERIFY_URL = "https://accounts.google.com/signin/continue?sarp=1&scc=1&plt=sandbox"
ALERT_URL = "https://support.google.com/accounts?p=al_alert"

VALIDATION_REQUIRED = "VALIDATION_REQUIRED"
VERIFY = "Verify your account to continue."


def api_disabled(service: str, title: str, project: str) -> Reply:
    """The API *service* is off in *project*."""
    url = f"{_CONSOLE}/{service}/overview?project={project}"
    message = (
        f"{title} has not been used in project {project} before or it is disabled. "
        f"Enable it by visiting {url} then retry. If you enabled this API recently, "
        "wait a few minutes for the action to propagate to our systems and retry."
    )
    info = error_info(
        "SERVICE_DISABLED",
        "googleapis.com",
        service=service,
        serviceTitle=title,
        consumer=f"projects/{project}",
        containerInfo=project,
        activationUrl=url,
    )
    links = help_links(Google_developers_console_API_activation=url)
    return refusal(403, message, info, localized(message), links)


def service_disabled(about: About) -> Reply:
    """The private API is off, and nobody outside Google can turn it on."""
    title = "Cloud Code Private API"
    return api_disabled(CLOUD_CODE, title, about.project)


def companion_disabled(about: About) -> Reply:
    """The public API is off, and the operator can turn it on."""
    title = "Gemini for Google Cloud API"
    return api_disabled(COMPANION, title, about.project)


def validation_required(_: About) -> Reply:
    """Google wants to see the owner of the account."""
    info = error_info(
        VALIDATION_REQUIRED,
        validation_error_message=VERIFY,
        validation_url_link_text="Verify your account",
        validation_url=VERIFY_URL,
        validation_learn_more_link_text="Learn more",
        validation_learn_more_url=ALERT_URL,
    )
    links = help_links(Verify_your_account=VERIFY_URL, Learn_more=ALERT_URL)
    return refusal(403, VERIFY, info, links)


def validation_required_in_message(_: About) -> Reply:
    """Google wants to see the owner; the older form, the URL in its message."""
    message = f"To continue, verify your account at\n\n{VERIFY_URL}\n\nLearn more\n\n"
    info = error_info(
        VALIDATION_REQUIRED,
        validation_error_message=message + ALERT_URL,
        validation_message_description="To continue, verify your account.",
        validation_url=VERIFY_URL,
    )
    return refusal(403, message + ALERT_URL, info)


def license_missing(_: About) -> Reply:
    """The project is there, the licence is not."""
    message = (
        "You are currently configured to use a Google Cloud Project but lack a Gemini "
        "Code Assist license. Please contact your administrator to request a license. "
        "(#3501)"
    )
    info = error_info("SUBSCRIPTION_REQUIRED", COMPANION)
    links = help_links(Learn_more=_LICENSE)
    return refusal(403, message, info, links, legacy_reason="forbidden")


def iam_denied(about: About) -> Reply:
    """The account has no role on the project."""
    permission = "cloudaicompanion.companions.generateChat"
    resource = f"projects/{about.project}/locations/global"
    message = f"Permission '{permission}' denied on resource '//{COMPANION}/{resource}'"
    message += " (or it may not exist)."
    info = error_info(
        "IAM_PERMISSION_DENIED", COMPANION, permission=permission, resource=resource
    )
    return refusal(403, message, info)


def consumer_invalid(about: About) -> Reply:
    """The project is a placeholder."""
    project = about.project
    info = error_info(
        "CONSUMER_INVALID",
        "googleapis.com",
        service=about.service,
        consumer=f"projects/{project}",
        containerInfo=project,
    )
    message = f"Permission denied on resource project {project}."
    return refusal(403, message, info, localized(message))


def not_a_named_user(_: About) -> Reply:
    """The organisation has licences, this user none of them."""
    return refusal(
        403,
        "To use Gemini Code Assist you must be a named user on your organization's "
        "Gemini Code Assist Standard edition subscription. Please contact your "
        "administrator to request an entitlement.",
    )


def caller_denied(_: About) -> Reply:
    """No, and not why."""
    return refusal(403, "The caller does not have permission")


def ineligible(reason: str) -> Reply:
    """What an account is told for which no tier is, because of *reason*."""
    if reason == VALIDATION_REQUIRED:
        return validation_required(About())
    return caller_denied(About())


def terms_violated(_: About) -> Reply:
    """The account is suspended, and must not be used again."""
    return refusal(
        403,
        "This service has been disabled in this account for violation of Terms of "
        "Service. If you believe this is an error, contact support.",
    )


def auth_denied(_: About) -> Reply:
    """The account may not enable services."""
    info = error_info("AUTH_PERMISSION_DENIED", "googleapis.com")
    message = f"Permission denied to enable service [{CLOUD_CODE}]"
    return refusal(403, message, info)


def security_policy(about: About) -> Reply:
    """The perimeter of an organisation is in the way."""
    service = about.service
    info = error_info("SECURITY_POLICY_VIOLATED", "googleapis.com", service=service)
    message = "Request is prohibited by organization's policy."
    return refusal(403, message, info)
