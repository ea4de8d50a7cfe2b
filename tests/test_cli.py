"""Tests for ``antigravity_gw.cli``."""

import io
import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from helpers import CLIENT_ID, Run
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from antigravity_gw.causes import Cause
from antigravity_gw.cli import common, main
from antigravity_gw.cli.doctor import Report
from antigravity_gw.cli.tables import Moment, card, listing
from antigravity_gw.cli.trials import result_lines, run_reactor
from antigravity_gw.cli.verdicts import account_lines, daemon_lines
from antigravity_gw.cli.words import (
    ago,
    clock_time,
    columns,
    coming,
    paragraph,
    shortened,
    span,
)
from antigravity_gw.database import StoreError
from antigravity_gw.diagnosis import Findings, Trouble, diagnose
from antigravity_gw.doctor import Examination, Step
from antigravity_gw.doctor import Result as StepResult
from antigravity_gw.needs import Need
from antigravity_gw.objects import timestamp
from antigravity_gw.outcome import NOBODYS_FAULT, Outcome, Result
from antigravity_gw.pool.account import Access, Known
from antigravity_gw.pool.hold import ACCESS, EVERY_MODEL, Hold
from antigravity_gw.pool.learnt import held, minted, project_found, quota_seen
from antigravity_gw.pool.store import Store
from antigravity_gw.premises import Grade, Premise
from antigravity_gw.record import Record
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.oauth import OAuthClient

NOW = 1_800_000_000.0
LINK = f"https://accounts.google.com/signin/continue?plt={'x' * 300}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The store those commands work on."""
    return Store.open(tmp_path / "state")


def records(store: Store) -> list[Record]:
    """What the operator has said of all accounts."""
    return [known.record for known in store.accounts()]


def hold(store: Store, name: str, key: str, hold: Hold) -> None:
    """Let the daemon have learnt something."""
    (record,) = (r for r in records(store) if r.name == name)
    store.apply([held(record.id, record.epoch, key, hold)])


# Adding and changing


def test_add(run: Run, store: Store) -> None:
    """A refresh token from standard input; the second time it is replaced."""
    assert run("accounts", "add", "ada", "--project", "p-1", stdin="1//a\n") == (
        0,
        "ada: added\n",
        "",
    )
    assert run("accounts", "add", "ada", stdin="1//b\n")[1] == "ada: updated\n"
    (record,) = records(store)

    assert (record.name, record.credential, record.project) == ("ada", "1//b", "p-1")
    assert record.client is None
    assert re.fullmatch("[0-9a-f]{8}", record.id)  # nothing that tells whose it is


def test_add_by_id(run: Run, store: Store) -> None:
    """An id is as good as a name."""
    run("accounts", "add", "ada", stdin="1//a\n")
    (record,) = records(store)

    assert run("accounts", "add", record.id, stdin="1//b")[1] == "ada: updated\n"
    assert [record.credential for record in records(store)] == ["1//b"]


def test_add_with_a_client(run: Run, store: Store, tmp_path: Path) -> None:
    """Secrets come from files."""
    (tmp_path / "token").write_text("1//a\n")
    (tmp_path / "secret").write_text("hush\n")
    status, _, err = run(
        *("accounts", "add", "ada", "--client-id", "id"),
        *("--client-secret-file", str(tmp_path / "secret")),
        *("--refresh-token-file", str(tmp_path / "token")),
    )
    (record,) = records(store)

    assert (status, err) == (0, "")
    assert record.client == OAuthClient("id", "hush")
    assert record.credential == "1//a"


