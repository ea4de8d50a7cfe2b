"""
What Google knows of an account: its tier, its project, and what is left of its quota.

These are the bodies of the calls around generating.  In their answers every
member is optional, and none is trusted to be what it should be; what is not is
taken for missing.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from attrs import field, frozen

from antigravity_gw.causes import Cause
from antigravity_gw.errors import NeedsOperator, Unreachable
from antigravity_gw.needs import Need
from antigravity_gw.wire import durations
from antigravity_gw.wire.google import GoogleError, read_error
from antigravity_gw.wire.verdict import Blame, Setback, Verdict

MODELS_KEPT = 500
"""Of so many models is it remembered what is left; an answer may be large."""

_METADATA = {
    "ideType": "IDE_UNSPECIFIED",
    "platform": "PLATFORM_UNSPECIFIED",
    "pluginType": "PLUGIN_UNSPECIFIED",
}
"""What is calling: nothing that Google has a name for, and no pretending."""

_WORD = re.compile(r"[!-~]{1,128}")
_DIGITS = re.compile(r"[0-9]+")
_OPERATION = re.compile(r"operations(?:/[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)+")
_LONGEST_OPERATION = 256
_LINK = re.compile(
    r"https://accounts\.google\.com/[\w.~:/?#@!$&()*+,;=%\[\]-]{0,2048}", re.ASCII
)


@frozen
class Tier:
    """
    A tier that an account can join.

    :ivar wants_project: whether the operator has to name a project to join with;
        otherwise none may be named.
    """

    id: str
    wants_project: bool


FREE = "free-tier"
LEGACY = Tier("legacy-tier", wants_project=True)
"""The tier to join where none of those offered is the default."""


@frozen
class Ineligible:
    """
    Why an account cannot have some tier.

    :ivar reason: Google's code for it.
    :ivar link: where its owner can change that; it tells which account it is.
    """

    reason: str
    link: str | None = field(default=None, repr=False)


VALIDATION = "VALIDATION_REQUIRED"
REFUSALS = {
    VALIDATION: "Google wants the account verified",
    "UNSUPPORTED_CLIENT": "Google has ended this tier for clients like this one",
    "UNSUPPORTED_LOCATION": "Google does not offer this where the calls come from",
    "UNKNOWN_LOCATION": "Google cannot tell where the calls come from",
    "RESTRICTED_NETWORK": "Google does not offer this to the network of the calls",
    "RESTRICTED_AGE": "Google does not know the account's owner to be old enough",
    "DASHER_USER": "Google does not offer this to accounts of an organisation",
    "INELIGIBLE_ACCOUNT": "Google does not offer this to the account",
    "NON_USER_ACCOUNT": "Google offers this only to accounts of people",
}
"""
What Google's codes mean, in the operator's words.

Google's own words are not shown: they may name the account.
"""

_CAUSES = {
    "UNSUPPORTED_CLIENT": Cause.RETIRED,
    "UNSUPPORTED_LOCATION": Cause.REGION,
    "UNKNOWN_LOCATION": Cause.REGION,
    "RESTRICTED_NETWORK": Cause.REGION,
}

REFUSED = "Google does not offer this to the account, and does not say why"


def refusal(ineligible: Sequence[Ineligible]) -> Verdict:
    """What to make of an account that may have no tier; validation goes first."""
    validation = [each for each in ineligible if each.reason == VALIDATION]
    if validation:
        link = next((each.link for each in validation if each.link), None)
        sentence = REFUSALS[VALIDATION]
        return Verdict(
            Blame.HUMAN,
            sentence,
            need=Need.VALIDATION,
            link=link,
            cause=Cause.UNVERIFIED,
        )
    known = (each.reason for each in ineligible if each.reason in REFUSALS)
    reason = next(known, "")
    return Verdict(
        Blame.HUMAN,
        REFUSALS.get(reason, REFUSED),
        need=Need.ENTITLEMENT,
        cause=_CAUSES.get(reason, Cause.INELIGIBLE),
    )


@frozen
class Membership:
    """
    What ``loadCodeAssist`` says of an account.

    :ivar project: the one that Google names.
    :ivar tier: the id of the tier it has.
    :ivar is_member: whether it has one.
    :ivar onboard_to: the tier to join if it has none; None where there is none to
        join.
    """

    project: str | None = field(default=None, repr=False)
    tier: str | None = None
    is_member: bool = False
    onboard_to: Tier | None = None
    ineligible: tuple[Ineligible, ...] = ()


BEHIND_PERIMETER = Membership(tier="standard-tier", is_member=True)
"""
An account whose organisation lets nobody ask about it.

