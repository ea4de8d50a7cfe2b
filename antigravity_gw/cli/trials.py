"""``antigravity-gw accounts test``: whether accounts serve, found out by asking."""

import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react
from twisted.logger import globalLogBeginner

from antigravity_gw.checks import is_model_name
from antigravity_gw.cli.common import (
    CommandError,
    Desk,
    complain,
    found_in,
    print_json,
    set_command,
)
from antigravity_gw.cli.tables import Moment, details, labelled
from antigravity_gw.kinds.registered import kind_called
from antigravity_gw.making import make_trial
from antigravity_gw.outcome import NOBODYS_FAULT, Result
from antigravity_gw.pool.account import Known
from antigravity_gw.states import Label, state_of

T = TypeVar("T")

ONLY_IF_NAMED = (Label.DISABLED, Label.SUSPENDED)


def add_test_parser(commands: Any) -> None:
    """Make the command known."""
    parser = commands.add_parser(
        "test",
        help="ask a small question with each account, to see whether it serves",
        description="Without a name, tests all accounts but those that are disabled or "
        "suspended. What comes of it is stored; a running daemon goes by it.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a name or an id")
    parser.add_argument("--model", metavar="M", help="the model to ask")
    set_command(parser, try_accounts)


def try_accounts(desk: Desk) -> int:
    """Test accounts, one after the other."""
    model = model_to_ask(desk)
    accounts, missing = accounts_to_ask(desk, "tested", "test")
    if not accounts and not missing:
        raise CommandError("there is no account to test")
    results = []
    if accounts:
        results = run_reactor(lambda reactor: _tested(desk, accounts, model, reactor))
    if desk.options.json:
        print_json([result.as_object() for result in results])
    return 1 if missing or not all(result.outcome.serves for result in results) else 0


def result_lines(result: Result, moment: Moment) -> list[str]:
    """What came of testing an account, for people."""
    outcome, name = result.outcome, result.known.record.name
    verb = "serves" if outcome.serves else "does not serve"
    lines = [f"{name}: {verb} {outcome.model} ({outcome.seconds:.1f} s)"]
    if result.is_unexplained:
        lines += labelled("why", outcome.reason)
        lines += labelled("to do", NOBODYS_FAULT)
    elif not outcome.serves:
        lines += details(result.known, result.found, moment)
    if result.is_as_before:
        lines += labelled("still", f"{result.state.title}: {result.state.reason}")
    return lines


def model_to_ask(desk: Desk) -> str:
    """
    The model to ask, as a client would name it.

    :raises CommandError: when that is none.
    """
    models = desk.loaded.config.models.serve
    model: str | None = desk.options.model or (models[0].name if models else None)
    if model is None:
        raise CommandError("no model is configured: name one with --model")
    if not is_model_name(model):
        raise CommandError(f"{model!r} is not the name of a model")
    return model


def accounts_to_ask(desk: Desk, done: str, doing: str) -> tuple[list[Known], list[str]]:
    """
    The accounts to ask a question, and the names that nobody has.

    :param done: what will be done to them, such as "tested".
    :param doing: what somebody has to do, such as "test".
    """
    if desk.options.names:
        named, missing = desk.named(desk.options.names)
        familiar = [each for each in named if _is_familiar(each)]
        strangers = [each.record.name for each in named if each not in familiar]
        return familiar, [*missing, *strangers]
    now, chosen = time.time(), []
    for known in filter(_is_familiar, desk.store.accounts()):
        label = state_of(known, now).label
        if label not in ONLY_IF_NAMED:
            chosen.append(known)
        elif not desk.options.json:
            name = known.record.name
            why = f"since it is {label.value}; name it to {doing} it"
            print(f"{name}: not {done}, {why}")
    return chosen, []


def _is_familiar(known: Known) -> bool:
    """Whether the account is of a kind that there is; it is said if not."""
    record = known.record
    if kind_called(record.kind) is None:
        complain(f"{record.name}: this version does not know kind {record.kind!r}")
        return False
    return True


async def _tested(
    desk: Desk, accounts: list[Known], model: str, reactor: Any
) -> list[Result]:
    """Test *accounts*, and tell of each when it is done."""
    trial = make_trial(desk.loaded, desk.store, reactor, model)
    results = []
    for known in accounts:
        outcome = await trial.run(_again(desk, known))
        result = Result.of(_again(desk, known), outcome, time.time())
        results.append(result)
        if not desk.options.json:
            print("\n".join(result_lines(result, Moment(time.time()))), flush=True)
    return results


def _again(desk: Desk, known: Known) -> Known:
    """What is known of an account by now; as before, if it is gone."""
    return found_in(desk.store.accounts(), known.record.id) or known


def run_reactor(
    story: Callable[[Any], Coroutine[Deferred[Any], Any, T]],
    react: Callable[[Callable[[Any], Any]], None] = react,
) -> T:
    """
    Run the reactor until *story* is at its end.

    Can be done once in a process.  The log of the daemon's parts goes nowhere:
    what they have to say is in the result.

    :param react: runs it, and exits.
    :returns: what *story* returns; it raises what that raises.
    :raises KeyboardInterrupt: when somebody wants it to stop.
    """
    results: list[T] = []
    failures: list[Exception] = []

    async def told(reactor: Any) -> None:
        try:
            # Only when it runs does Ctrl-C stop it. Until then, Ctrl-C would be an
            # exception wherever it comes, and what opens a browser catches all.
            await deferLater(reactor, 0)
            results.append(await story(reactor))
        except Exception as failure:
            failures.append(failure)

    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    with suppress(SystemExit):  # which is how it ends, always
        react(told)
    if failures:
        raise failures[0]
    if not results:
        raise KeyboardInterrupt
    return results[0]