def test_add_asks_for_the_token(
    run: Run, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a terminal there is a prompt that does not show what is typed."""
    monkeypatch.setattr("getpass.getpass", lambda _: "1//typed ")
    assert run("accounts", "add", "ada", stdin=None)[0] == 0

    def end_of_file(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", end_of_file)

    assert [record.credential for record in records(store)] == ["1//typed"]
    assert "the refresh token is empty" in run("accounts", "add", "bob", stdin=None)[2]


def test_add_without_a_client_to_use_it_with(run: Run, tmp_path: Path) -> None:
    """It is stored, with a word about what is missing."""
    (tmp_path / "c.toml").write_text(f"state_dir = '{tmp_path / 'state'}'")
    config = ("--config", str(tmp_path / "c.toml"))
    status, _, err = run(*config, "accounts", "add", "ada", stdin="1//a")

    assert status == 0
    assert err.startswith("warning: ada: there is no OAuth client to use its token")


def test_add_what_is_disabled(run: Run) -> None:
    """It stays disabled, and that is said."""
    run("accounts", "add", "ada", stdin="1//a")
    run("accounts", "disable", "ada")
    status, _, err = run("accounts", "add", "ada", stdin="1//b")

    assert status == 0
    assert "still disabled; 'antigravity-gw accounts enable ada'" in err


@pytest.mark.parametrize(
    ("arguments", "stdin", "complaint"),
    [
        (["ada"], "", "the refresh token is empty"),
        (["ada"], "1//a b", "is no refresh token"),
        (["ada"], b"1//\xff", "is no refresh token"),
        (["ada", "--refresh-token-file", "/no/such"], "", "/no/such: No such file"),
        (["ada", "--client-id", "x"], "1//a", "go together"),
        (["ada", "--client-secret-file", "x"], "1//a", "go together"),
        ([" ada"], "1//a", "cannot be called ' ada'"),
        (["a\x1b[2J"], "1//a", "visible letters"),
        ([""], "1//a", "1 to 254"),
        (["a" * 255], "1//a", "1 to 254"),
    ],
)
def test_what_cannot_be_added(
    run: Run, store: Store, arguments: list[str], stdin: str, complaint: str
) -> None:
    """One line says why, and nothing is stored."""
    status, out, err = run("accounts", "add", *arguments, stdin=stdin)

    assert (status, out) == (1, "")
    assert complaint in err
    assert err.startswith("antigravity-gw: ")
    assert len(err.splitlines()) == 1
    assert records(store) == []


def test_set(run: Run, store: Store) -> None:
    """What is named is changed, the rest is left; 'none' takes back."""
    run("accounts", "add", "ada", "--weight", "2.5", "--priority=-3", stdin="1//a")
    run("accounts", "set", "ada", "--concurrency", "4", "--project", "p-1")
    (first,) = records(store)
    run("accounts", "set", first.id, "--concurrency", "none", "--project", "none")
    (second,) = records(store)

    assert (first.weight, first.priority, first.concurrency) == (2.5, -3, 4)
    assert (first.project, second.project, second.concurrency) == ("p-1", None, None)
    assert (second.weight, second.priority) == (2.5, -3)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "name what to set"),
        (["--weight", "0"], "from 0.001 to 1000"),
        (["--weight", "nan"], "from 0.001 to 1000"),
        (["--weight", "heavy"], "from 0.001 to 1000"),
        (["--priority", "1.5"], "from -1000 to 1000"),
        (["--priority", "1001"], "from -1000 to 1000"),
        (["--concurrency", "0"], "from 1 to 10000"),
        (["--project", "123456"], "not its number"),
        (["--project", "projects/x"], "my-project-1234"),
        (["--project", ""], "my-project-1234"),
    ],
)
def test_settings_that_make_no_sense(
    run: Run, arguments: list[str], complaint: str
) -> None:
    """They are a mistake on the command line."""
    run("accounts", "add", "ada", stdin="1//a")
    status, out, err = run("accounts", "set", "ada", *arguments)

    assert (status, out) == (2, "")
    assert complaint in err


def test_enable_and_disable(run: Run, store: Store) -> None:
    """Disabling keeps what was learnt, enabling forgets it."""
    run("accounts", "add", "ada", stdin="1//a")
    hold(store, "ada", EVERY_MODEL, Hold("broken rules", 1.0, None, Need.SUSPENDED))

    assert run("accounts", "disable", "ada") == (0, "ada: disabled\n", "")
    (disabled,) = store.accounts()
    assert run("accounts", "disable", "ada")[1] == "ada: disabled already\n"
    assert store.accounts() == [disabled]
    assert run("accounts", "enable", "ada")[1] == "ada: enabled\n"
    (enabled,) = store.accounts()

    assert disabled.record.disabled == pytest.approx(time.time(), abs=60)
    assert EVERY_MODEL in disabled.holds
    assert enabled.record.disabled is None
    assert enabled.holds == {}
    assert enabled.record.epoch > disabled.record.epoch


def test_rename(run: Run, store: Store) -> None:
    """The id stays; a name that is taken is refused."""
    for name in ("ada", "bob"):
        run("accounts", "add", name, stdin="1//a")
    ada, _ = records(store)

    assert run("accounts", "rename", "ada", "eve")[1] == "eve: renamed from ada\n"
    assert run("accounts", "rename", ada.id, "bob")[2] == (
        "antigravity-gw: there is an account called 'bob' already\n"
    )
    assert run("accounts", "rename", "eve", "a\nb")[0] == 1
    assert {ada.id: "eve"}.items() <= {r.id: r.name for r in records(store)}.items()


def test_remove(run: Run, store: Store) -> None:
    """Those that exist are removed; for the others the status tells."""
    run("accounts", "add", "ada", stdin="1//a")
    status, out, err = run("accounts", "remove", "ada", "eve")

    assert (status, out, records(store)) == (1, "ada: removed\n", [])
    assert "there is no account 'eve'" in err


@pytest.mark.parametrize(
    "command",
    [
        *(["show"], ["enable"], ["disable"], ["remove"], ["test"]),
        ["set", "--weight", "2"],
    ],
)
def test_unknown_names(run: Run, store: Store, command: list[str]) -> None:
    """One line that helps, and an exit status."""
    run("accounts", "add", "ada@example.org", stdin="1//a")
    close = run("accounts", *command, "eda@example.org")
    far = run("accounts", *command, "zzz")

    assert (close[0], far[0]) == (1, 1)
    assert close[2] == (
        "antigravity-gw: there is no account 'eda@example.org'; did you mean "
        "'ada@example.org'?\n"
    )
    assert "'antigravity-gw accounts list' shows those there are" in far[2]
    assert records(store)[0].weight == 1.0


def test_results_for_programs(run: Run, store: Store) -> None:
    """Each command says in JSON what it did."""

    def told(*arguments: str, stdin: str = "") -> Any:
        return json.loads(run("accounts", *arguments, "--json", stdin=stdin)[1])

    added = told("add", "ada", stdin="1//a")
    id = records(store)[0].id

    assert {"name": "ada", "id": id, "result": "added"} == added
    assert told("set", "ada", "--weight", "2")["result"] == "changed"
    assert [{"name": "ada", "id": id, "result": "disabled"}] == told("disable", "ada")
    assert told("enable", id)[0]["result"] == "enabled"
    assert {"name": "eve", "id": id, "result": "renamed from ada"} == told(
        "rename", "ada", "eve"
    )
    assert [
        {"name": "zzz", "id": None, "result": "unknown"},
        {"name": "eve", "id": id, "result": "removed"},
    ] == told("remove", "zzz", "eve")


# Importing


def written(folder: Path, name: str, content: object) -> str:
    """A file with some JSON in it."""
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


def test_import(run: Run, store: Store, tmp_path: Path) -> None:
    """What is good is stored, and for the rest it is said why not."""
    good = written(
        tmp_path,
        "good.json",
        [{"email": "a@x", "refresh_token": "1//a"}, {"email": "b@x"}],
    )
    bad = written(tmp_path, "bad.json", "{")
    status, out, err = run("accounts", "import", good, bad, "/no/such")

    assert status == 1
    assert f"{good}, entry 1: a@x: added (refresh token list)\n" in out
    assert f"{good}, entry 2: b@x: skipped: it has no refresh token\n" in out
    assert f"{bad}: skipped: it is not valid JSON" in out
    assert err == "antigravity-gw: /no/such: No such file or directory\n"
    assert [record.name for record in records(store)] == ["a@x"]


def test_import_from_standard_input(run: Run, store: Store) -> None:
    """A dash stands for it."""
    status, out, _ = run("accounts", "import", "-", stdin='{"refresh_token":"1//c"}')

    assert (status, out) == (0, "-: imported: added (refresh token)\n")


def test_import_again(run: Run, store: Store, tmp_path: Path) -> None:
    """What brings nothing new changes nothing, be the account suspended or renamed."""
    file = written(tmp_path, "a.json", {"email": "a@x", "refresh_token": "1//a"})
    run("accounts", "import", file)
    run("accounts", "rename", "a@x", "work")
    hold(store, "work", EVERY_MODEL, Hold("broken rules", 1.0, None, Need.SUSPENDED))
    before = store.accounts()
    status, out, _ = run("accounts", "import", file)

    assert status == 0
    assert out == f"{file}: work: skipped: it is there already (refresh token)\n"
    assert before == store.accounts()


def test_import_of_something_newer(run: Run, store: Store, tmp_path: Path) -> None:
    """An account of the same name gets the new token, and its project."""
    entry = {"email": "a@x", "refresh_token": "1//a"}
    run("accounts", "import", written(tmp_path, "a.json", entry))
    entry |= {"refresh_token": "1//b|p-1"}
    _, out, _ = run("accounts", "import", written(tmp_path, "a.json", entry))
    (record,) = records(store)

    assert ": a@x: updated" in out
    assert (record.credential, record.project) == ("1//b", "p-1")


def test_import_without_names(run: Run, store: Store, tmp_path: Path) -> None:
    """Two files of one name are two accounts; the same file again is the same."""
    for folder, token in (("x", "1//x"), ("y", "1//y"), ("x", "1//x")):
        (tmp_path / folder).mkdir(exist_ok=True)
        content = {"refresh_token": token}
        file = written(tmp_path / folder, "oauth_creds.json", content)
        run("accounts", "import", file)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("one/grace.json", '{"refresh_token": "1//g"}')
    run("accounts", "import", str(tmp_path / "all.zip"))
    odd = written(tmp_path, "-odd.json", {"refresh_token": "1//o"})
    run("accounts", "import", odd)

    assert [(r.name, r.credential) for r in records(store)] == [
        ("oauth_creds", "1//x"),
        ("oauth_creds-2", "1//y"),
        ("grace", "1//g"),
        ("imported", "1//o"),
    ]


def test_import_of_a_strangers_token(run: Run, store: Store, tmp_path: Path) -> None:
    """It is stored, with a warning that names both clients."""
    entry = {
        "email": "a@x",
        "refresh_token": "1//a",
        "client_id": "theirs.apps",
    }
    file = written(tmp_path, "a.json", entry)
    status, _, err = run("accounts", "import", file)

    assert status == 0
    assert err.startswith(f"warning: {file}: a@x: its token was issued to the OAuth")
    assert "theirs.apps" in err
    assert CLIENT_ID in err


def test_import_knows_the_accounts_own_client(
    run: Run, store: Store, tmp_path: Path
) -> None:
    """An account that has the right client already needs no warning."""
    store.put(Record("1", "a@x", "1//old", OAuthClient("theirs.apps", "hush")))
    entry = {"email": "a@x", "refresh_token": "1//a", "client_id": "theirs.apps"}
    _, out, err = run("accounts", "import", written(tmp_path, "a.json", entry))

    assert ": a@x: updated" in out
    assert err == ""


def test_import_of_nonsense(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is too deep, too long or a directory is skipped like any other."""
    deep = written(tmp_path, "deep.json", "[" * 100_000)
    assert (
        f"{deep}: skipped: it is JSON nested too" in run("accounts", "import", deep)[1]
    )
    monkeypatch.setattr(common, "FILE_LIMIT", 10)

    assert "longer than" in run("accounts", "import", deep)[2]
    assert "Is a directory" in run("accounts", "import", str(tmp_path))[2]
    assert "~nobody-here" in run("accounts", "import", "~nobody-here/x")[2]


def test_import_for_programs(run: Run, store: Store, tmp_path: Path) -> None:
    """Every entry, and every file that could not be read."""
    file = written(tmp_path, "a.json", [{"email": "a@x", "refresh_token": "1//a"}, 1])
    status, out, _ = run("accounts", "import", "--json", file, "/no/such")
    (record,) = records(store)

    assert status == 1
    assert json.loads(out) == [
        {
            "file": file,
            "where": "entry 1",
            "name": "a@x",
            "id": record.id,
            "result": "added",
            "reason": None,
            "format": "refresh token list",
        },
        {
            "file": file,
            "where": "entry 2",
            "name": None,
            "id": None,
            "result": "skipped",
            "reason": "it is no object with a refresh token",
            "format": None,
        },
        {
            "file": "/no/such",
            "where": None,
            "name": None,
            "id": None,
            "result": "skipped",
            "reason": "No such file or directory",
            "format": None,
        },
    ]


# Looking at accounts


def one_in_each_state() -> list[Known]:
    """A pool that nobody would want."""
    clocks = iter(range(100))

    def account(
        name: str, key: str = "", held: Hold | None = None, **said: Any
    ) -> Known:
        id = f"{0x1A2B3C00 + next(clocks):x}"
        record = Record(id, name, "1//hush", added=NOW - 9 * 86400, **said)
        access = Access("ya29.hush", NOW + 600, "hush")
        return Known(record, {key: held} if held else {}, access, "a-project")

    models = {
        f"a-model-with-a-name-that-does-not-want-to-end-{n}": Hold(
            "out of quota", NOW - 90, NOW + 2460 + n
        )
        for n in range(12)
    }
    long = "barbara.with.a.long.name@department.university.example.org"
    rapt = (
        "the session control of its organisation wants a new login, often daily, "
        "unless the admin trusts the OAuth client or exempts it"
    )
    grant = "the refresh token has expired or was revoked"
    refused = Hold("the client id is wrong", NOW - 7800, NOW + 720, Need.CLIENT)
    return [
        evolve(account("ada@example.org"), quota={"pro": Remaining(0.806)}),
        evolve(
            account(long),
            holds={
                "gemini-2.5-pro": Hold("out of quota", NOW - 200, NOW + 391609),
                "gemini-2.5-flash": Hold("too many requests", NOW - 20, NOW - 1),
                **models,
            },
            quota={"pro": Remaining(0.0), "flash": Remaining(0.5)},
        ),
        account("carol", ACCESS, Hold("no token just now", NOW - 2, NOW + 4)),
        account("dennis", ACCESS, Hold(grant, NOW - 9000, None, Need.LOGIN)),
        account("edsger", ACCESS, Hold(rapt, NOW - 10800, None, Need.LOGIN)),
        account(
            "frances@example.org",
            EVERY_MODEL,
            Hold("Google wants to see it", NOW, NOW + 9, Need.VALIDATION, link=LINK),
        ),
        account(
            "grace",
            EVERY_MODEL,
            Hold(
                *("it has no licence", NOW - 9, NOW - 5, Need.ENTITLEMENT),
                link="https://cloud.google.com/licence",
            ),
        ),
        account("hedy", ACCESS, Hold("it has no project", NOW, NOW + 9, Need.PROJECT)),
        account(
            "john", EVERY_MODEL, Hold("broken terms", NOW - 2e6, None, Need.SUSPENDED)
        ),
        account("ken", ACCESS, refused),
        account("leslie", ACCESS, refused),
        account("margaret", disabled=NOW - 3 * 86400),
    ]


@pytest.fixture
def table() -> list[str]:
    """The list of those accounts."""
    return listing(one_in_each_state(), CLIENT_ID, Moment(NOW, UTC))


def test_the_table_fits(table: list[str]) -> None:
    """It never takes more than 80 columns, and holds no secret."""
    assert max(map(columns, table)) <= 80
    assert "hush" not in "\n".join(table)
    assert LINK not in "\n".join(table)


def test_the_table_names_every_state(table: list[str]) -> None:
    """One row for each account, with its id and its state."""
    rows = [line.split(maxsplit=2) for line in table if "1a2b3c" in line[:60]]
    rows = [row for row in rows if row[1].startswith("1a2b3c")]

    assert ["ACCOUNT", "ID", "STATE", "QUOTA"] in [line.split() for line in table]
    assert [(row[0][:5], row[2].rpartition("  ")[0].strip()) for row in rows] == [
        ("ada@e", "serving"),
        ("barba", "cooling (13 models)"),
        ("carol", "cooling"),
        ("denni", "needs login"),
        ("edsge", "needs login"),
        ("franc", "needs validation"),
        ("grace", "not entitled"),
        ("hedy", "needs a project"),
        ("john", "suspended"),
        ("ken", "misconfigured"),
        ("lesli", "misconfigured"),
        ("marga", "disabled"),
    ]


@pytest.mark.parametrize(
    "told",
    [
        "serving 80 %",
        "needs login ?",
        "'antigravity-gw accounts show 1a2b3c01' has them all",
        "and 11 more",
        "every model: no token just now, began 2 s ago, tried again in 4 s",
        "wants a new login, often daily",
        "not tried again by itself",
        "'antigravity-gw login dennis'",
        "'antigravity-gw accounts show frances@example.org' prints it",
        "'antigravity-gw accounts enable frances@example.org'",
        "link https://cloud.google.com/licence",
        "began 9 s ago, about to be tried again",
        "'antigravity-gw accounts set hedy --project ID'",
        "Nothing here uses it again",
        "'antigravity-gw accounts enable margaret' uses it again",
        "began 2 h 10 min ago (05:50), tried again in 12 min (08:12)",
        "12 accounts: 2 can serve, 1 cooling, 8 waiting for you, 1 disabled.",
        "? means that Google has not said",
    ],
)
def test_the_table_says_what_to_do(table: list[str], told: str) -> None:
    """Why, since when, until when, and what to type, without a manual."""
    assert told in " ".join(" ".join(table).split())


def test_the_client_is_told_once(table: list[str]) -> None:
    """It is named above the table, and not at the accounts that use it."""
    text = "\n".join(table)

    assert table[0].startswith("MISCONFIGURED: this OAuth client is refused; its 2")
    assert f"  {CLIENT_ID}" == table[1]
    assert text.count(CLIENT_ID) == 1
    assert text.count("the client id is wrong") == 1
    assert text.count("oauth.client_id") == 1


def test_no_client_at_all() -> None:
    """That is said where its name would be."""
    (ken,) = (k for k in one_in_each_state() if k.record.name == "ken")
    lines = listing([ken], "", Moment(NOW, UTC))

    assert lines[0] == (
        "MISCONFIGURED: there is no OAuth client; its account is not to blame."
    )
    assert "1 account: none can serve, 1 waiting for you." in lines


def test_no_store(run: Run, tmp_path: Path) -> None:
    """Looking makes none, nor does anything but adding."""
    status, out, _ = run("accounts", "list")
    assert (status, "There is no account yet" in out) == (0, True)
    for way in ("gemini_api_key", "antigravity-gw login", "import FILE"):
        assert way in out
    assert run("accounts", "list", "--json")[:2] == (0, "[]\n")
    for command in ("show", "enable", "disable", "remove", "test"):
        status, _, err = run("accounts", command, "ada")
        assert (status, "there is no account store at" in err) == (1, True)
    assert not (tmp_path / "state").exists()
    run("accounts", "add", "ada", stdin="1//hush")

    assert (tmp_path / "state" / "accounts.sqlite3").exists()


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("ya29.a0", "is an access token"),
        ("AIzaSy-x", "is an API key"),
        ('"1//hush"', "no refresh token"),
        ("1//hush|project", "no refresh token"),
        ("1" * 5000, "no refresh token"),
    ],
)
def test_what_is_no_refresh_token(run: Run, token: str, why: str) -> None:
    """It is not taken for one, and not repeated either."""
    status, _, err = run("accounts", "add", "ada", stdin=token)

    assert (status, why in err, token in err) == (1, True, False)


