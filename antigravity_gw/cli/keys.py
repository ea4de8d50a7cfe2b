"""``antigravity-gw keys``: who may call, and how much."""

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from antigravity_gw.cli.common import (
    CommandError,
    Desk,
    complain,
    overrides,
    print_json,
    set_command,
    unknown_one,
    warn,
)
from antigravity_gw.cli.keyentries import Made
from antigravity_gw.cli.keyoptions import add_key_settings
from antigravity_gw.cli.keytables import KEYS, Listed, key_listing, key_object
from antigravity_gw.cli.options import given, some_given, span_of
from antigravity_gw.cli.tables import Moment
from antigravity_gw.database import NoStore
from antigravity_gw.keys import Allowance, StoredKey, is_key_name
from antigravity_gw.loading import Loaded, load
from antigravity_gw.objects import timestamp
from antigravity_gw.pool.clientkeys import SETTINGS, ClientKeys
from antigravity_gw.pool.store import Store


def add_key_parsers(commands: Any) -> None:
    """Make the commands known."""
    add = commands.add_parser(
        "add",
        help="make a key for a client",
        description="The key is shown once; only its hash is kept, in the store, "
        "and a running daemon takes it up within two seconds.",
    )
    add.add_argument("name", metavar="NAME", help="who it is for")
    add.add_argument(
        "--entry",
        action="store_true",
        help="store nothing, but print the entry for the configuration file",
    )
    add.add_argument(
        "--operator",
        action="store_true",
        help="the same for one of admin.keys, which opens /metrics and /admin/",
    )
    add_key_settings(add)
    add.add_argument("--json", action="store_true", help="answer in JSON")
    add.set_defaults(command=add_key)
    table = commands.add_parser("list", help="all keys, and what they may do")
    table.add_argument("--json", action="store_true", help="answer in JSON")
    table.set_defaults(command=list_keys)
    change = commands.add_parser("set", help="change what a key may do")
    change.add_argument("name", metavar="NAME", help="its name")
    add_key_settings(change)
    set_command(change, set_key)
    rotate = commands.add_parser("rotate", help="give a client another key")
    rotate.add_argument("name", metavar="NAME", help="its name")
    rotate.add_argument(
        "--keep-old",
        metavar="TIME",
        type=span_of,
        help="let the old one in for so long, such as 24h (not at all)",
    )
    set_command(rotate, rotate_key)
    revoke = commands.add_parser(
        "revoke", help="forget keys, so that they let nobody in"
    )
    revoke.add_argument("names", nargs="+", metavar="NAME", help="a name")
    set_command(revoke, revoke_keys)


def add_key(options: argparse.Namespace) -> int:
    """Make a key."""
    loaded = _loaded(options)
    table = "admin" if options.operator else "auth"
    name, made, now = _new_name(loaded, table, options.name), Made.new(), time.time()
    settings = given(options, SETTINGS)
    if options.operator and settings:
        raise CommandError("an operator's key has no limits; leave them out")
    _warn_of_past(name, settings, now)
    if options.operator or options.entry:
        if table == "auth":
            _refuse_stored(loaded, name)
        _tell_entry(options, name, made, made.entry(table, name, settings))
        return 0
    desk = Desk.opened(options, create=True)
    expires = settings.pop("expires", None)
    settings = {**settings, "models": settings.get("models") or ()}
    desk.keys.add(
        StoredKey(
            name=name,
            digest=made.digest,
            made=now,
            given=now,
            allowance=Allowance(**settings),
            expires=expires,
        )
    )
    if loaded.config.auth.mode == "off":
        warn("auth.mode = 'off': nobody is asked for a key")
    _tell(desk, name, "added", made, "A running daemon lets it in within two seconds.")
    return 0


def list_keys(options: argparse.Namespace) -> int:
    """Show all keys, of the configuration and of the store."""
    loaded, now = _loaded(options), time.time()
    keys = _listed(loaded, _stored(loaded))
    if options.json:
        print_json([key_object(key, now) for key in keys])
        return 0
    if not keys:
        print(f"There is no key yet. '{KEYS} add NAME' makes one.")
        return 0
    for line in key_listing(keys, Moment(now)):
        print(line)
    return 0


def set_key(desk: Desk) -> int:
    """Change what a key may do."""
    settings = some_given(desk.options, SETTINGS)
    key = _the(desk, desk.options.name)
    desk.keys.change(key.name, **settings)
    _warn_of_past(key.name, settings, time.time())
    _tell(desk, key.name, "changed")
    return 0