To the official client it is a member of the standard tier.
"""


def tier_to_join(found: Membership, configured: str | None) -> Tier | None:
    """
    The tier that an account joins before it is asked with, if it has to join any.

    None also where joining needs a project and nobody has named one.

    :param configured: the project that the operator named.
    :raises Setback: when Google will not let it have a project.
    """
    if found.is_member:
        if found.ineligible and not (found.project or configured):
            raise _refused(found)
        return None
    if any(each.reason == VALIDATION for each in found.ineligible):
        raise _refused(found)
    if found.project not in (None, configured):
        return None  # Google has assigned it; it was not we who told it
    if found.onboard_to is None:
        raise _refused(found)
    if found.onboard_to.wants_project and not configured:
        return None
    return found.onboard_to


def _refused(found: Membership) -> Setback:
    told = (
        "Google will not serve an account of this gateway: its operator has to look "
        "at 'antigravity-gw accounts list'"
    )
    return Setback(refusal(found.ineligible), NeedsOperator(told))


def load_body(project: str | None) -> bytes:
    """What to ask ``loadCodeAssist``, with the project that the operator named."""
    return msgspec.json.encode({**_naming(project), "metadata": _METADATA})


def onboard_body(tier: str, project: str | None) -> bytes:
    """What to ask ``onboardUser``."""
    ask = {"tierId": tier, **_naming(project), "metadata": _METADATA}
    return msgspec.json.encode(ask)


def quota_body(project: str | None) -> bytes:
    """What to ask ``retrieveUserQuota`` and ``fetchAvailableModels``."""
    return msgspec.json.encode({"project": project} if project else {})


def _naming(project: str | None) -> dict[str, str]:
    return {"cloudaicompanionProject": project} if project else {}


def read_load(answer: Mapping[str, Any]) -> Membership:
    """What ``loadCodeAssist`` said."""
    tier = answer.get("currentTier")
    ineligible = tuple(map(_ineligible, _objects(answer.get("ineligibleTiers"))))
    return Membership(
        project=project_in(answer),
        tier=_word(_object(tier).get("id")),
        is_member=isinstance(tier, Mapping),
        onboard_to=_onboard_to(_objects(answer.get("allowedTiers")), ineligible),
        ineligible=ineligible,
    )


def project_in(answer: Mapping[str, Any]) -> str | None:
    """
    The project that an answer names: a string, or in an object.

    Where there should be an id there may be a number.  That is the project's
    number, with which Google will not be asked.
    """
    project = answer.get("cloudaicompanionProject")
    if isinstance(project, Mapping):
        project = project.get("id")
    word = _word(project)
    return None if word is None or _DIGITS.fullmatch(word) else word


def _onboard_to(
    allowed: Sequence[Mapping[str, Any]], ineligible: Sequence[Ineligible]
) -> Tier | None:
    for tier in allowed:
        if tier.get("isDefault") is True and (id := _word(tier.get("id"))):
            is_asked_for = tier.get("userDefinedCloudaicompanionProject") is True
            # With a project, joining the free tier fails, whatever the tier says.
            return Tier(id, wants_project=is_asked_for and id != FREE)
    return None if ineligible and not allowed else LEGACY


def _ineligible(told: Mapping[str, Any]) -> Ineligible:
    link = told.get("validationUrl")
    is_google = isinstance(link, str) and _LINK.fullmatch(link)
    return Ineligible(
        reason=_word(told.get("reasonCode")) or "UNKNOWN",
        link=link if is_google else None,
    )


@frozen
class Operation:
    """
    Something that takes Google a while, and how far it is.

    :ivar name: what to ask for; it is fit to be part of a URL.
    :ivar project: what came of it.
    :ivar error: why nothing did; its code is an HTTP status.
    """

    name: str | None
    is_done: bool
    project: str | None = field(default=None, repr=False)
    error: GoogleError | None = None


def read_operation(answer: Mapping[str, Any]) -> Operation:
    """
    How far an operation is.

    :raises Setback: when it is under way by a name that Google would not give it.
    """
    is_done = answer.get("done") is True
    name = answer.get("name")
    if not is_done and name is not None and not is_operation(name):
        raise odd_operation()
    return Operation(
        name=name if is_operation(name) else None,
        is_done=is_done,
        project=project_in(_object(answer.get("response"))),
        error=_operation_error(_object(answer.get("error"))),
    )


def is_operation(name: object) -> bool:
    """Whether *name* is an operation's, and nothing else once it is in a URL."""
    return (
        isinstance(name, str)
        and len(name) <= _LONGEST_OPERATION
        and _OPERATION.fullmatch(name) is not None
    )