ADC = {
    "type": "service_account",
    "project_id": "p-1",
    "client_email": "s@p-1.example",
    "private_key": "-----BEGIN hush",
    "token_uri": "https://oauth2.googleapis.com/token",
}


def test_an_api_key(run: Run, store: Store) -> None:
    """Its kind is said once; a new key for the account is one of the same kind."""
    status, out, err = run("accounts", "add", "k", "--kind", "gemini_api_key", stdin="")
    assert (status, "the API key is empty" in err) == (1, True)
    run("accounts", "add", "k", "--kind", "gemini_api_key", stdin="AIza-hush\n")
    status, out, err = run("accounts", "add", "k", stdin="AIza-newer")

    (record,) = records(store)
    assert (status, out, err) == (0, "k: updated\n", "")
    assert (record.kind, record.credential) == ("gemini_api_key", "AIza-newer")
    assert record.given > 0
    assert "OAuth" not in run("accounts", "show", "k")[1]


def test_an_odd_api_key(run: Run, store: Store) -> None:
    """Google may give out keys of another form one day; others are plainly none."""
    key = ("accounts", "add", "k", "--kind", "gemini_api_key")
    assert "begin with AIza or AQ." in run(*key, stdin="other")[2]
    assert [record.credential for record in records(store)] == ["other"]
    for text in ("1//hush", "two words"):
        status, _, err = run(*key, stdin=text)
        assert (status, text in err) == (1, False)


