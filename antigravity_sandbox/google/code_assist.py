"""What the private API answers to the envelopes of a Code Assist account."""

from collections.abc import Iterable

from antigravity_sandbox.google import companion, limits
from antigravity_sandbox.google.envelope import check
from antigravity_sandbox.google.errors import About, no_such_method
from antigravity_sandbox.google.generate import check_stream, responses, spend
from antigravity_sandbox.google.visit import Visit
from antigravity_sandbox.reply import Exhausted, Json, Refused


def events(visit: Visit) -> Iterable[Json]:
    """
    What the method of a visit answers.

    :raises Refused: when that is a refusal.
    """
    standing, body = visit.standing, visit.body
    match visit.call.method:
        case "generateContent" | "streamGenerateContent":
            return _generate(visit)
        case "countTokens":
            return [companion.count_tokens(body)]
        case "loadCodeAssist":
            return [companion.load_code_assist(standing, body)]
        case "onboardUser":
            return [companion.onboard_user(standing, body)]
        case "fetchAvailableModels":
            tricks = visit.tricks
            return [companion.available_models(standing, body, visit.now, tricks)]
        case "operations":
            name = visit.call.named["operation"]
            return [companion.operation(standing, name)]
        case "retrieveUserQuota":
            return [companion.user_quota(standing, body, visit.now)]
    raise Refused(no_such_method(f"/v1internal:{visit.call.method}"))


def _generate(visit: Visit) -> Iterable[Json]:
    check_stream(visit)
    ask = check(visit.body, visit.standing)
    companion.check_eligible(visit.standing)
    spend(visit, _exhausted)
    trace = visit.ids.trace
    return ({"response": said, "traceId": trace} for said in responses(visit, ask))


def _exhausted(about: About, wait: float) -> Refused:
    return Exhausted(limits.quota_exhausted(about), wait)
