"""
What the control endpoint can be asked to do.  Rules only.

Every function takes the JSON that was sent, if any, and gives the JSON to
answer.  :exc:`~antigravity_sandbox.reply.Refused` says what was wrong with it.
"""

from collections.abc import Callable
from typing import Any

from antigravity_sandbox.accounts import Account, Standing
from antigravity_sandbox.credentials import CREDENTIALS, WISHES
from antigravity_sandbox.google.errors import refusal
from antigravity_sandbox.mischief.behaviour import read_count, read_seconds
from antigravity_sandbox.mischief.catalogue import CATALOGUE
from antigravity_sandbox.mischief.rules import bad_field, read_rules
from antigravity_sandbox.orders import ORDERS
from antigravity_sandbox.reply import Json, Refused, Reply
from antigravity_sandbox.sandbox import Sandbox

LONGEST_OFFSET = 366 * 86400.0


def overview(sandbox: Sandbox) -> Json:
    """The whole sandbox at a glance."""
    return {
        "pace": sandbox.pace,
        "tooSoon": sum(standing.too_soon for standing in sandbox.accounts),
        **accounts(sandbox),
        **rules(sandbox),
        "behaviours": [behaviour.overview() for behaviour in CATALOGUE.values()],
    }


def rules(sandbox: Sandbox) -> Json:
    """The rules in force, in their order."""
    return {"rules": [rule.overview() for rule in sandbox.rules.rules]}


def add_rules(sandbox: Sandbox, body: object) -> Json:
    """Put a rule, or a list of them, behind those in force: all, or none."""
    sandbox.rules.rules += read_rules(body)
    return rules(sandbox)


def drop_rules(sandbox: Sandbox) -> Json:
    """End all misbehaviour, except that told by a model's name."""
    sandbox.rules.rules.clear()
    return rules(sandbox)


def calls(sandbox: Sandbox, asked: dict[str, str]) -> Json:
    """
    The record.

    :param asked: ``since``, the number of a call, for those after it only;
        ``summary``, be it "1", to have them counted.
    """
    since, show = 0, sandbox.record.overview
    for name, value in asked.items():
        match name:
            case "since":
                since = _read(name, _number, value)
            case "summary":
                show = sandbox.record.summary if _read(name, _switch, value) else show
            case _:
                raise bad_field(name, "is not known")
    return show(since)


def drop_calls(sandbox: Sandbox) -> Json:
    """Forget the record."""
    sandbox.record.clear()
    return sandbox.record.overview()


def set_seed(sandbox: Sandbox, body: Json) -> Json:
    """Begin the sandbox's randomness anew, so that a run can be repeated."""
    seed = _only(body, "seed", read_count)
    sandbox.random.seed(seed)
    return {"seed": seed}


def pace(sandbox: Sandbox) -> Json:
    """The seconds between two events."""
    return {"seconds": sandbox.pace}


def set_pace(sandbox: Sandbox, body: Json) -> Json:
    """Change them, for the streams to come."""
    sandbox.pace = _only(body, "seconds", read_seconds)
    return pace(sandbox)


def clock(sandbox: Sandbox) -> Json:
    """How far the clock that answers are dated by is ahead, in seconds."""
    return {"seconds": sandbox.clock_ahead}


def set_clock(sandbox: Sandbox, body: Json) -> Json:
    """Set it, for the answers to come; less than 0 is behind."""
    sandbox.clock_ahead = _only(body, "seconds", _offset)
    return clock(sandbox)


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
    read = {}
    for order, value in body.items():
        if order not in ORDERS:
            raise bad_field(order, f"must be one of {', '.join(ORDERS)}")
        read[order] = _read(order, ORDERS[order].read, value)
    for order, value in read.items():
        ORDERS[order].obey(sandbox.accounts, standing, value)
    return standing.overview()


def credentials(
    sandbox: Sandbox, asked: dict[str, str], *, name: str, kind: str, origin: str
) -> Json:
    """
    A credential file of the account *name*.

    :param kind: its type, such as ``service_account``.
    :param origin: the URL at which the caller has reached the sandbox.
    :raises Refused: when there is no such account, type or wish.
    """
    standing = _standing(sandbox, name)
    if kind not in CREDENTIALS:
        known = ", ".join(CREDENTIALS)
        raise Refused(refusal(404, f"There are credentials of type {known}."))
    for wish in asked:
        if kind != "external_account" or wish not in WISHES:
            raise bad_field(wish, "is not known")
    return CREDENTIALS[kind](standing, origin, asked)


def subject_token(
    sandbox: Sandbox, asked: dict[str, str], *, name: str
) -> Json | Reply:
    """
    What vouches for the account *name*.

    :param asked: ``format``, be it "json" to have it wrapped in an object.
    :raises Refused: when there is no such account.
    """
    token = _standing(sandbox, name).account.subject_token
    if asked.get("format") == "json":
        return {"subject_token": token}
    headers = (("Content-Type", "text/plain; charset=UTF-8"),)
    return Reply(200, token.encode(), headers)


def _standing(sandbox: Sandbox, name: str) -> Standing:
    standing = sandbox.accounts.named(name)
    if standing is None:
        raise Refused(refusal(404, f"There is no account {name!r}."))
    return standing


def _number(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def _offset(value: object) -> float:
    """A number of seconds that may be less than none."""
    is_behind = isinstance(value, int | float) and value < 0
    seconds = read_seconds(-value if is_behind else value)  # type: ignore[operator]
    if seconds > LONGEST_OFFSET:
        raise ValueError("must not be longer than a year")
    return -seconds if is_behind else seconds


def _switch(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError("must be 0 or 1")
    return value == "1"


def _only(body: Json, name: str, reader: Callable[[object], Any]) -> Any:
    """The one member that *body* may have, and must."""
    for other in body:
        if other != name:
            raise bad_field(other, "is not known")
    return _read(name, reader, body.get(name))


def _read(name: str, reader: Callable[[Any], Any], value: object) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        raise bad_field(name, str(error)) from None