def test_application_default_credentials(
    run: Run, store: Store, tmp_path: Path
) -> None:
    """They name their project, and are kept as they are; the file may go."""
    file = written(tmp_path, "adc.json", ADC)
    add = ("accounts", "add", "v", "--kind", "vertex", "--credential-file", file)
    assert run(*add, "--location", "europe-west4")[:2] == (0, "v: added\n")
    assert run("accounts", "set", "v", "--project", "p-2")[0] == 0

    (record,) = records(store)
    assert json.loads(record.credential) == ADC
    assert (record.project, record.location) == ("p-2", "europe-west4")
    shown = run("accounts", "show", "v")[1]
    assert "kind:         Vertex AI\n" in shown
    assert "location:     europe-west4\n" in shown
    assert "hush" not in shown


def test_a_project_that_is_none(run: Run, store: Store, tmp_path: Path) -> None:
    """What credentials say goes into no URL unless it is fit for one."""
    file = written(tmp_path, "adc.json", {**ADC, "project_id": "p/../q?"})
    add = ("accounts", "add", "v", "--kind", "vertex", "--credential-file", file)
    status, _, err = run(*add)

    assert (status, "name it with --project" in err) == (1, True)
    assert run(*add, "--project", "p-1")[0] == 0
    assert [record.project for record in records(store)] == ["p-1"]


