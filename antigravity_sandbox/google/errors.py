"""The shape of Google's errors, and those that any method may answer."""

from attrs import field, frozen

from antigravity_sandbox.durations import seconds_in
from antigravity_sandbox.kinds import CODE_ASSIST, RPCS, SERVICES
from antigravity_sandbox.reply import JSON_HEADERS, Json, Reply, json_reply

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}

CLOUD_CODE = SERVICES[CODE_ASSIST]
COMPANION = "cloudaicompanion.googleapis.com"
PROJECT_NUMBER = "123456789012"
"""Every project, where it is named by its number."""

_TYPE = "type.googleapis.com/google.rpc."


@frozen
class About:
    """
    What an error is about.

    :ivar now: the time of the call, in POSIX seconds.
    :ivar delay: how long it asks its reader to wait, as it is to spell it.
    :ivar kind: of the account that called.
    :ivar method: that was called, "" if it is not to be named.
    :ivar key: the API key of the account.
    :ivar limit: how many calls a quota has that is used up.
    """

    model: str = ""
    project: str = ""
    now: float = 0.0
    delay: str = "0s"
    kind: str = CODE_ASSIST
    method: str = ""
    location: str = "global"
    key: str = field(default="", repr=False)
    limit: int = 250

    @property
    def wait(self) -> float:
        """The same, in seconds."""
        return seconds_in(self.delay)

    @property
    def service(self) -> str:
        """The service that was called."""
        return SERVICES[self.kind]

    @property
    def rpc(self) -> str:
        """The method, as the service spells it."""
        name = self.method[:1].upper() + self.method[1:]
        return f"{RPCS[self.kind]}.{name}".rstrip(".")

    @property
    def at(self) -> str:
        """Where the request is in the body, with a dot behind it."""
        return "request." if self.kind == CODE_ASSIST else ""


def error(
    code: int,
    message: str,
    *details: Json,
    status: str = "",
    legacy_reason: str = "",
) -> Json:
    """
    The body of an error.

    :param status: when it is not the usual one of *code*.
    :param legacy_reason: the reason in the old ``errors`` list, for those
        answers that still have one.
    """
    body: Json = {"code": code, "message": message}
    if legacy_reason:
        entry = {"message": message, "domain": "global", "reason": legacy_reason}
        body["errors"] = [entry]
    body["status"] = status or STATUSES[code]
    if details:
        body["details"] = list(details)
    return {"error": body}


def refusal(code: int, message: str, *details: Json, **more: str) -> Reply:
    """The answer with that error in it; see :func:`error`."""
    return json_reply(code, error(code, message, *details, **more))


def error_info(reason: str, domain: str = CLOUD_CODE, **metadata: str) -> Json:
    """A ``google.rpc.ErrorInfo``."""
    info = {"@type": _TYPE + "ErrorInfo", "reason": reason, "domain": domain}
    return {**info, "metadata": metadata} if metadata else {**info}


def retry_info(delay: str) -> Json:
    """A ``google.rpc.RetryInfo``."""
    return {"@type": _TYPE + "RetryInfo", "retryDelay": delay}


def help_links(**links: str) -> Json:
    """A ``google.rpc.Help``; underscores in the names stand for blanks."""
    named = [{"description": k.replace("_", " "), "url": v} for k, v in links.items()]
    return {"@type": _TYPE + "Help", "links": named}


def localized(message: str) -> Json:
    """A ``google.rpc.LocalizedMessage``."""
    kind = _TYPE + "LocalizedMessage"
    return {"@type": kind, "locale": "en-US", "message": message}


def bad_request(field: str, description: str) -> Json:
    """A ``google.rpc.BadRequest`` about one field; "" for the body itself."""
    violation = {"field": field} if field else {}
    violations = [{**violation, "description": description}]
    return {"@type": _TYPE + "BadRequest", "fieldViolations": violations}


def quota_failure(quota_id: str, metric: str, value: str, model: str) -> Json:
    """A ``google.rpc.QuotaFailure`` with one violation."""
    violation = {
        "quotaMetric": metric,
        "quotaId": quota_id,
        "quotaDimensions": {"location": "global", "model": model},
        "quotaValue": value,
    }
    return {"@type": _TYPE + "QuotaFailure", "violations": [violation]}


def resource_info(kind: str, name: str) -> Json:
    """A ``google.rpc.ResourceInfo``."""
    info = {"resourceType": kind, "resourceName": name}
    return {"@type": _TYPE + "ResourceInfo", **info}


