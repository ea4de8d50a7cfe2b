"""
Error bodies as Google sends them, masked, with what each of them means.

They are data: no test changes them.  ``docs/protocol.md`` says where they come
from.
"""

from attrs import frozen

from antigravity_gw.wire.verdict import Blame

INFO = "type.googleapis.com/google.rpc.ErrorInfo"
RETRY = "type.googleapis.com/google.rpc.RetryInfo"


@frozen
class Real:
    """
    One answer, and how it is to be judged.

    :ivar delay: the seconds it asks to wait, to the millisecond.
    """

    name: str
    status: int
    body: bytes
    blame: Blame
    delay: float | None = None
    lasting: bool = False


REAL = [
    Real(
        "thought signature missing",
        400,
        b'{"error":{"code":400,"message":"Function call is missing a thought_signature'
        b' in functionCall parts.","status":"INVALID_ARGUMENT"}}',
        Blame.REQUEST,
    ),
    Real(
        "unknown name in a tool",
        400,
        b'{"error":{"code":400,"message":"Invalid JSON payload received. Unknown '
        b"name \\\"const\\\" at 'request.tools[0].function_declarations[0].parameters':"
        b' Cannot find field.","status":"INVALID_ARGUMENT","details":[{"@type":'
        b'"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":'
        b'"request.tools[0]","description":"Invalid JSON payload received."}]}]}}',
        Blame.REQUEST,
    ),
    Real(
        "no such project",
        400,
        b'{"error":{"code":400,"message":"Invalid project resource name projects/",'
        b'"status":"INVALID_ARGUMENT"}}',
        Blame.ACCOUNT,
    ),
    Real(
        "bare 400 in an array",
        400,
        b'[{"error":{"code":400,"message":"Request contains an invalid argument.",'
        b'"errors":[{"message":"Request contains an invalid argument.","domain":'
        b'"global","reason":"badRequest"}],"status":"INVALID_ARGUMENT"}}]',
        Blame.REQUEST,
    ),
    Real(
        "access token refused",
        401,
        b'{"error":{"code":401,"message":"Request had invalid authentication '
        b'credentials.","status":"UNAUTHENTICATED","details":[{"@type":"'
        + INFO.encode()
        + b'","reason":"ACCESS_TOKEN_TYPE_UNSUPPORTED","metadata":{"service":'
        b'"generativelanguage.googleapis.com"}}]}}',
        Blame.TOKEN,
    ),
    Real(
        "service disabled",
        403,
        b'{"error":{"code":403,"message":"Cloud Code Private API has not been used in '
        b'project PROJECT before or it is disabled.","status":"PERMISSION_DENIED",'
        b'"details":[{"@type":"'
        + INFO.encode()
        + b'","reason":"SERVICE_DISABLED","domain":"googleapis.com","metadata":'
        b'{"service":"cloudcode-pa.googleapis.com"}},{"@type":'
        b'"type.googleapis.com/google.rpc.LocalizedMessage","locale":"en-US"}]}}',
        Blame.ACCOUNT,
    ),
    Real(
        "validation required",
        403,
        b'{"error":{"code":403,"message":"Verify your account to continue.","status":'
        b'"PERMISSION_DENIED","details":[{"@type":"'
        + INFO.encode()
        + b'","reason":"VALIDATION_REQUIRED","domain":"cloudcode-pa.googleapis.com",'
        b'"metadata":{"validation_url":"https://accounts.google.com/signin/continue"}'
        b"}]}}",
        Blame.ACCOUNT,
    ),
    Real(
        "licence missing",
        403,
        b'{"error":{"code":403,"message":"You are currently configured to use a Google '
        b'Cloud Project but lack a Gemini Code Assist license. (#3501)","errors":[{'
        b'"message":"x","domain":"global","reason":"forbidden"}],"status":'
        b'"PERMISSION_DENIED","details":[{"@type":"'
        + INFO.encode()
        + b'","reason":"SUBSCRIPTION_REQUIRED","domain":'
        b'"cloudaicompanion.googleapis.com"}]}}',
        Blame.ACCOUNT,
    ),
    Real(
        "terms of service",
        403,
        b'{"error":{"code":403,"message":"This service has been disabled in this '
        b'account for violation of Terms of Service.","status":"PERMISSION_DENIED"}}',
        Blame.ACCOUNT,
        lasting=True,
    ),
    Real(
        "bare 403",
        403,
        b'{"error":{"code":403,"message":"The caller does not have permission",'
        b'"status":"PERMISSION_DENIED"}}',
        Blame.ACCOUNT,
    ),
    Real(
        "model unknown",
        404,
        b'{"error":{"code":404,"message":"Requested entity was not found.","status":'
        b'"NOT_FOUND"}}',
        Blame.MISSING,
    ),
    Real(
        "stale project",
        404,
        b'{"error":{"code":404,"message":"Resource projects/x could not be found.",'
        b'"status":"NOT_FOUND","details":[{"@type":'
        b'"type.googleapis.com/google.rpc.ResourceInfo","resourceName":"projects/x"}]'
        b"}}",
        Blame.ACCOUNT,
    ),
    Real("404 of a front end", 404, b"<html>not here</html>", Blame.ENDPOINT),
    Real(
        "rate limit",
        429,
        b'{"error":{"code":429,"message":"You have exhausted your capacity on this '
        b'model. Your quota will reset after 0s.","status":"RESOURCE_EXHAUSTED",'
        b'"details":[{"@type":"'
        + INFO.encode()
        + b'","reason":"RATE_LIMIT_EXCEEDED","domain":"cloudcode-pa.googleapis.com",'
        b'"metadata":{"model":"gemini-2.5-pro","quotaResetDelay":"539.477544ms",'
        b'"quotaResetTimeStamp":"2025-10-20T19:14:08Z"}},{"@type":"'
        + RETRY.encode()
        + b'","retryDelay":"0.539477544s"}]}}',
        Blame.QUOTA,
        0.539,
    ),
    Real(
        "quota exhausted",
        429,
        b'{"error":{"code":429,"message":"Individual quota reached. Contact your '
        b'administrator to enable overages. Resets in 108h48m29s.","status":'
        b'"RESOURCE_EXHAUSTED","details":[{"@type":"'
        + INFO.encode()
        + b'","reason":"QUOTA_EXHAUSTED","domain":"cloudcode-pa.googleapis.com",'
        b'"metadata":{"model":"gemini-3.5-flash-low","quotaResetDelay":'
        b'"108h48m20.795762633s","quotaResetTimeStamp":"2026-06-04T15:24:12Z"}},{'
        b'"@type":"' + RETRY.encode() + b'","retryDelay":"391609.795762632s"}]}}',
        Blame.QUOTA,
        391609.796,
    ),
    Real(
        "quota exhausted, delay in the first detail only",
        429,
        b'{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED","details":'
        b'[{"@type":"'
        + INFO.encode()
        + b'","reason":"QUOTA_EXHAUSTED","metadata":{"quotaResetDelay":"2m3s"}}]}}',
        Blame.QUOTA,
        123.0,
    ),
    Real(
        "bare 429",
        429,
        b'{"error":{"code":429,"message":"Resource has been exhausted (e.g. check '
        b'quota).","status":"RESOURCE_EXHAUSTED"}}',
        Blame.QUOTA,
    ),
    Real(
        "429 with the delay in its text",
        429,
        b'{"error":{"code":429,"message":"Please retry in 12.3s.","status":'
        b'"RESOURCE_EXHAUSTED"}}',
        Blame.QUOTA,
        12.3,
    ),
    Real(
        "capacity as 429",
        429,
        b'{"error":{"code":429,"message":"No capacity available","errors":[{"domain":'
        b'"global","reason":"rateLimitExceeded"}],"status":"RESOURCE_EXHAUSTED",'
        b'"details":[{"@type":"' + INFO.encode() + b'","reason":'
        b'"MODEL_CAPACITY_EXHAUSTED"}]}}',
        Blame.CAPACITY,
    ),
    Real(
        "capacity as 503",
        503,
        b'{"error":{"code":503,"message":"No capacity available for model '
        b'gemini-3.1-pro on the server","status":"UNAVAILABLE","details":[{"@type":"'
        + INFO.encode()
        + b'","reason":"MODEL_CAPACITY_EXHAUSTED"},{"@type":"'
        + RETRY.encode()
        + b'","retryDelay":"40s"}]}}',
        Blame.CAPACITY,
        40.0,
    ),
    Real(
        "internal",
        500,
        b'{"error":{"code":500,"message":"Internal error encountered.","status":'
        b'"INTERNAL"}}',
        Blame.ENDPOINT,
    ),
    Real("front end down", 502, b"<!DOCTYPE html><html>502</html>", Blame.ENDPOINT),
    Real("timeout of a front end", 504, b"", Blame.ENDPOINT),
    Real("request timeout", 408, b"", Blame.ENDPOINT),
    Real(
        "an error inside the message",
        429,
        b'{"error":{"code":429,"message":"{\\"error\\":{\\"code\\":429,\\"message\\":'
        b'\\"inner\\",\\"details\\":[{\\"@type\\":\\"' + RETRY.encode() + b'\\",'
        b'\\"retryDelay\\":\\"7s\\"}]}}"}}',
        Blame.QUOTA,
        7.0,
    ),
    Real(
        "blanks around the keys",
        429,
        b'{" error ":{" code ":429," message ":"Please retry in 3s"}}',
        Blame.QUOTA,
        3.0,
    ),
]