def test_new_credentials_for_a_project(run: Run, store: Store, tmp_path: Path) -> None:
    """Nobody else is charged because a key was replaced."""
    file = written(tmp_path, "adc.json", {**ADC, "project_id": "home-of-the-key"})
    add = ("accounts", "add", "v", "--kind", "vertex", "--credential-file", file)
    run(*add, "--project", "p-1")
    assert run(*add)[:2] == (0, "v: updated\n")

    assert [record.project for record in records(store)] == ["p-1"]


def test_a_kind_of_another_version(run: Run, store: Store) -> None:
    """Its accounts are shown, and not asked."""
    run("accounts", "add", "ada", stdin="1//hush")
    with store.transaction() as db:
        db.execute("UPDATE account SET kind = 'future'")
    status, out, err = run("accounts", "test", "ada")

    assert (status, out) == (1, "")
    assert "this version does not know kind 'future'" in err
    assert "future" in run("accounts", "show", "ada")[1]


def test_an_import_takes_nobodys_place(run: Run, store: Store, tmp_path: Path) -> None:
    """An account of another kind that has the name keeps its credential."""
    run("accounts", "add", "a@x", "--kind", "gemini_api_key", stdin="AIza-hush")
    file = written(tmp_path, "a.json", {"email": "a@x", "refresh_token": "1//a"})
    status, out, _ = run("accounts", "import", file)

    assert (status, "an account of kind gemini_api_key has its name" in out) == (
        1,
        True,
    )
    assert [record.credential for record in records(store)] == ["AIza-hush"]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({}, "its type is None"),
        ({"type": []}, "its type is []"),
        ({**ADC, "token_uri": "http://evil.example"}, "its token_uri is no https URL"),
        ({"type": "gdch"}, "authorized_user, service_account, external_account"),
        ({**ADC, "private_key": 3}, "there is no private_key in it"),
        ({"type": "authorized_user", "client_id": "x"}, "no client_secret and no ref"),
    ],
)
def test_other_credentials(
    run: Run, store: Store, tmp_path: Path, document: object, why: str
) -> None:
    """What Google's library could not use is refused, and why."""
    file = written(tmp_path, "adc.json", document)
    status, _, err = run(
        *("accounts", "add", "v", "--kind", "vertex", "--credential-file", file)
    )

    assert (status, why in err) == (1, True)
    assert records(store) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--location", "x"), "has no location"),
        (("--project", "p-1"), "has no project"),
        (("--client-id", "x", "--client-secret-file", "secret"), "has no OAuth client"),
    ],
)
def test_what_a_kind_does_not_have(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    """Settings that would do nothing are refused."""
    (tmp_path / "secret").write_text("hush")
    arguments = tuple(
        str(tmp_path / "secret") if word == "secret" else word for word in arguments
    )
    key = ("accounts", "add", "k", "--kind", "gemini_api_key")
    status, _, err = run(*key, *arguments, stdin="AIza-hush")

    assert (status, why in err) == (1, True)


def test_several_kinds(run: Run, tmp_path: Path) -> None:
    """Which is which is said where it is not all the same."""
    run("accounts", "add", "ada", stdin="1//hush")
    assert "KIND" not in run("accounts", "list")[1]
    run("accounts", "add", "k", "--kind", "gemini_api_key", stdin="AIza-hush")
    out = run("accounts", "list")[1]

    assert max(map(len, out.splitlines())) <= 80
    assert [line.split()[2:5] for line in out.splitlines()[:3]] == [
        ["KIND", "STATE", "QUOTA"],
        ["Code", "Assist", "serving"],
        ["Gemini", "API", "key"],
    ]
    told = json.loads(run("accounts", "list", "--json")[1])
    assert [(each["kind"], each["client_id"]) for each in told] == [
        ("code_assist", CLIENT_ID),
        ("gemini_api_key", None),
    ]


def test_another_kind(run: Run, store: Store) -> None:
    """An account that becomes one of another kind keeps nothing of the first."""
    run("accounts", "add", "ada", "--project", "p-1", stdin="1//hush")
    run("accounts", "set", "ada", "--weight", "2")
    run("accounts", "add", "ada", "--kind", "gemini_api_key", stdin="AIza-hush")

    (record,) = records(store)
    assert (record.kind, record.project, record.weight) == ("gemini_api_key", None, 2)


def test_list(run: Run, store: Store) -> None:
    """The store as it is, by the clock of this machine."""
    assert "There is no account yet" in run("accounts", "list")[1]
    for name in ("ada", "bob"):
        run("accounts", "add", name, stdin="1//hush")
    hold(store, "ada", ACCESS, Hold("expired", time.time(), None, Need.LOGIN))
    status, out, _ = run("accounts", "list")

    assert status == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "'antigravity-gw login ada'" in out
    assert "hush" not in out
    assert "--state-dir" not in out
    assert "2 accounts: 1 can serve, 1 waiting for you." in out


def test_list_elsewhere(run: Run, tmp_path: Path) -> None:
    """Whoever looks at another store is reminded to say so again."""
    elsewhere = ("--state-dir", str(tmp_path / "other"))
    run(*elsewhere, "accounts", "add", "ada", stdin="1//a")

    assert "--state-dir as this one" in run(*elsewhere, "accounts", "list")[1]
    assert str(tmp_path / "state") in run("accounts", "list")[1]


def test_list_for_programs(run: Run, store: Store) -> None:
    """Everything, without secrets, with times that need no zone."""
    run("accounts", "add", "ada", "--project", "p-1", stdin="1//hush")
    (record,) = records(store)
    validation = Hold("see it", NOW, NOW + 0.5, Need.VALIDATION, link=LINK)
    store.apply(
        [
            held(record.id, record.epoch, EVERY_MODEL, validation),
            held(record.id, record.epoch, "pro", Hold("out of quota", NOW, 2 * NOW)),
            quota_seen(record.id, record.epoch, {"pro": Remaining(0.5, 2 * NOW)}, NOW),
            project_found(record.id, record.epoch, "found"),
            minted(record.id, record.epoch, Access("ya29.hush", NOW, "hush")),
        ]
    )
    (entry,) = json.loads(run("accounts", "list", "--json")[1])
    (shown,) = json.loads(run("accounts", "show", "ada", "--json")[1])

    assert entry == shown
    assert "hush" not in str(entry)
    assert (
        abs(datetime.fromisoformat(entry.pop("added")).timestamp() - time.time()) < 60
    )
    assert entry.pop("to_do").startswith("open the link")
    assert entry == {
        "name": "ada",
        "id": record.id,
        "kind": "code_assist",
        "state": "needs validation",
        "can_serve": False,
        "reason": "see it",
        "since": "2027-01-15T08:00:00Z",
        "until": "2027-01-15T08:00:00Z",
        "link": LINK,
        "cooling": [
            {
                "model": "pro",
                "reason": "out of quota",
                "since": "2027-01-15T08:00:00Z",
                "until": "2084-01-29T16:00:00Z",
            }
        ],
        "quota_left": 0.5,
        "quota": [{"model": "pro", "fraction": 0.5, "resets": "2084-01-29T16:00:00Z"}],
        "quota_seen": "2027-01-15T08:00:00Z",
        "project": "found",
        "project_found": "found",
        "project_configured": "p-1",
        "location": None,
        "client_id": CLIENT_ID,
        "has_own_client": False,
        "weight": 1.0,
        "priority": 0,
        "concurrency": None,
        "disabled": None,
        "access_token_expires": "2027-01-15T08:00:00Z",
    }


def test_show(run: Run, store: Store) -> None:
    """By name or by id; those that do not exist do not hide the others."""
    for name in ("ada", "bob"):
        run("accounts", "add", name, stdin="1//hush")
    status, out, err = run(
        "accounts", "show", "ada", records(store)[1].id, "eve", "ada"
    )

    assert status == 1
    assert "there is no account 'eve'" in err
    assert [line for line in out.splitlines() if line.startswith("name:")] == [
        "name:         ada",
        "name:         bob",
    ]
    assert "hush" not in out


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0, "quota:        pro: 80 % left"),
        (0, "access token: good for 10 min"),
        (0, f"OAuth client: {CLIENT_ID} (the configured one)"),
        (1, "cooling:      gemini-2.5-flash: too many requests, began 20 s ago, about"),
        (1, "barbara.with.a.long.name@department.university.example.org"),
        (1, "a-model-with-a-name-that-does-not-want-to-end-11: out of quota"),
        (5, f"link:         {LINK}"),
        (9, "why:          the client id is wrong"),
        (11, "when:         began 3 d ago (Tue 08:00)"),
    ],
)
def test_a_card(number: int, told: str) -> None:
    """It has everything in full."""
    known = one_in_each_state()[number]

    assert told in "\n".join(card(known, CLIENT_ID, Moment(NOW, UTC)))