def odd_operation() -> Setback:
    """What it amounts to that an operation cannot be asked for."""
    told = "upstream began an operation that cannot be asked for"
    return Setback(Verdict(Blame.ENDPOINT, told), Unreachable(told))


_RPC = {
    1: (499, "CANCELLED"),
    2: (500, "UNKNOWN"),
    3: (400, "INVALID_ARGUMENT"),
    4: (504, "DEADLINE_EXCEEDED"),
    5: (404, "NOT_FOUND"),
    6: (409, "ALREADY_EXISTS"),
    7: (403, "PERMISSION_DENIED"),
    8: (429, "RESOURCE_EXHAUSTED"),
    9: (400, "FAILED_PRECONDITION"),
    10: (409, "ABORTED"),
    11: (400, "OUT_OF_RANGE"),
    12: (501, "UNIMPLEMENTED"),
    13: (500, "INTERNAL"),
    14: (503, "UNAVAILABLE"),
    15: (500, "DATA_LOSS"),
    16: (401, "UNAUTHENTICATED"),
}
"""The codes of ``google.rpc.Code``, as HTTP has them."""


def _operation_error(error: Mapping[str, Any]) -> GoogleError | None:
    """The error an operation ended in, spelled as that of a call."""
    code = error.get("code")
    if isinstance(code, int) and code in _RPC:
        status, name = _RPC[code]
        error = {**error, "code": status, "status": name}
    return read_error(msgspec.json.encode({"error": error})) if error else None


@frozen
class Remaining:
    """
    What is left of the quota for a model.

    :ivar fraction: of the whole, from 0 to 1; None where Google does not say.  It
        says nothing of quotas that are untouched, nor of some that are used up.
    :ivar resets: when the whole is back, in POSIX seconds.
    """

    fraction: float | None = None
    resets: float | None = None


def read_quota(answer: Mapping[str, Any], now: float) -> dict[str, Remaining]:
    """What is left of each model, according to ``retrieveUserQuota``."""
    buckets = _objects(answer.get("buckets"))
    return _tightest(((bucket.get("modelId"), bucket) for bucket in buckets), now)


def read_models_quota(answer: Mapping[str, Any], now: float) -> dict[str, Remaining]:
    """What is left of each model, according to ``fetchAvailableModels``."""
    models = _object(answer.get("models")).items()
    told = ((name, _object(_object(model).get("quotaInfo"))) for name, model in models)
    return _tightest(told, now)


def _tightest(
    told: Iterable[tuple[object, Mapping[str, Any]]], now: float
) -> dict[str, Remaining]:
    """
    For each model the quota that has least left.

    There are several for one model, of hours and of a week, and a request
    needs all of them.
    """
    tightest: dict[str, Remaining] = {}
    for model, quota in told:
        name = _word(model)
        if name is None or (name not in tightest and len(tightest) == MODELS_KEPT):
            continue
        remaining = _remaining(quota, now)
        tightest[name] = min(tightest.get(name, remaining), remaining, key=_ease)
    return tightest


def _remaining(quota: Mapping[str, Any], now: float) -> Remaining:
    wait = durations.seconds_until(quota.get("resetTime"), now)
    return Remaining(
        fraction=_fraction(quota.get("remainingFraction")),
        resets=None if wait is None else now + wait,
    )


def _fraction(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None


def _ease(remaining: Remaining) -> tuple[float, float]:
    """How little it stands in the way: by what is left, then by when it is over."""
    fraction = math.inf if remaining.fraction is None else remaining.fraction
    return fraction, -(remaining.resets or 0.0)


def may_be_asked_otherwise(verdict: Verdict) -> bool:
    """
    Whether another call may say what a failed one did not.

    Not when that would only be knocking once more at a closed door.
    """
    return verdict.need is Need.ENTITLEMENT or verdict.blame in (
        Blame.REQUEST,
        Blame.PROJECT,
        Blame.OPERATOR,
        Blame.MISSING,
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    listed = value if isinstance(value, list) else []
    return [each for each in listed if isinstance(each, Mapping)]


def _word(value: object) -> str | None:
    """*value* if it is a word: an id of some kind, whose grammar is Google's affair."""
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    return None
