"""The orders that an account takes, by their names on the control endpoint."""

from collections.abc import Callable
from typing import Any

from attrs import evolve, frozen

from antigravity_sandbox.accounts import FREE, STANDARD, Accounts, Standing
from antigravity_sandbox.durations import read_duration
from antigravity_sandbox.google.companion import REASONS
from antigravity_sandbox.google.consent import BLOCKED
from antigravity_sandbox.mischief.behaviour import read_count, read_seconds
from antigravity_sandbox.quotas import EVERY_MODEL


@frozen
class Order:
    """
    Something that an account can be told.

    :ivar read: turns the JSON that was sent into what :attr:`obey` wants, or
        raises ValueError.
    :ivar obey: does what was told.
    """

    read: Callable[[object], Any]
    obey: Callable[[Accounts, Standing, Any], None]


def _true(value: object) -> bool:
    if value is not True:
        raise ValueError("must be true")
    return True


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _project(value: object) -> str:
    if not isinstance(value, str) or not value or "/" in value:
        raise ValueError("must be a project's id")
    return value


def _one_of(*known: str | None) -> Callable[[object], Any]:
    spelled = ", ".join("null" if name is None else name for name in known)

    def read(value: object) -> object:
        if value not in known:
            raise ValueError(f"must be one of {spelled}")
        return value

    return read


def _polls(value: object) -> int | None:
    if value in (None, -1):
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a whole number, 1 or more, or null for never")
    return value


def _seconds_or_none(value: object) -> float | None:
    return None if value is None else read_seconds(value)


def _limit(value: object) -> int | None:
    return None if value is None else read_count(value)


def _limits(value: object) -> dict[str, int | None]:
    if not isinstance(value, dict) or EVERY_MODEL in value:
        raise ValueError("must be an object of numbers by their models")
    return {model: _limit(calls) for model, calls in value.items()}


def _sets(name: str, read: Callable[[object], Any]) -> Order:
    """An order that says what the member *name* of its orders is."""

    def obey(_: Accounts, standing: Standing, value: Any) -> None:
        standing.orders = evolve(standing.orders, **{name: value})

    return Order(read, obey)


def _sets_onboarding(name: str, read: Callable[[object], Any]) -> Order:
    """The same; what has been asked about onboarding so far is forgotten."""
    order = _sets(name, read)

    def obey(accounts: Accounts, standing: Standing, value: Any) -> None:
        order.obey(accounts, standing, value)
        standing.askings = 0

    return Order(read, obey)


def _allow(_: Accounts, standing: Standing, limits: dict[str, int | None]) -> None:
    for model, calls in limits.items():
        standing.purse.allow(model, calls)


def _allow_in_all(accounts: Accounts, standing: Standing, calls: int | None) -> None:
    _allow(accounts, standing, {EVERY_MODEL: calls})


ORDERS = {
    "revokeAccess": Order(_true, lambda all_, one, _: all_.revoke_access(one)),
    "revokeRefresh": _sets("refresh_revoked", _true),
    "rotateRefresh": _sets("rotate", _true),
    "expiresIn": _sets("expires_in", read_seconds),
    "tier": _sets("tier", _one_of(FREE, STANDARD)),
    "ineligible": _sets("ineligible", _one_of(None, *REASONS)),
    "onboarded": _sets_onboarding("onboarded", _flag),
    "onboardingPolls": _sets_onboarding("onboarding_polls", _polls),
    "onboardingError": _sets_onboarding("onboarding_error", _flag),
    "project": Order(_project, lambda _, one, project: one.move(project)),
    "numericProject": _sets("numeric_project", _flag),
    "quota": Order(_limit, _allow_in_all),
    "quotas": Order(_limits, _allow),
    "quotaReset": _sets("quota_reset", read_duration),
    "quotaUnknown": _sets("quota_unknown", _flag),
    "consentBlocked": _sets("consent_blocked", _one_of(None, *BLOCKED)),
    "refreshWithheld": _sets("refresh_withheld", _flag),
    "idTokenWithheld": _sets("id_token_withheld", _flag),
    "refreshExpiresIn": _sets("refresh_expires_in", _seconds_or_none),
    "restore": Order(_true, lambda all_, one, _: all_.restore(one)),
}
"""Every order, by its name."""
