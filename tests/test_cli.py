"""Tests for ``antigravity_gw.cli``."""

import io
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from antigravity_gw.cli import main
from antigravity_gw.pool.account import Block, Need
from antigravity_gw.pool.store import Store


@pytest.fixture
def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Any:
    """Runs one command, on a state directory of its own."""

    def command(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("STATE_DIRECTORY", raising=False)
        status = main(["--state-dir", str(tmp_path / "state"), *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The store those commands work on."""
    return Store.open(tmp_path / "state")


def test_add(run: Any, store: Store) -> None:
    """A refresh token from standard input; the second time it is replaced."""
    assert run("accounts", "add", "ada", "--project", "p", stdin="1//a\n") == (
        0,
        "ada: added\n",
        "",
    )
    assert run("accounts", "add", "ada", stdin="1//b\n")[1] == "ada: updated\n"
    (record,) = store.records()

    assert (record.name, record.refresh_token, record.project) == ("ada", "1//b", "p")
    assert record.client is None
    assert "ada" not in record.id


def test_add_with_a_client(run: Any, store: Store, tmp_path: Path) -> None:
    """Secrets come from files."""
    (tmp_path / "token").write_text("1//a\n")
    (tmp_path / "secret").write_text("hush\n")
    status, _, _ = run(
        *("accounts", "add", "ada", "--client-id", "id"),
        *("--client-secret-file", str(tmp_path / "secret")),
        *("--refresh-token-file", str(tmp_path / "token")),
    )
    (record,) = store.records()

    assert status == 0
    assert record.client is not None
    assert (record.refresh_token, record.client.secret) == ("1//a", "hush")


@pytest.mark.parametrize(
    ("arguments", "stdin", "complaint"),
    [
        (["ada"], "", "the refresh token is empty"),
        (["ada", "--refresh-token-file", "/no/such"], "", "/no/such: No such file"),
        (["ada", "--client-id", "x"], "1//a", "wants --client-secret-file"),
        (["ada", "--project", "123456"], "1//a", "not its number"),
    ],
)
def test_what_cannot_be_added(
    run: Any, store: Store, arguments: list[str], stdin: str, complaint: str
) -> None:
    """One line says why, and nothing is stored."""
    status, out, err = run("accounts", "add", *arguments, stdin=stdin)

    assert (status, out) == (1, "")
    assert complaint in err
    assert err.startswith("antigravity-gw: ")
    assert store.records() == []


def test_import(run: Any, store: Store, tmp_path: Path) -> None:
    """What is good is stored, and for the rest it is said why not."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(
        json.dumps([{"email": "a@x", "refresh_token": "1//a"}, {"email": "b@x"}])
    )
    bad.write_text("{")
    status, out, err = run("accounts", "import", str(good), str(bad))

    assert status == 1
    assert f"{good}: a@x: added\n" in out
    assert f"{good}, entry 2: skipped: it has no refresh token\n" in out
    assert f"{bad}: skipped: " in err
    assert [record.name for record in store.records()] == ["a@x"]
    assert run("accounts", "import", "-", stdin='{"refresh_token":"1//c"}')[0] == 0


def test_import_of_nonsense(run: Any, tmp_path: Path) -> None:
    """A file that is no JSON worth the name is skipped like any other."""
    file = tmp_path / "deep.json"
    file.write_text("[" * 100_000)
    status, _, err = run("accounts", "import", str(file))

    assert status == 1
    assert f"{file}: skipped" in err


def test_import_without_names(run: Any, store: Store, tmp_path: Path) -> None:
    """Two files of one name are two accounts; the same file again is the same."""
    for folder, token in (("x", "1//x"), ("y", "1//y"), ("x", "1//x")):
        (tmp_path / folder).mkdir(exist_ok=True)
        file = tmp_path / folder / "oauth_creds.json"
        file.write_text(json.dumps({"refresh_token": token}))
        run("accounts", "import", str(file))

    assert [(r.name, r.refresh_token) for r in store.records()] == [
        ("oauth_creds", "1//x"),
        ("oauth_creds-2", "1//y"),
    ]


def test_list(run: Any, store: Store) -> None:
    """A table in 80 columns that says what to do next, and shows no secret."""
    assert "no account yet" in run("accounts", "list")[1]
    for name in ("ada", "bob"):
        run("accounts", "add", name, stdin="1//hush")
    store.block(
        store.records()[0].id, Block(Need.LOGIN, "the refresh token has expired", 1.0)
    )
    status, out, _ = run("accounts", "list")

    assert status == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "To do: get a new refresh token" in out
    assert "hush" not in out
    assert [line.split()[0] for line in out.splitlines()[:3]] == ["NAME", "ada", "bob"]


def test_list_for_programs(run: Any) -> None:
    """JSON, without secrets."""
    run("accounts", "add", "ada", "--project", "p", stdin="1//hush")
    (entry,) = json.loads(run("accounts", "list", "--json")[1])

    assert (entry["name"], entry["state"], entry["project"]) == ("ada", "ready", "p")
    assert "hush" not in str(entry)


def test_remove(run: Any, store: Store) -> None:
    """Those that exist are removed; for the others the status tells."""
    run("accounts", "add", "ada", stdin="1//a")
    status, _, err = run("accounts", "remove", "ada", "eve")

    assert (status, store.records()) == (1, [])
    assert "there is no account 'eve'" in err


def test_make_key(run: Any) -> None:
    """A key that is shown once, and the entry that lets it in."""
    status, out, _ = run("make-key", "alice")
    key = out.split("\n\n")[1].strip()

    assert status == 0
    assert len(key) >= 40
    assert f'sha256 = "{sha256(key.encode()).hexdigest()}"' in out
    assert 'name = "alice"' in out


def test_check_config(run: Any, tmp_path: Path) -> None:
    """Says that all is well, or all that is not."""
    assert "is good" in run("check-config")[1]
    file = tmp_path / "c.toml"
    file.write_text("listen = ['tcp:x:y:z']\n[[auth.keys]]\nname = 'a'\n")
    with pytest.raises(SystemExit) as caught:
        main(["--config", str(file), "check-config"])
    said = str(caught.value).splitlines()

    assert len(said) == 2
    assert all(line.startswith("antigravity-gw: ") for line in said)


def test_a_broken_configuration(run: Any, tmp_path: Path) -> None:
    """Every command says what is wrong, and none shows a traceback."""
    file = tmp_path / "c.toml"
    file.write_text("x = 1")
    status, out, err = run("--config", str(file), "accounts", "list")

    assert (status, out) == (1, "")
    assert err == f"antigravity-gw: {file}: x: no such setting\n"
