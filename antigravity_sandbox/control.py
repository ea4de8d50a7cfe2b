"""
What the control endpoint can be asked to do.  Rules only.

Every function takes the JSON that was sent, if any, and gives the JSON to
answer.  :exc:`~antigravity_sandbox.reply.Refused` says what was wrong with it.
"""

from collections.abc import Callable
from typing import Any

from attrs import evolve

from antigravity_sandbox.accounts import Account, Standing
from antigravity_sandbox.google.errors import refusal
from antigravity_sandbox.mischief.behaviour import read_count, read_seconds
from antigravity_sandbox.mischief.catalogue import CATALOGUE
from antigravity_sandbox.mischief.rules import bad_field, read_rule
from antigravity_sandbox.reply import Json, Refused
from antigravity_sandbox.sandbox import Sandbox


def overview(sandbox: Sandbox) -> Json:
    """The whole sandbox at a glance."""
    return {
        "pace": sandbox.pace,
        **accounts(sandbox),
        **rules(sandbox),
        "behaviours": [behaviour.overview() for behaviour in CATALOGUE.values()],
    }


def rules(sandbox: Sandbox) -> Json:
    """The rules in force, in their order."""
    return {"rules": [rule.overview() for rule in sandbox.rules.rules]}


def add_rule(sandbox: Sandbox, body: Json) -> Json:
    """Put a rule behind those in force."""
    sandbox.rules.rules.append(read_rule(body))
    return rules(sandbox)


def drop_rules(sandbox: Sandbox) -> Json:
    """End all misbehaviour, except that told by a model's name."""
    sandbox.rules.rules.clear()
    return rules(sandbox)


def calls(sandbox: Sandbox) -> Json:
    """The record."""
    return sandbox.record.overview()


def drop_calls(sandbox: Sandbox) -> Json:
    """Forget the record."""
    sandbox.record.clear()
    return calls(sandbox)


def pace(sandbox: Sandbox) -> Json:
    """The seconds between two events."""
    return {"seconds": sandbox.pace}


def set_pace(sandbox: Sandbox, body: Json) -> Json:
    """Change them, for the streams to come."""
    for name in body:
        if name != "seconds":
            raise bad_field(name, "is not known")
    sandbox.pace = _read("seconds", read_seconds, body.get("seconds"))
    return pace(sandbox)


def accounts(sandbox: Sandbox) -> Json:
    """Who may call."""
    return {"accounts": [standing.overview() for standing in sandbox.accounts]}


def account(sandbox: Sandbox, name: str) -> Json:
    """
    How the account *name* stands.

    :raises Refused: when there is none.
    """
    return _standing(sandbox, name).overview()


def add_account(sandbox: Sandbox, name: str) -> Json:
    """Make an account of that name, unless there is one."""
    return sandbox.accounts.add(Account.named(name)).overview()


def tell_account(sandbox: Sandbox, name: str, body: Json) -> Json:
    """
    Carry out the orders for the account *name*, in the order of the body.

    :raises Refused: when there is no such account or order.  None of the
        orders is carried out then.
    """
    standing = _standing(sandbox, name)
    for order, value in body.items():
        if order not in _ORDERS:
            raise bad_field(order, f"must be one of {', '.join(_ORDERS)}")
        _read(order, _ORDERS[order], value)
    for order, value in body.items():
        _carry_out(sandbox, standing, order, value)
    return standing.overview()


def _standing(sandbox: Sandbox, name: str) -> Standing:
    standing = sandbox.accounts.named(name)
    if standing is None:
        raise Refused(refusal(404, f"There is no account {name!r}."))
    return standing


def _true(value: object) -> bool:
    if value is not True:
        raise ValueError("must be true")
    return True


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


_ORDERS: dict[str, Callable[[object], Any]] = {
    "revokeAccess": _true,
    "revokeRefresh": _true,
    "rotateRefresh": _true,
    "restore": _true,
    "expiresIn": read_seconds,
    "quota": read_count,
    "onboarded": _flag,
}


def _carry_out(sandbox: Sandbox, standing: Standing, order: str, value: Any) -> None:
    orders = standing.orders
    match order:
        case "restore":
            sandbox.accounts.restore(standing)
        case "revokeAccess":
            sandbox.accounts.revoke_access(standing)
        case "revokeRefresh":
            standing.orders = evolve(orders, refresh_revoked=True)
        case "rotateRefresh":
            standing.orders = evolve(orders, rotate=True)
        case "expiresIn":
            standing.orders = evolve(orders, expires_in=float(value))
        case "onboarded":
            standing.orders = evolve(orders, onboarded=value)
        case "quota":
            standing.orders = evolve(orders, quota=value)
            standing.spent = 0


def _read(name: str, reader: Callable[[object], Any], value: object) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        raise bad_field(name, str(error)) from None