def test_a_card_of_the_unusual() -> None:
    """Settings that are not the usual ones, and quotas in all their forms."""
    record = Record(
        *("1", "ada", "1//hush", OAuthClient("own.apps", "hush"), "p-1"),
        weight=0.5,
        priority=-2,
        concurrency=3,
    )
    quota = {
        "a": Remaining(None, None),
        "b": Remaining(0.001, NOW + 7200),
        "c": Remaining(0.4, NOW - 1),
    }
    access = Access("ya29.hush", NOW - 1, "hush")
    known = Known(record, {}, access, None, quota, NOW - 60)
    lines = list(card(known, "", Moment(NOW, UTC)))

    for line in (
        "quota:        a: unknown",
        "quota:        b: <1 % left, all of it back in 2 h (10:00)",
        "quota:        c: 40 % left, but it has come back since",
        "quota as of:  1 min ago",
        "project:      Google is asked at the next request",
        "or else:      p-1",
        "OAuth client: own.apps (its own)",
        "weight:       0.5",
        "priority:     -2 (a lower one is asked first)",
        "concurrency:  3 at a time",
        "access token: expired, renewed at the next request",
    ):
        assert line in lines
    assert "hush" not in str(lines)
    assert "OAuth client: none is configured" in list(
        card(evolve(known, record=evolve(record, client=None)), "", Moment(NOW, UTC))
    )


# Testing accounts


def result(outcome: Outcome, **said: Any) -> Result:
    """What a test of an account called ada amounts to."""
    record = Record("1", "ada", "1//hush", disabled=said.get("disabled"))
    return Result.of(Known(record, said.get("holds", {})), outcome, NOW)


SPENT = Hold("out of quota", NOW, NOW + 120)


@pytest.mark.parametrize(
    ("tested", "lines"),
    [
        (
            result(Outcome("pro", None, 1.23)),
            ["ada: serves pro (1.2 s)"],
        ),
        (
            result(Outcome("pro", None, 1.0), disabled=NOW),
            [
                "ada: serves pro (1.0 s)",
                "  still  disabled: its operator has disabled it",
            ],
        ),
        (
            result(Outcome("pro", None, 1.0), holds={"flash": SPENT}),
            ["ada: serves pro (1.0 s)", "  still  cooling (1 model): out of quota"],
        ),
        (
            result(
                Outcome("pro", "out of quota", 1.0, {"pro": SPENT}),
                holds={"pro": SPENT},
            ),
            [
                "ada: does not serve pro (1.0 s)",
                "  why    pro: out of quota, began just now, tried again in 2 min "
                "(08:02)",
                "  to do  nothing: it ends by itself",
            ],
        ),
        (
            result(Outcome("pro", "upstream answered 500", 1.0)),
            [
                "ada: does not serve pro (1.0 s)",
                "  why    upstream answered 500",
                f"  to do  {NOBODYS_FAULT}",
            ],
        ),
    ],
)
def test_what_a_test_says(tested: Result, lines: list[str]) -> None:
    """Whether it serves, else why not and what to do; and what is so all the same."""
    assert result_lines(tested, Moment(NOW, UTC)) == lines