_SIGN_IN = "https://developers.google.com/identity/sign-in/web/devconsole-project"


def unauthenticated(about: About = About()) -> Reply:
    """The access token is missing, unknown, expired or revoked."""
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access "
        "token, login cookie or other valid authentication credential. "
        f"See {_SIGN_IN}."
    )
    service = {"service": about.service, "method": about.rpc}
    info = error_info("ACCESS_TOKEN_TYPE_UNSUPPORTED", "googleapis.com", **service)
    challenge = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    return json_reply(
        401,
        error(401, message, info),
        (*JSON_HEADERS, ("WWW-Authenticate", challenge)),
    )


def not_json(_: About = About()) -> Reply:
    """The body is not JSON."""
    message = "Invalid JSON payload received. Unexpected token."
    return refusal(400, message, bad_request("", message))


def unknown_name(name: str, at: str = "") -> Reply:
    """The body has a member that the method does not know."""
    place = f" at '{at}'" if at else ""
    message = f'Invalid JSON payload received. Unknown name "{name}"{place}: '
    message += "Cannot find field."
    return refusal(400, message, bad_request(at, message))


def invalid_value(at: str, kind: str, value: str) -> Reply:
    """A member of the body has the wrong type."""
    message = f"Invalid value at '{at}' ({kind}), {value}"
    return refusal(400, message, bad_request(at, message))


def invalid_argument(_: About = About()) -> Reply:
    """Something is wrong with the request; it is not said what."""
    return refusal(400, "Request contains an invalid argument.")


def invalid_argument_in_array(_: About = About()) -> Reply:
    """Something is wrong with the request, said in a one-element array."""
    message = "Request contains an invalid argument."
    return json_reply(400, [error(400, message, legacy_reason="badRequest")])


def unknown_name_in_schema(about: About = About()) -> Reply:
    """A tool's schema has a keyword that the API does not know."""
    at = "tools[0].function_declarations[0].parameters"
    return unknown_name("$schema", about.at + at)


def missing_thought_signature(_: About = About()) -> Reply:
    """A function call came back without the signature it was given."""
    return refusal(
        400,
        "Function call is missing a thought_signature in functionCall parts. This is "
        "required for tools to work correctly, and missing thought_signature may "
        "lead to degraded model performance.",
    )


def invalid_project(_: About = About()) -> Reply:
    """The project id is empty."""
    message = "Invalid project resource name projects/"
    return refusal(400, message, bad_request("project", message))


def failed_precondition(_: About = About()) -> Reply:
    """The call does not fit the state of the account."""
    message = "Precondition check failed."
    return refusal(400, message, status="FAILED_PRECONDITION")


def not_found(_: About = About()) -> Reply:
    """The model is unknown, to this account at least."""
    return refusal(404, "Requested entity was not found.")


def project_not_found(about: About) -> Reply:
    """The project has been deleted."""
    name = f"projects/{about.project}"
    info = resource_info("cloudresourcemanager.googleapis.com/Project", name)
    return refusal(404, f"Resource {name} could not be found.", info)


def no_such_method(path: str) -> Reply:
    """There is nothing at *path*."""
    return refusal(404, f"The requested URL {path} was not found on this server.")


def timed_out(_: About = About()) -> Reply:
    """The front end has waited long enough."""
    return refusal(408, "The request timed out.")


def internal(_: About = About()) -> Reply:
    """Something broke at Google's end."""
    return refusal(500, "Internal error encountered.")


_HTML = """<!DOCTYPE html>
<html lang=en>
  <meta charset=utf-8>
  <title>Error {code} ({title})!!1</title>
  <p><b>{code}.</b> <ins>That\u2019s an error.</ins>
  <p>{text} <ins>That\u2019s all we know.</ins>
"""


def html_page(code: int, title: str, text: str) -> Reply:
    """What the front ends say when nobody behind them answers."""
    page = _HTML.format(code=code, title=title, text=text).encode()
    headers = (("Content-Type", "text/html; charset=UTF-8"), ("Server", "ESF"))
    return Reply(code, page, headers)


def bad_gateway(_: About = About()) -> Reply:
    """A page of the front end: bad gateway."""
    text = "The server encountered a temporary error and could not complete your "
    return html_page(502, "Server Error", text + "request. Try again in 30 seconds.")


def gateway_timeout(_: About = About()) -> Reply:
    """A page of the front end: nobody answered in time."""
    text = "The server did not receive a timely response."
    return html_page(504, "Gateway Timeout", text)