def rotate_key(desk: Desk) -> int:
    """Give a client another key."""
    key, now, made = _the(desk, desk.options.name), time.time(), Made.new()
    keep = desk.options.keep_old
    until = now + keep if keep else None
    desk.keys.rotate(key.name, made.digest, now, until)
    _warn_of_past(key.name, {"expires": key.expires}, now)
    said = f"good until {Moment(now).clock(until)}" if until else "good for nothing now"
    _tell(desk, key.name, "rotated", made, f"The old one is {said}.")
    return 0


def revoke_keys(desk: Desk) -> int:
    """Forget keys; a running daemon refuses them within two seconds."""
    results, failed = [], False
    for name in dict.fromkeys(desk.options.names):
        is_there = desk.keys.revoke(name)
        failed = failed or not is_there
        results.append({"name": name, "result": "revoked" if is_there else "unknown"})
        if not is_there:
            complain(_not_stored(desk, name))
        elif not desk.options.json:
            print(f"{name}: revoked")
    if desk.options.json:
        print_json(results)
    return 1 if failed else 0


def _loaded(options: argparse.Namespace) -> Loaded:
    return load(options.config, os.environ, overrides(options))


def _stored(loaded: Loaded) -> list[StoredKey]:
    """The keys in the store, if there is one."""
    try:
        store = Store.open(loaded.state_directory(), create=False)
    except NoStore:
        return []
    return ClientKeys(store).all()


def _listed(loaded: Loaded, stored: Sequence[StoredKey]) -> list[Listed]:
    configured = [key.opened_by(b"") for key in loaded.config.auth.keys]
    names = {key.name for key in configured}
    return [
        *(Listed(key.name, key.allowance, key.expires) for key in configured),
        *(Listed.of(key, is_shadowed=key.name in names) for key in stored),
    ]


def _new_name(loaded: Loaded, table: str, name: str) -> str:
    """
    *name*, if a new key can be called that.

    :param table: the table of the configuration that has others.
    :raises CommandError: when it cannot.
    """
    if not is_key_name(name):
        raise CommandError(
            f"a key cannot be called {name!r}: a name has up to 64 letters, digits, "
            "'.', '_', '@' and '-', and begins with a letter or a digit"
        )
    if any(key.name == name for key in getattr(loaded.config, table).keys):
        raise CommandError(
            f"there is a key called {name!r} in {table}.keys of {loaded.path} already"
        )
    return name


def _refuse_stored(loaded: Loaded, name: str) -> None:
    """
    :raises CommandError: when the store has a key of this name.
    """
    if any(key.name == name for key in _stored(loaded)):
        raise CommandError(
            f"there is a key called {name!r} in the store already; '{KEYS} revoke "
            f"{name}' forgets it"
        )


def _the(desk: Desk, name: str) -> StoredKey:
    """
    The key of this name in the store.

    :raises CommandError: when there is none.
    """
    for key in desk.keys.all():
        if key.name == name:
            return key
    raise CommandError(_not_stored(desk, name))


def _not_stored(desk: Desk, name: str) -> str:
    """Why nothing can be done to the key of this name."""
    if any(key.name == name for key in desk.loaded.config.auth.keys):
        return (
            f"the key {name!r} is in auth.keys of {desk.loaded.path}: change it there, "
            "and send the daemon SIGHUP"
        )
    return unknown_one(
        "key", name, [key.name for key in desk.keys.all()], f"{KEYS} list"
    )


def _warn_of_past(name: str, settings: Mapping[str, Any], now: float) -> None:
    expires = settings.get("expires")
    if expires is not None and expires <= now:
        warn(
            f"{name}: it has expired ({timestamp(expires)}); '{KEYS} set {name} "
            "--expires none' lets it in again"
        )


def _tell(
    desk: Desk, name: str, result: str, made: Made | None = None, more: str = ""
) -> None:
    """Say what was done to a key, and show the new one."""
    if desk.options.json:
        shown = {} if made is None else {"key": made.secret}
        print_json({"name": name, "result": result, **shown})
    elif made is None:
        print(f"{name}: {result}")
    else:
        print(f"{name}: {result}. The key, shown this once:\n\n  {made.secret}\n")
        print(more)


def _tell_entry(options: argparse.Namespace, name: str, made: Made, entry: str) -> None:
    """Show a new key, and the entry that lets it in."""
    if options.json:
        print_json({"name": name, "key": made.secret, "entry": entry})
        return
    print(f"The key of {name}, shown this once:\n\n  {made.secret}\n")
    print("Add this to the configuration file, and send the daemon SIGHUP:\n")
    print(entry)
