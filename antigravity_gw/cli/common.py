"""What the commands share: the store, the accounts in it, files and secrets."""

import argparse
import difflib
import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, frozen

from antigravity_gw.kind import Given, Kind
from antigravity_gw.loading import Loaded, load
from antigravity_gw.pool.account import Known
from antigravity_gw.pool.clientkeys import ClientKeys
from antigravity_gw.pool.store import Store
from antigravity_gw.states import ACCOUNTS

MIB = 2**20
FILE_LIMIT = 64 * MIB
"""The longest file to read, in bytes."""

LONGEST_NAME = 254
"""As long as an e-mail address may be."""


@define
class CommandError(Exception):
    """A command could not be carried out; the message says why."""

    message: str

    def __str__(self) -> str:
        return self.message


@frozen
class Desk:
    """
    What a command about accounts or keys works with.

    :ivar options: its command line.
    """

    options: argparse.Namespace
    loaded: Loaded
    store: Store

    @classmethod
    def opened(cls, options: argparse.Namespace, *, create: bool) -> "Desk":
        """
        :param create: whether to make a store if there is none.
        :raises ConfigError: when the configuration is wrong.
        :raises NoStore: when there is no store.
        :raises StoreError: when it cannot be used.
        """
        loaded = load(options.config, os.environ, overrides(options))
        store = Store.open(loaded.state_directory(), create=create)
        return cls(options, loaded, store)

    @property
    def client_id(self) -> str:
        """The OAuth client of accounts without their own; empty if there is none."""
        return self.loaded.config.oauth.client_id

    @property
    def keys(self) -> ClientKeys:
        """The clients' keys in the store."""
        return ClientKeys(self.store)

    def named(self, names: Sequence[str]) -> tuple[list[Known], list[str]]:
        """
        The accounts of these names or ids, each once, and the names that nobody has.

        Whoever asked for the latter is told so here.
        """
        accounts = self.store.accounts()
        found: dict[str, Known] = {}
        missing = []
        for name in names:
            known = found_in(accounts, name)
            if known is None:
                missing.append(name)
                complain(unknown(name, accounts))
            else:
                found[known.record.id] = known
        return list(found.values()), missing

    def the(self, name: str) -> Known:
        """
        The account of this name or id.

        :raises CommandError: when there is none.
        """
        accounts = self.store.accounts()
        known = found_in(accounts, name)
        if known is None:
            raise CommandError(unknown(name, accounts))
        return known


def set_command(
    parser: argparse.ArgumentParser,
    command: Callable[[Desk], int],
    create: bool = False,
) -> None:
    """
    Have *parser* carry out *command*, which can answer in JSON.

    Its options have ``usage_error``, which ends it over a command line without sense.

    :param create: whether it makes a store if there is none.
    """
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.set_defaults(
        command=lambda options: command(Desk.opened(options, create=create)),
        usage_error=parser.error,
    )


def overrides(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that the command line has."""
    return {"state_dir": options.state_dir} if options.state_dir else {}


def found_in(accounts: Sequence[Known], name: str) -> Known | None:
    """The account of this name, else the one of this id."""
    by_id = {known.record.id: known for known in accounts}
    by_name = {known.record.name: known for known in accounts}
    return by_name.get(name) or by_id.get(name)


def unknown(name: str, accounts: Sequence[Known]) -> str:
    """What to say of a name that no account has."""
    names = [known.record.name for known in accounts]
    return unknown_one("account", name, names, f"{ACCOUNTS} list")


def unknown_one(what: str, name: str, names: Sequence[str], listing: str) -> str:
    """
    What to say of a name that nothing has, of those that *names* are.

    :param listing: the command that shows those.
    """
    hint = " or ".join(map(repr, difflib.get_close_matches(name, names)))
    return f"there is no {what} {name!r}; " + (
        f"did you mean {hint}?" if hint else f"'{listing}' shows those there are"
    )


def is_name(name: str) -> bool:
    """Whether an account can be called that, on a command line and in a table."""
    is_visible = name.isprintable() and name == name.strip()
    return is_visible and 0 < len(name) <= LONGEST_NAME and not name.startswith("-")


def checked_name(name: str) -> str:
    """
    *name*, if an account can be called that.

    :raises CommandError: when it cannot.
    """
    if not is_name(name):
        raise CommandError(
            f"an account cannot be called {name!r}: a name has 1 to {LONGEST_NAME} "
            "visible letters, and does not begin with a dash"
        )
    return name


def complain(message: str) -> None:
    """Say what went wrong, and go on."""
    print(f"antigravity-gw: {message}", file=sys.stderr)


def warn(message: str) -> None:
    """Say what may go wrong."""
    print(f"warning: {message}", file=sys.stderr)


def print_json(value: object) -> None:
    """Print *value* for programs."""
    print(json.dumps(value, indent=2))


def read_bytes(file: str) -> bytes:
    """
    What is in *file*, or in standard input if that is ``-``.

    :raises CommandError: when it cannot be read.
    """
    try:
        if file == "-":
            content = sys.stdin.buffer.read(FILE_LIMIT + 1)
        else:
            with open(os.path.expanduser(file), "rb") as opened:
                content = opened.read(FILE_LIMIT + 1)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    if len(content) > FILE_LIMIT:
        raise CommandError(f"{file}: it is longer than {FILE_LIMIT // MIB} MiB")
    return content


def read_secret(file: str) -> str:
    """
    The one secret in *file*.

    :raises CommandError: when there is none, or something else.
    """
    return _secret(read_bytes(file), file)


def read_credential(kind: type[Kind], file: str | None) -> Given:
    """
    What lets an account in, from *file*, or else from a person or standard input.

    :raises CommandError: when there is none, or something else.
    """
    content = read_bytes(file) if file else _asked_for(kind)
    text = content.decode("utf-8", "replace").strip()
    if not text:
        raise CommandError(f"{file or f'the {kind.secret}'} is empty")
    try:
        return kind.read_credential(text)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _asked_for(kind: type[Kind]) -> bytes:
    if not sys.stdin.isatty():
        return read_bytes("-") if not kind.is_typed else sys.stdin.buffer.readline()
    if not kind.is_typed:
        raise CommandError(f"name the {kind.secret} with --credential-file")
    try:
        prompt = f"{kind.secret[:1].upper()}{kind.secret[1:]}: "
        return getpass.getpass(prompt).encode("utf-8", "replace")
    except EOFError:
        return b""


def _secret(content: bytes, what: str) -> str:
    secret = content.decode("ascii", "replace").strip()
    if not secret:
        raise CommandError(f"{what} is empty")
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise CommandError(
            f"{what} is more than one word of plain letters; '{ACCOUNTS} import FILE' "
            "reads the files of other programs"
        )
    return secret