def test_what_a_test_tells_programs() -> None:
    """What was found out just now counts, unless that is nothing."""
    validation = {EVERY_MODEL: Hold("see it", NOW, NOW + 9, Need.VALIDATION, link=LINK)}
    held = result(Outcome("pro", "see it", 1.2345, validation), holds=validation)
    fault = result(Outcome("pro", "upstream answered 500", 1.0), holds=validation)
    told = held.as_object()

    assert (told["name"], told["id"], told["model"]) == ("ada", "1", "pro")
    assert (told["serves"], told["seconds"], told["reason"]) == (False, 1.234, "see it")
    assert (told["state"], told["link"]) == ("needs validation", LINK)
    assert fault.as_object()["state"] == "needs validation"
    assert fault.as_object()["reason"] == "upstream answered 500"
    assert fault.as_object()["to_do"] == NOBODYS_FAULT
    assert result(Outcome("pro", None, 1.0)).as_object()["to_do"] is None


def test_what_cannot_be_tested(run: Run, store: Store) -> None:
    """It does not come to asking Google."""
    assert run("accounts", "test")[::2] == (
        1,
        "antigravity-gw: there is no account to test\n",
    )
    run("accounts", "add", "ada", stdin="1//a")
    run("accounts", "disable", "ada")

    assert run("accounts", "test")[1].startswith(
        "ada: not tested, since it is disabled"
    )
    assert run("accounts", "test", "--json")[1] == ""
    assert run("accounts", "test", "eve", "--json")[:2] == (1, "[]\n")
    assert "not the name of a model" in run("accounts", "test", "--model", "a/b")[2]


@pytest.mark.usefixtures("store")
def test_no_model_to_test_with(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then one has to be named."""
    monkeypatch.setenv("ANTIGRAVITY_GW_MODELS_SERVE", "[]")

    assert "name one with --model" in run("accounts", "test")[2]


def test_the_reactor_is_run_for_a_story() -> None:
    """What it returns or raises comes out, and an interruption is one."""

    def react(story: Callable[[Any], Any]) -> None:
        reactor = Clock()
        Deferred.fromCoroutine(story(reactor))
        reactor.advance(0)
        raise SystemExit

    async def good(reactor: Any) -> str:
        return f"the {type(reactor).__name__} ran"

    async def bad(_: Any) -> None:
        raise StoreError("the disk is full")

    async def endless(_: Any) -> None:
        await Deferred()

    assert run_reactor(good, react) == "the Clock ran"
    with pytest.raises(StoreError):
        run_reactor(bad, react)
    with pytest.raises(KeyboardInterrupt):
        run_reactor(endless, react)


INTERRUPTED = """
import os, signal
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from antigravity_gw.cli.trials import run_reactor

async def story(reactor):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        print("swallowed")
    await Deferred()

try:
    run_reactor(story)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interruption_at_the_very_beginning() -> None:
    """Ctrl-C ends a story that has just begun, whatever it is doing."""
    command = [sys.executable, "-P", "-c", INTERRUPTED]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout == "interrupted\n", done.stderr


# Words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
        (391609, "4 d 12 h"),
    ],
)
def test_span(seconds: float, said: str) -> None:
    """Two units at most, and none that is zero."""
    assert said == span(seconds)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (NOW + 60, "08:01"),
        (NOW + 86400, "Sat 08:00"),
        (NOW - 86400, "Thu 08:00"),
        (NOW + 7 * 86400, "2027-01-22 08:00"),
    ],
)
def test_clock_time(moment: float, said: str) -> None:
    """The day is named where it is another, the date where it is far."""
    assert said == clock_time(moment, NOW, UTC)


def test_moments() -> None:
    """What is over, what comes, and what programs are told."""
    assert ago(NOW + 5, NOW) == "just now"
    assert coming(NOW + 59, NOW, UTC) == "tried again in 59 s"
    assert coming(NOW + 61, NOW, UTC) == "tried again in 1 min (08:01)"
    assert coming(NOW, NOW, UTC) == "about to be tried again"
    assert coming(None, NOW, UTC) == "not tried again by itself"
    assert (timestamp(None), timestamp(NOW + 0.9)) == (None, "2027-01-15T08:00:00Z")


@given(st.text(), st.integers(5, 60))
def test_shortened(text: str, room: int) -> None:
    """Whatever the letters, there is room; and what has room is left alone."""
    short = shortened(text, room)

    assert columns(short) <= max(room, columns(text))
    assert columns(text) > room or short == text
    assert columns(text) <= room or columns(short) <= room


def test_shortened_keeps_both_ends() -> None:
    """The middle is what people miss least."""
    assert shortened("somebody@company.example", 14) == "somebody@…mple"


def test_commands_are_not_broken() -> None:
    """A command can be copied from one line, however the text around it runs."""
    command = "'antigravity-gw accounts set ada@example.org --project ID'"
    lines = paragraph(
        f"name a project that is its very own: {command} does it", "  x  "
    )

    assert any(command in line for line in lines)
    assert all(len(line) <= 80 for line in lines)
    assert "\N{NO-BREAK SPACE}" not in "".join(lines)


# Everything else


def test_check_config(run: Run, tmp_path: Path) -> None:
    """Says that all is well, or all that is not."""
    assert "is good" in run("check-config")[1]
    file = tmp_path / "c.toml"
    file.write_text("listen = ['tcp:x:y:z']\n[[auth.keys]]\nname = 'a'\n")
    with pytest.raises(SystemExit) as caught:
        main(["--config", str(file), "check-config"])
    said = str(caught.value).splitlines()

    assert len(said) == 2
    assert all(line.startswith("antigravity-gw: ") for line in said)


