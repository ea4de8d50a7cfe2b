"""``antigravity-gw accounts``: what an operator says of accounts, and sees of them."""

import argparse
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from antigravity_gw.cli.accountoptions import SETTINGS, add_settings, check_settings
from antigravity_gw.cli.common import (
    CommandError,
    Desk,
    checked_name,
    found_in,
    print_json,
    read_credential,
    read_secret,
    set_command,
    warn,
)
from antigravity_gw.cli.options import given, some_given
from antigravity_gw.cli.tables import Moment, card, listing
from antigravity_gw.cli.words import paragraph
from antigravity_gw.database import NoStore
from antigravity_gw.importing import Found, stranger
from antigravity_gw.kind import Given, Kind
from antigravity_gw.kinds.registered import NAMES, kind_called
from antigravity_gw.objects import account_object
from antigravity_gw.pool.account import Known
from antigravity_gw.record import CODE_ASSIST, Record
from antigravity_gw.states import ACCOUNTS, LOGIN, handle
from antigravity_gw.wire.oauth import OAuthClient


def add_account_parsers(commands: Any) -> None:
    """Make the commands known."""
    add = commands.add_parser(
        "add",
        help="add an account, or give one a new credential",
        description="The credential (a refresh token, an API key, or the JSON of "
        "Application Default Credentials) is asked for, or read from standard input "
        "when that is no terminal.",
    )
    add.add_argument("name", metavar="NAME", help="what to call it")
    add.add_argument(
        "--kind",
        choices=NAMES,
        help=f"what kind of account it is; a new one is of kind {CODE_ASSIST}",
    )
    add.add_argument(
        "--credential-file",
        "--refresh-token-file",
        metavar="FILE",
        help="read the credential from FILE; - for stdin",
    )
    add.add_argument(
        "--client-id", metavar="ID", help="its OAuth client, if not the configured one"
    )
    add.add_argument("--client-secret-file", metavar="FILE", help="that one's secret")
    add_settings(add)
    set_command(add, add_account, create=True)
    change = commands.add_parser("set", help="change how an account is used")
    change.add_argument("name", metavar="NAME", help="its name or id")
    add_settings(change)
    set_command(change, set_account)
    table = commands.add_parser("list", help="the state of every account")
    table.add_argument("--json", action="store_true", help="answer in JSON")
    table.set_defaults(command=list_if_any)
    for name, command, told in (
        ("show", show_accounts, "all that is known of accounts"),
        ("enable", enable_accounts, "use accounts again, whatever was learnt of them"),
        ("disable", disable_accounts, "use accounts no more, but keep them"),
        ("remove", remove_accounts, "forget accounts"),
    ):
        several = commands.add_parser(name, help=told)
        several.add_argument("names", nargs="+", metavar="NAME", help="a name or an id")
        set_command(several, command)
    rename = commands.add_parser("rename", help="call an account something else")
    rename.add_argument("name", metavar="OLD", help="its name or id")
    rename.add_argument("new", metavar="NEW", help="what to call it")
    set_command(rename, rename_account)


def add_account(desk: Desk) -> int:
    """Store one account."""
    options = desk.options
    client = _own_client(options)
    accounts = desk.store.accounts()
    old = found_in(accounts, options.name)
    name = old.record.name if old else checked_name(options.name)
    kind = _kind(options, old, client)
    brought = read_credential(kind, options.credential_file)
    settings = given(options, SETTINGS)
    check_settings(kind, settings)
    before = old.record.project if old and old.record.kind == kind.name else None
    project = settings.get("project", before or brought.project)
    if project is None and kind.has_project and not kind.finds_project:
        raise CommandError(
            f"an account of kind {kind.name} needs a project, and its credentials name "
            "none: name it with --project"
        )
    now = time.time()
    record = Record(
        secrets.token_hex(4),
        name,
        brought.credential,
        client,
        project,
        now,
        kind=kind.name,
        given=now,
    )
    is_new = desk.store.put(record)
    if settings:
        desk.store.change(name, **settings)
    for doubt in _doubts(desk, kind, brought, old, client):
        warn(f"{name}: {doubt}")
    warn_if_disabled(old)
    _told(desk, name, "added" if is_new else "updated")
    return 0


def _kind(
    options: argparse.Namespace, old: Known | None, client: OAuthClient | None
) -> type[Kind]:
    """
    What kind of account it is, or is to be.

    :raises CommandError: when the options do not go with it.
    """
    name = options.kind or (old.record.kind if old else CODE_ASSIST)
    kind = kind_called(name)
    if kind is None:
        raise CommandError(f"this version does not know accounts of kind {name}")
    if client is not None and not kind.has_client:
        raise CommandError(f"an account of kind {name} has no OAuth client")
    return kind


