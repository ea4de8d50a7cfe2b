"""``antigravity-gw accounts import``: the accounts in other programs' files."""

import itertools
import secrets
import time
from pathlib import PurePath
from typing import Any

from attrs import define, evolve, field, frozen

from antigravity_gw.cli.common import (
    CommandError,
    Desk,
    complain,
    is_name,
    print_json,
    read_bytes,
    set_command,
    warn,
)
from antigravity_gw.importing import Found, Skipped, read_file, stranger
from antigravity_gw.pool.account import Known
from antigravity_gw.pool.store import Store
from antigravity_gw.record import CODE_ASSIST, Record


def add_import_parser(commands: Any) -> None:
    """Make the command known."""
    parser = commands.add_parser(
        "import",
        help="add the accounts in other programs' files",
        description="What each entry became is said; what is bad does not spoil what "
        "is good.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="- for stdin")
    set_command(parser, import_accounts, create=True)


@frozen
class Result:
    """
    What became of one entry.

    :ivar where: the place in the file; empty when the file is this entry.
    :ivar result: ``added``, ``updated`` or ``skipped``.
    :ivar reason: why it was skipped.
    :ivar is_bad: whether it could not be used.
    """

    file: str
    where: str
    result: str
    name: str = ""
    id: str | None = None
    reason: str = ""
    format: str = ""
    is_bad: bool = False

    @property
    def place(self) -> str:
        """Where it was found, and what it is called."""
        place = ", ".join(filter(None, (self.file, self.where)))
        return ": ".join(filter(None, (place, self.name)))

    def line(self) -> str:
        """For people."""
        said = ": ".join(filter(None, (self.place, self.result, self.reason)))
        return f"{said} ({self.format})" if self.format else said

    def as_object(self) -> dict[str, Any]:
        """For programs."""
        return {
            "file": self.file,
            "where": self.where or None,
            "name": self.name or None,
            "id": self.id,
            "result": self.result,
            "reason": self.reason or None,
            "format": self.format or None,
        }


def import_accounts(desk: Desk) -> int:
    """Store every account in the files."""
    importer = Importer(desk.store, desk.client_id)
    results: list[Result] = []
    for file in desk.options.files:
        try:
            content = read_bytes(file)
        except CommandError as error:
            complain(error.message)
            why = error.message.removeprefix(f"{file}: ")
            results.append(Result(file, "", "skipped", reason=why, is_bad=True))
            continue
        for entry in read_file(content):
            result = importer.take(file, entry)
            results.append(result)
            if not desk.options.json:
                print(result.line())
    if desk.options.json:
        print_json([result.as_object() for result in results])
    return 1 if any(result.is_bad for result in results) else 0


@define
class Importer:
    """
    Puts entries into the store.

    :ivar client_id: the OAuth client for accounts without their own.
    """

    store: Store
    client_id: str
    _known: dict[str, Known] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._look()

    def take(self, file: str, entry: Found | Skipped) -> Result:
        """Store one *entry*, if it is good and brings anything new."""
        if isinstance(entry, Skipped):
            return Result(
                file,
                entry.where,
                "skipped",
                entry.name,
                reason=entry.reason,
                is_bad=True,
            )
        old = self._twin(entry) or self._known.get(entry.name)
        if old is not None and old.record.kind != CODE_ASSIST:
            return Result(
                file,
                entry.where,
                "skipped",
                entry.name,
                reason=f"an account of kind {old.record.kind} has its name",
                is_bad=True,
            )
        if old is not None:
            name = old.record.name
        else:
            name = entry.name if is_name(entry.name) else self._free_name(file, entry)
        result = Result(file, entry.where, "skipped", name, format=entry.format)
        if old is not None and _brings_nothing(entry, old.record):
            id = old.record.id
            return evolve(result, id=id, reason="it is there already")
        record = Record(
            secrets.token_hex(4),
            name,
            entry.refresh_token,
            entry.client,
            entry.project,
            now := time.time(),
            given=now,
        )
        is_new = self.store.put(record)
        self._look()
        id = self._known[name].record.id
        result = evolve(result, result="added" if is_new else "updated", id=id)
        self._warn(entry, old, result)
        return result

    def _warn(self, entry: Found, old: Known | None, result: Result) -> None:
        """Say so if Google is going to refuse the token."""
        own = old.record.client if old else None
        objection = stranger(entry, own.id if own else self.client_id)
        if objection:
            warn(f"{result.place}: {objection}")

    def _look(self) -> None:
        self._known = {known.record.name: known for known in self.store.accounts()}

    def _twin(self, entry: Found) -> Known | None:
        """The account that has the same token, whatever it is called."""
        twins = (
            known
            for known in self._known.values()
            if known.record.credential == entry.refresh_token
        )
        return next(twins, None)

    def _free_name(self, file: str, entry: Found) -> str:
        """A name for an account whose file gives it none, and that no other has."""
        member = entry.where.partition(", ")[0]
        stem = PurePath(member if member.endswith(".json") else file).stem
        if file == "-" or not is_name(stem):
            stem = "imported"
        names = (stem if n == 1 else f"{stem}-{n}" for n in itertools.count(1))
        return next(name for name in names if name not in self._known)


def _brings_nothing(entry: Found, record: Record) -> bool:
    """Whether the account of *record* has all that *entry* says."""
    return (
        entry.refresh_token == record.credential
        and entry.client in (None, record.client)
        and entry.project in (None, record.project)
    )
