"""``antigravity-gw doctor``: why an account does not serve, and what to do next."""

import argparse
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from attrs import evolve, frozen

from antigravity_gw.checking import looked_through
from antigravity_gw.cli.common import Desk, complain, overrides, print_json
from antigravity_gw.cli.tables import Moment
from antigravity_gw.cli.trials import accounts_to_ask, model_to_ask, run_reactor
from antigravity_gw.cli.verdicts import (
    account_lines,
    daemon_lines,
    examination_object,
    premise_lines,
    premise_object,
)
from antigravity_gw.database import StoreError
from antigravity_gw.doctor import Echoes, Examination, examine
from antigravity_gw.kinds.registered import kind_called
from antigravity_gw.making import make_trial
from antigravity_gw.pool.store import Store
from antigravity_gw.ports import tried
from antigravity_gw.premises import Grade, Premise, clock, configuration, surroundings

WELL, TO_DO, UNKNOWN = 0, 1, 3
STATUSES = (
    "Exit status: 0 when all is well, 1 when something is wrong and it was found out "
    "what, 2 for a command line that makes no sense, 3 when it could not be found out, "
    "since there is no network or Google fails, 130 for Ctrl-C."
)


def add_doctor_parser(commands: Any) -> None:
    """Make the command known."""
    parser = commands.add_parser(
        "doctor",
        help="say why an account does not serve, and what to do next",
        description="Examines accounts step by step, to one verdict each: can Google "
        "be reached, is there a token, whose is it, what may it do, and is a small "
        "question answered. Without a name, looks at what the daemon needs of this "
        "machine as well, and at all accounts but those that are disabled or "
        "suspended. What comes of it is stored; a running daemon goes by it.",
        epilog=STATUSES,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a name or an id")
    parser.add_argument("--model", metavar="M", help="the model to ask")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.set_defaults(command=consult)


def consult(options: argparse.Namespace) -> int:
    """Examine what the command line names."""
    if options.names:
        desk = Desk.opened(options, create=False)
        report = run_reactor(partial(_of_accounts, desk))
    else:
        report = run_reactor(partial(_of_everything, options))
    if options.json:
        print_json(report.as_object())
    return report.status


@frozen
class Report:
    """
    What was found.

    :ivar premises: how it is with this machine; None when nobody has looked.
    :ivar missing: what was named and could not be examined.
    """

    premises: Sequence[Premise] | None
    examinations: Sequence[Examination]
    missing: Sequence[str] = ()

    @property
    def clock(self) -> Premise | None:
        """What is wrong with this machine's clock, if anything."""
        skews = (each.skew for each in self.examinations)
        return clock(min(skews, key=abs, default=0.0))

    @property
    def status(self) -> int:
        """The exit status."""
        diagnoses = [each.diagnosis for each in self.examinations]
        grades = [premise.grade for premise in self.premises or ()]
        is_ill = any(d.is_known and not d.is_well for d in diagnoses)
        if self.missing or Grade.PROBLEM in grades or is_ill:
            return TO_DO
        return WELL if all(d.is_well for d in diagnoses) else UNKNOWN

    def as_object(self) -> dict[str, Any]:
        """For programs."""
        premises = self.premises
        return {
            "status": self.status,
            "clock": premise_object(self.clock) if self.clock else None,
            "daemon": None if premises is None else [*map(premise_object, premises)],
            "accounts": [examination_object(each) for each in self.examinations],
        }


async def _of_everything(options: argparse.Namespace, reactor: Any) -> Report:
    """Look at this machine, and then at the accounts."""
    loaded, problems = looked_through(options.config, os.environ, overrides(options))
    premises = list(configuration(loaded, problems))
    if loaded is not None:
        premises += surroundings(loaded)
        endpoints = (*loaded.config.listen, *loaded.config.metrics.listen)
        premises += [await tried(reactor, each) for each in endpoints]
    if not options.json:
        print("\n".join(daemon_lines(premises)), flush=True)
    if loaded is None or problems:
        return Report(premises, ())
    try:
        store = Store.open(loaded.state_directory(), create=False)
    except StoreError:  # which is told already
        return Report(premises, ())
    report = await _of_accounts(Desk(options, loaded, store), reactor)
    return evolve(report, premises=premises)


async def _of_accounts(desk: Desk, reactor: Any) -> Report:
    """Examine one account after the other, and tell of each when it is done."""
    accounts, missing = accounts_to_ask(desk, "examined", "examine")
    examinations: list[Examination] = []
    echoes: Echoes = {}
    trial = make_trial(desk.loaded, desk.store, reactor, model_to_ask(desk))
    for known in accounts:
        if kind_called(known.record.kind) is None:
            complain(f"{known.record.name}: its kind is unknown to this version")
            missing.append(known.record.name)
            continue
        examinations.append(await examine(trial, known, echoes))
        if not desk.options.json:
            moment = Moment(reactor.seconds())
            print("\n".join(account_lines(examinations[-1], moment)), flush=True)
    report = Report(None, examinations, missing)
    if report.clock is not None and not desk.options.json:
        print("\n".join(premise_lines(report.clock)), flush=True)
    return report