def _doubts(
    desk: Desk,
    kind: type[Kind],
    brought: Given,
    old: Known | None,
    client: OAuthClient | None,
) -> Iterator[str]:
    """What may keep the account that was just stored from serving."""
    if brought.doubt:
        yield brought.doubt
    if kind.has_client:
        in_use = client or (old.record.client if old else None)
        found = Found("", brought.credential, in_use, None)
        objection = stranger(found, desk.client_id)
        if objection:
            yield objection


def warn_if_disabled(known: Known | None) -> None:
    """Say so if an account that was there already is not used, whatever is new."""
    if known is not None and known.record.disabled is not None:
        record = known.record
        warn(
            f"{record.name}: it is still disabled; "
            f"'{ACCOUNTS} enable {handle(record)}' uses it again"
        )


def set_account(desk: Desk) -> int:
    """Change what an operator can set."""
    settings = some_given(desk.options, SETTINGS)
    record = desk.the(desk.options.name).record
    if kind := kind_called(record.kind):
        check_settings(kind, settings)
    desk.store.change(record.name, **settings)
    _told(desk, record.name, "changed")
    return 0


def list_if_any(options: argparse.Namespace) -> int:
    """Show every account, or that there is no store to have any."""
    try:
        return list_accounts(Desk.opened(options, create=False))
    except NoStore as nothing:
        if options.json:
            print_json([])
        else:
            _say_that_there_is_none(f"since {nothing}")
        return 0


def list_accounts(desk: Desk) -> int:
    """Show every account, and what to do about it."""
    accounts, now = desk.store.accounts(), time.time()
    if desk.options.json:
        print_json([account_object(k, desk.client_id, now) for k in accounts])
        return 0
    if not accounts:
        _say_that_there_is_none(f"in {desk.store.path}")
        return 0
    for line in listing(accounts, desk.client_id, Moment(now)):
        print(line)
    if desk.options.config or desk.options.state_dir:
        print("Give the commands the same --config and --state-dir as this one.")
    return 0


def _say_that_there_is_none(where: str) -> None:
    print(f"There is no account yet, {where}.")
    ways = (
        f"'{ACCOUNTS} add NAME --kind gemini_api_key' adds an API key, '{LOGIN}' logs "
        f"an account in, '{ACCOUNTS} import FILE' takes over those of another program."
    )
    print("\n".join(paragraph(ways)))


def show_accounts(desk: Desk) -> int:
    """Show all that is known of some accounts."""
    (accounts, missing), now = desk.named(desk.options.names), time.time()
    if desk.options.json:
        print_json([account_object(k, desk.client_id, now) for k in accounts])
    else:
        blocks = ("\n".join(card(k, desk.client_id, Moment(now))) for k in accounts)
        print("\n\n".join(blocks))
    return 1 if missing else 0


def enable_accounts(desk: Desk) -> int:
    """Use accounts again, and forget what was learnt of them."""

    def enable(known: Known) -> str:
        desk.store.give_another_chance(known.record.name)
        return "enabled"

    return _each(desk, enable)


def disable_accounts(desk: Desk) -> int:
    """Use accounts no more, but keep them."""

    def disable(known: Known) -> str:
        if known.record.disabled is not None:
            return "disabled already"
        desk.store.change(known.record.name, disabled=time.time())
        return "disabled"

    return _each(desk, disable)


def remove_accounts(desk: Desk) -> int:
    """Forget accounts; the daemon stops using them within seconds."""

    def remove(known: Known) -> str:
        desk.store.remove(known.record.id)
        return "removed"

    return _each(desk, remove)


def rename_account(desk: Desk) -> int:
    """Call an account something else; its id stays."""
    known, new = desk.the(desk.options.name), checked_name(desk.options.new)
    desk.store.rename(known.record.name, new)
    _told(desk, new, f"renamed from {known.record.name}")
    return 0


def _own_client(options: argparse.Namespace) -> OAuthClient | None:
    if bool(options.client_id) != bool(options.client_secret_file):
        raise CommandError("--client-id and --client-secret-file go together")
    if not options.client_id:
        return None
    return OAuthClient(options.client_id, read_secret(options.client_secret_file))


def _each(desk: Desk, do: Callable[[Known], str]) -> int:
    """Do something to every account that is named, and say so."""
    known, missing = desk.named(desk.options.names)
    results = [_result(name, None, "unknown") for name in missing]
    for each in known:
        result = _result(each.record.name, each.record.id, do(each))
        results.append(result)
        if not desk.options.json:
            print(f"{result['name']}: {result['result']}")
    if desk.options.json:
        print_json(results)
    return 1 if missing else 0


def _told(desk: Desk, name: str, result: str) -> None:
    """Say what was done to the account that has this name now."""
    if desk.options.json:
        known = desk.the(name)
        print_json(_result(name, known.record.id, result))
    else:
        print(f"{name}: {result}")


def _result(name: str, id: str | None, result: str) -> dict[str, str | None]:
    return {"name": name, "id": id, "result": result}
