"""
``antigravity-gw``: what an operator does besides running the daemon.

Exit status: 0 when all is done, 1 when something could not be, 2 for a command
line that makes no sense.  Secrets are read from a prompt, a file or standard
input, and never taken from the command line, where other users could see them.
"""

import argparse
import getpass
import itertools
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

from attrs import define

from antigravity_gw import __version__
from antigravity_gw.checking import checked, good_news
from antigravity_gw.config import Loaded, load
from antigravity_gw.importing import Skipped, read_credentials
from antigravity_gw.pool.account import Need, Record
from antigravity_gw.pool.store import Store, StoreError
from antigravity_gw.settings import ConfigError
from antigravity_gw.wire.oauth import OAuthClient

NEXT_STEP = {
    Need.LOGIN: "get a new refresh token and add the account again",
    Need.CLIENT: "correct oauth.client_id and its secret, restart the daemon",
    Need.PROJECT: "add it again with --project",
    Need.ACCESS: "mend it with Google; the daemon tries again by itself",
    Need.SUSPENDED: "do not use it; see Google's message to the account",
}


@define
class CommandError(Exception):
    """A command could not be carried out; the message says why."""

    message: str

    def __str__(self) -> str:
        return self.message


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
        sys.stdout.flush()
    except (CommandError, ConfigError, StoreError) as error:
        for line in str(error).splitlines():
            print(f"antigravity-gw: {line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="antigravity-gw",
        description="Look after the gateway's accounts and configuration. "
        "The daemon itself is started with 'twistd -n antigravity-gw'.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("-c", "--config", metavar="FILE", help="the configuration file")
    parser.add_argument(
        "-s", "--state-dir", metavar="DIR", help="the directory of the accounts"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check-config", help="say what is wrong with the configuration"
    )
    check.set_defaults(command=check_config)
    key = commands.add_parser("make-key", help="make a key for one client")
    key.add_argument("name", metavar="NAME", help="who it is for")
    key.set_defaults(command=make_key)
    accounts = commands.add_parser("accounts", help="the accounts of the pool")
    _account_parsers(accounts.add_subparsers(required=True, metavar="COMMAND"))
    return parser


def _account_parsers(commands: Any) -> None:
    add = commands.add_parser(
        "add",
        help="add an account, or give one a new refresh token",
        description="The refresh token is asked for, or read from standard input "
        "when that is no terminal.",
    )
    add.add_argument("name", metavar="NAME", help="what to call it")
    add.add_argument("--refresh-token-file", metavar="FILE", help="read it from FILE")
    add.add_argument("--project", metavar="ID", help="its Google Cloud project")
    add.add_argument(
        "--client-id", metavar="ID", help="its OAuth client, if not the configured one"
    )
    add.add_argument("--client-secret-file", metavar="FILE", help="that one's secret")
    add.set_defaults(command=add_account)
    load_ = commands.add_parser(
        "import", help="add the accounts in other programs' files"
    )
    load_.add_argument("files", nargs="+", metavar="FILE", help="JSON; - for stdin")
    load_.set_defaults(command=import_accounts)
    show = commands.add_parser("list", help="show the accounts")
    show.add_argument("--json", action="store_true", help="for programs")
    show.set_defaults(command=list_accounts)
    remove = commands.add_parser("remove", help="forget accounts")
    remove.add_argument("names", nargs="+", metavar="NAME", help="what they are called")
    remove.set_defaults(command=remove_accounts)


def check_config(options: argparse.Namespace) -> int:
    """Say whether the configuration is good, as ``nginx -t`` does."""
    print(good_news(checked(options.config, os.environ, _overrides(options))))
    return 0


def make_key(options: argparse.Namespace) -> int:
    """Make a key; only its hash needs to be kept."""
    key = secrets.token_urlsafe(32)
    print(f"The key of {options.name}, shown this once:\n\n  {key}\n")
    print("Add this to the configuration file, and restart the daemon:\n")
    print(f"[[auth.keys]]\nname = {json.dumps(options.name)}")
    print(f'sha256 = "{sha256(key.encode()).hexdigest()}"')
    return 0


def add_account(options: argparse.Namespace) -> int:
    """Store one account."""
    client = None
    if options.client_id:
        if not options.client_secret_file:
            raise CommandError("--client-id wants --client-secret-file beside it")
        client = OAuthClient(options.client_id, _from_file(options.client_secret_file))
    _refuse_number(options.project)
    token = _refresh_token(options)
    is_new = _store(options).put(_record(options.name, token, client, options.project))
    print(f"{options.name}: {'added' if is_new else 'updated'}")
    return 0


def import_accounts(options: argparse.Namespace) -> int:
    """Store every account in the files; what is bad does not spoil what is good."""
    store = _store(options)
    failed = False
    for file in options.files:
        try:
            document = json.loads(_text_of(file))
        except (CommandError, ValueError, RecursionError) as error:
            print(f"{file}: skipped: {error}", file=sys.stderr)
            failed = True
            continue
        for number, entry in enumerate(read_credentials(document), 1):
            if isinstance(entry, Skipped):
                print(f"{file}, entry {number}: skipped: {entry.reason}")
                failed = True
                continue
            name = entry.name or _free_name(store, file, entry.refresh_token)
            record = _record(name, entry.refresh_token, entry.client, entry.project)
            is_new = store.put(record)
            print(f"{file}: {name}: {'added' if is_new else 'updated'}")
    return 1 if failed else 0


def list_accounts(options: argparse.Namespace) -> int:
    """Show every account, and what to do about it."""
    records = _store(options).records()
    if options.json:
        json.dump([_as_json(record) for record in records], sys.stdout, indent=2)
        print()
        return 0
    if not records:
        print("There is no account yet: add one with 'antigravity-gw accounts add'.")
        return 0
    rows = [("NAME", "ID", "STATE", "PROJECT")]
    for record in records:
        state = record.block.need.value if record.block else "ready"
        rows.append((record.name, record.id, state, record.project or "(discovered)"))
    _print_table(rows, sys.stdout)
    for record in records:
        if record.block:
            print(f"\n{record.name}: {record.block.reason}.")
            print(f"  To do: {NEXT_STEP[record.block.need]}.")
    return 0


def remove_accounts(options: argparse.Namespace) -> int:
    """Forget accounts; the daemon stops using them within seconds."""
    store = _store(options)
    missing = [name for name in options.names if not store.remove(name)]
    for name in missing:
        print(f"antigravity-gw: there is no account {name!r}", file=sys.stderr)
    return 1 if missing else 0


def _store(options: argparse.Namespace) -> Store:
    return Store.open(_loaded(options).state_directory())


def _loaded(options: argparse.Namespace) -> Loaded:
    return load(options.config, os.environ, _overrides(options))


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    return {"state_dir": options.state_dir} if options.state_dir else {}


def _record(
    name: str, token: str, client: OAuthClient | None, project: str | None
) -> Record:
    return Record(secrets.token_hex(4), name, token, client, project, time.time())


def _free_name(store: Store, file: str, refresh_token: str) -> str:
    """A name for an account whose file gives it none, and that no other has."""
    stem = "stdin" if file == "-" else Path(file).stem
    known = {record.name: record.refresh_token for record in store.records()}
    names = (stem if n == 1 else f"{stem}-{n}" for n in itertools.count(1))
    return next(n for n in names if known.get(n, refresh_token) == refresh_token)


def _refresh_token(options: argparse.Namespace) -> str:
    if options.refresh_token_file:
        return _from_file(options.refresh_token_file)
    if sys.stdin.isatty():
        token = getpass.getpass("Refresh token: ").strip()
    else:
        token = sys.stdin.readline().strip()
    if not token:
        raise CommandError("the refresh token is empty")
    return token


def _from_file(file: str) -> str:
    """What a file with one secret in it says."""
    secret = _text_of(file).strip()
    if not secret:
        raise CommandError(f"{file}: is empty")
    return secret


def _text_of(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.read()
        return Path(file).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file}: is not text") from error


def _refuse_number(project: str | None) -> None:
    if project is not None and project.isdigit():
        raise CommandError(
            "--project wants the project's id, such as my-project-1234, not its number"
        )


def _as_json(record: Record) -> dict[str, Any]:
    block = record.block
    return {
        "name": record.name,
        "id": record.id,
        "state": block.need.value if block else "ready",
        "reason": block.reason if block else None,
        "since": block.since if block else None,
        "project": record.project,
        "added": record.added,
    }


def _print_table(rows: Sequence[tuple[str, ...]], out: TextIO) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip(), file=out)


if __name__ == "__main__":
    sys.exit(main())