def test_a_broken_configuration(run: Run, tmp_path: Path) -> None:
    """Every command says what is wrong, and none shows a traceback."""
    file = tmp_path / "c.toml"
    file.write_text("x = 1")
    status, out, err = run("--config", str(file), "accounts", "list")

    assert (status, out) == (1, "")
    assert err == f"antigravity-gw: {file}: x: no such setting\n"


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (KeyboardInterrupt(), 130),
        (StoreError("the disk\nis full"), 1),
    ],
)
def test_interruptions(
    run: Run, monkeypatch: pytest.MonkeyPatch, raised: BaseException, status: int
) -> None:
    """What ends a command before its time leaves no traceback."""

    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(Store, "accounts", fail)
    told = run("accounts", "list")

    assert (status, "") == told[:2]
    assert all(line.startswith("antigravity-gw: ") for line in told[2].splitlines())


def test_a_terminal_that_knows_few_letters(
    run: Run, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    """A name that it cannot show is written another way."""
    store.put(Record("1", "zo\N{LATIN SMALL LETTER E WITH DIAERESIS}", "1//a"))
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    status, _, _ = run("accounts", "list")
    out.seek(0)

    assert status == 0
    assert "zo\\xeb" in out.read()


# The doctor


def examination(
    record: Record, trouble: Trouble | None, *steps: Step, **more: Any
) -> Examination:
    """What came of examining an account."""
    diagnosis = diagnose(record, Findings(trouble=trouble, **more))
    return Examination(Known(record), "pro", steps, diagnosis)


REACHED = Step("reach", StepResult.OK, 0.12, "3 of 3 hosts answer")


def test_a_verdict_for_people() -> None:
    """The steps, one verdict, and what to do; a link is never broken."""
    trouble = Trouble(
        Cause.UNVERIFIED, "Google wants the account verified", Need.VALIDATION, LINK
    )
    failed = Step("generate", StepResult.FAILED, 12.3, trouble.reason)
    told = examination(Record("1234abcd", "ada", "secret"), trouble, REACHED, failed)
    lines = list(account_lines(told, Moment(NOW, UTC)))

    assert lines[:3] == [
        "ada (Code Assist): does not serve pro",
        "  reach        ok       0.1 s  3 of 3 hosts answer",
        "  generate     failed  12.3 s  Google wants the account verified",
    ]
    assert lines[3].startswith(
        "  verdict:  Google wants the account's owner to confirm"
    )
    assert f"  link:     {LINK}" in lines
    assert max(len(line) for line in lines if LINK not in line) <= 80
    assert "'antigravity-gw accounts enable ada'" in "\n".join(lines)
    assert lines[-1] == "  whose:    its owner's to mend"


def test_what_ends_by_itself() -> None:
    """It is said until when, by the clock."""
    trouble = Trouble(Cause.OUT_OF_QUOTA, "out of quota", None, None, NOW + 7200)
    told = examination(Record("1", "ada", "secret"), trouble, REACHED)
    lines = list(account_lines(told, Moment(NOW, UTC)))

    assert "  when:     tried again in 2 h (10:00)" in lines
    assert "  why:      out of quota" in lines


def test_a_verdict_of_none() -> None:
    """An account that serves needs no more words."""
    told = examination(Record("1", "ada", "secret"), None, REACHED)

    assert list(account_lines(told, Moment(NOW))) == [
        "ada (Code Assist): serves pro",
        "  reach        ok       0.1 s  3 of 3 hosts answer",
        "  verdict:  It serves.",
    ]


WELL = examination(Record("1", "a", "x"), None)
ILL = examination(Record("1", "a", "x"), Trouble(Cause.SUSPENDED, "no"))
UNKNOWN = examination(Record("1", "a", "x"), Trouble(Cause.NETWORK, "no"))
FINE = Premise("disk", Grade.OK, "fine")
DOUBTFUL = Premise("disk", Grade.WARNING, "hardly", "do it")
BAD = Premise("disk", Grade.PROBLEM, "not", "do it")


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (Report(None, []), 0),
        (Report([FINE], [WELL]), 0),
        (Report([DOUBTFUL], [WELL]), 0),
        (Report([BAD], [WELL]), 1),
        (Report([FINE], [WELL, ILL]), 1),
        (Report([FINE], [UNKNOWN, ILL]), 1),
        (Report([FINE], [WELL, UNKNOWN]), 3),
        (Report([BAD], [UNKNOWN]), 1),
        (Report(None, [WELL], ["eve"]), 1),
    ],
)
def test_status_of_the_doctor(report: Report, status: int) -> None:
    """What was found out counts more than what was not."""
    assert report.status == report.as_object()["status"] == status


def test_a_report_for_programs() -> None:
    """Every member is there, and no secret."""
    record = Record("1234abcd", "ada", "secret", kind="vertex")
    trouble = Trouble(Cause.OUT_OF_QUOTA, "out of quota", None, None, NOW)
    told = Report([BAD], [examination(record, trouble, REACHED)]).as_object()
    (account,) = told["accounts"]

    assert told["daemon"] == [
        {"name": "disk", "grade": "problem", "told": "not", "to_do": "do it"}
    ]
    assert account["steps"] == [
        {
            "name": "reach",
            "result": "ok",
            "seconds": 0.12,
            "told": "3 of 3 hosts answer",
        }
    ]
    assert (account["cause"], account["affair"]) == ("quota-out", "nobody")
    assert (account["serves"], account["is_known"]) == (False, True)
    assert account["until"] == timestamp(NOW)
    assert "secret" not in json.dumps(told)
    manual = (Path(__file__).parents[1] / "docs" / "accounts.md").read_text()
    assert [name for name in account if f"`{name}`" not in manual] == []


def test_the_machine_for_people() -> None:
    """What is wrong comes with what to do, and long paths are not broken."""
    path = "/" + "x" * 100
    lines = list(daemon_lines([FINE, Premise("secrets", Grade.WARNING, path, "do it")]))

    assert lines == [
        "the daemon",
        "  disk              ok       fine",
        f"  secrets           warning  {path}",
        f"{'to do: ':>29}do it",
    ]


def test_the_doctors_usage(run: Run) -> None:
    """The exit statuses are in the help; what nobody is called is said."""
    status, out, _ = run("doctor", "--help")
    assert (status, "Exit status: 0 when all is well" in out) == (0, True)
    assert run("doctor", "--no")[0] == 2
    assert run("doctor", "eve")[0] == 1
    assert "there is no account store" in run("doctor", "eve")[2]
