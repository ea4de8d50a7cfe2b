"""
Writes to a store until it is killed, and says what it does.

For ``test_kill.py``, which runs it as a program: ``killed_writer.py DIRECTORY
PREFIX SEED``.  Before each step it prints the step, and after it a line that is
empty: what has one of those behind it must be in the store, whatever comes.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random

from attrs import asdict, evolve, frozen

from antigravity_gw.pool.account import Access, Known
from antigravity_gw.pool.hold import Hold
from antigravity_gw.pool.learnt import (
    held,
    minted,
    project_found,
    quota_seen,
    rotated,
)
from antigravity_gw.pool.store import Store
from antigravity_gw.record import Record
from antigravity_gw.wire.companion import Remaining

MODEL = "pro"
ENOUGH = 10
"""With so many accounts there, some are removed."""


@frozen
class Facts:
    """
    What the store is to know of an account.

    What is learnt is a number each, and 0 when it is not known.
    """

    name: str
    token: str
    weight: float = 1.0
    hold: int = 0
    access: int = 0
    quota: int = 0
    project: int = 0


@frozen
class Step:
    """
    Something to be done in one go.

    :ivar number: different each time; whatever is written has it in it.
    """

    kind: str
    id: str
    number: int


Accounts = dict[str, Facts]


def after(accounts: Accounts, step: Step) -> Accounts:
    """What there is when *step* has been done."""
    number, token = step.number, f"token-{step.number}"
    if step.kind == "add":
        return {**accounts, step.id: Facts(f"name-{number}", token)}
    if step.kind == "remove":
        return {id: facts for id, facts in accounts.items() if id != step.id}
    changes = {
        "log in": {"token": token, "hold": 0, "access": 0, "quota": 0, "project": 0},
        "rename": {"name": f"name-{number}"},
        "weigh": {"weight": float(number)},
        "pardon": {"hold": 0, "quota": 0, "project": 0},
        "rotate": {"token": token},
        "learn": {
            **{"token": token, "hold": number, "access": number},
            **{"quota": number, "project": number},
        },
    }[step.kind]
    return {**accounts, step.id: evolve(accounts[step.id], **changes)}


def carry_out(store: Store, accounts: Accounts, step: Step) -> None:
    """Do it."""
    id, number, token = step.id, step.number, f"token-{step.number}"
    old = accounts.get(id, Facts("", ""))
    match step.kind:
        case "add":
            store.put(Record(id, f"name-{number}", token, added=float(number)))
        case "log in":
            store.put(Record("", old.name, token, added=float(number)))
        case "remove":
            store.remove(id)
        case "rename":
            store.rename(id, f"name-{number}")
        case "weigh":
            store.change(id, weight=float(number))
        case "pardon":
            store.give_another_chance(id)
        case "rotate":
            store.apply([rotated(id, old.token, token)])
        case "learn":
            epoch, hold = _epoch(store, id), Hold(str(number), since=0.0)
            store.apply(
                [
                    rotated(id, old.token, token),
                    held(id, epoch, MODEL, hold),
                    minted(id, epoch, Access(str(number), 1.0, "")),
                    quota_seen(id, epoch, {MODEL: Remaining(float(number), None)}, 1.0),
                    project_found(id, epoch, str(number)),
                ]
            )


def _epoch(store: Store, id: str) -> int:
    return next(k.record.epoch for k in store.accounts() if k.record.id == id)


def stored(store: Store, prefix: str) -> Accounts:
    """What there is of the accounts whose ids begin with *prefix*."""
    return {
        known.record.id: _facts(known)
        for known in store.accounts()
        if known.record.id.startswith(prefix)
    }


def _facts(known: Known) -> Facts:
    hold, left = known.holds.get(MODEL), known.quota.get(MODEL)
    return Facts(
        name=known.record.name,
        token=known.record.credential,
        weight=known.record.weight,
        hold=int(hold.reason) if hold else 0,
        access=int(known.access.token) if known.access else 0,
        quota=int(left.fraction or 0) if left else 0,
        project=int(known.project or 0),
    )


def steps(accounts: Accounts, prefix: str, random: Random) -> Iterator[Step]:
    """One thing after another; *accounts* is what there is, at any time."""
    for number in count(random.getrandbits(40)):
        ids = list(accounts)
        kinds = ["add"] if len(ids) < ENOUGH else ["remove"]
        if ids:
            kinds += ["log in", "rename", "weigh", "pardon", "rotate"] + 3 * ["learn"]
        kind = random.choice(kinds)
        id = f"{prefix}-{number}" if kind == "add" else random.choice(ids)
        yield Step(kind, id, number)


def work(
    store: Store, prefix: str, seed: int, tell: Callable[[Step | None], None]
) -> None:
    """
    Write without end, until *tell* raises something.

    :param tell: is told every step before it is done, and None after it.
    """
    accounts = stored(store, prefix)
    for step in steps(accounts, prefix, Random(f"{prefix} {seed}")):
        tell(step)
        carry_out(store, accounts, step)
        tell(None)
        now = after(accounts, step)
        accounts.clear()
        accounts.update(now)


def _print(step: Step | None) -> None:
    line = json.dumps(asdict(step)) if step else ""
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    directory, prefix, seed = sys.argv[1:]
    work(Store.open(Path(directory)), prefix, int(seed), _print)
