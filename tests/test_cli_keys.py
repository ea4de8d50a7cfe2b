"""Tests for ``antigravity-gw keys``."""

import json
import re
import tomllib
from datetime import UTC
from hashlib import sha256
from pathlib import Path

import pytest
from helpers import Run

from antigravity_gw.cli.keytables import Listed, key_listing, key_object
from antigravity_gw.cli.tables import Moment
from antigravity_gw.keys import Allowance, StoredKey
from antigravity_gw.loading import load
from antigravity_gw.pool.clientkeys import ClientKeys
from antigravity_gw.pool.store import Store

NOW = 1_800_000_000.0
LIMITS = (
    *("--requests-per-minute", "60", "--streams", "4"),
    *("--tokens-per-day", "1_000_000", "--models", "gemini-2.5-*,flash"),
    *("--expires", "2030-01-31"),
)
ALLOWANCE = Allowance(
    requests_per_minute=60,
    streams=4,
    tokens_per_day=1_000_000,
    models=("gemini-2.5-*", "flash"),
)


@pytest.fixture
def keys(tmp_path: Path) -> ClientKeys:
    """The keys those commands work on."""
    return ClientKeys(Store.open(tmp_path / "state"))


@pytest.fixture
def configured(tmp_path: Path, run: Run) -> Path:
    """A configuration with a key called ci, which may have three streams."""
    assert run
    file = tmp_path / ".config" / "antigravity-gw" / "config.toml"
    with file.open("a") as more:
        more.write("[[auth.keys]]\nname = 'ci'\nfile = 'ci-key'\nstreams = 3\n")
    return file


def shown(out: str) -> str:
    """The key that is shown."""
    (key,) = re.findall(r"^  (agw_[\w-]{43})$", out, re.M)
    return str(key)


def hashed(key: str) -> bytes:
    """What is kept of a key."""
    return sha256(key.encode()).digest()


def test_add(run: Run, keys: ClientKeys) -> None:
    """The key is shown once, and only its hash is kept."""
    status, out, err = run("keys", "add", "alice", *LIMITS)
    (key,) = keys.all()

    assert (status, err) == (0, "")
    assert out.startswith("alice: added. The key, shown this once:\n")
    assert "lets it in within two seconds" in out
    assert (key.name, key.digest) == ("alice", hashed(shown(out)))
    assert key.allowance == ALLOWANCE
    assert key.expires == 1_896_048_000.0
    files = keys.database.directory.iterdir()
    assert not any(shown(out).encode() in file.read_bytes() for file in files)


def test_no_limits(run: Run, keys: ClientKeys) -> None:
    """There are none unless they are named; no two keys are the same."""
    secrets = [shown(run("keys", "add", name)[1]) for name in ("a", "b")]

    assert [key.allowance for key in keys.all()] == [Allowance()] * 2
    assert len(set(secrets)) == 2


def test_add_makes_a_store(run: Run, tmp_path: Path) -> None:
    """The first thing a new gateway gets may be a key."""
    assert run("keys", "add", "alice")[0] == 0

    assert [key.name for key in ClientKeys(Store.open(tmp_path / "state")).all()] == [
        "alice"
    ]


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("alice", "there is a key called 'alice' "),
        ("ci", "called 'ci' in auth.keys of "),
        ("Ada L.", "a key cannot be called 'Ada L.': a name has up to 64 letters"),
    ],
)
def test_names_that_will_not_do(
    run: Run, keys: ClientKeys, name: str, told: str
) -> None:
    """One that there is, in either place, or that would not do in the log."""
    run("keys", "add", "alice")
    for more in ((), ("--entry",)):
        status, out, err = run("keys", "add", name, *more)

        assert (status, out) == (1, "")
        assert told in err
    assert len(keys.all()) == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--requests-per-minute", "0"), "expected a number from 1 to 100000, not '0'"),
        (("--streams", "-1"), "expected a number from 0 to"),
        (("--models", "a, b"), "with commas and no blanks between them, not ' b'"),
        (("--models", "models/pro"), "not 'models/pro'"),
        (("--expires", "soon"), "expected 90d, or a date or time such as 2030-01-31"),
        (("--expires", "90"), "expected 90d, or a date or time"),
    ],
)
def test_limits_that_make_no_sense(
    run: Run, options: tuple[str, str], told: str
) -> None:
    """They are refused, with what is expected."""
    status, out, err = run("keys", "add", "alice", *options)

    assert (status, out) == (2, "")
    assert told in err


@pytest.mark.parametrize(
    ("said", "seconds"), [("90d", 90 * 86400), ("2w", 14 * 86400), ("30min", 1800)]
)
def test_how_long_a_key_is_good(
    run: Run, keys: ClientKeys, said: str, seconds: int
) -> None:
    """It may be said from now on."""
    run("keys", "add", "alice", "--expires", said)
    (key,) = keys.all()

    assert key.expires is not None
    assert abs(key.expires - key.made - seconds) < 60


def test_entry(run: Run, tmp_path: Path) -> None:
    """An entry for the configuration file, which says the same; nothing is stored."""
    status, out, _ = run("keys", "add", "alice", "--entry", *LIMITS)
    entry = out[out.index("[[auth.keys]]") :]

    assert status == 0
    assert not (tmp_path / "state").exists()
    assert tomllib.loads(entry)["auth"]["keys"][0]["sha256"] == hashed(shown(out)).hex()
    file = tmp_path / "gw.toml"
    file.write_text(entry)
    listed = json.loads(run("--config", str(file), "keys", "list", "--json")[1])
    assert listed[0]["kept_in"] == "auth.keys"
    assert listed[0]["expires"] == "2030-01-31T00:00:00Z"
    assert listed[0]["models"] == ["gemini-2.5-*", "flash"]
    assert (listed[0]["streams"], listed[0]["tokens_per_day"]) == (4, 1_000_000)


def test_operator(run: Run, tmp_path: Path) -> None:
    """An operator's key has an entry too, which opens nothing else."""
    status, out, _ = run("keys", "add", "root", "--operator")
    file = tmp_path / "gw.toml"
    file.write_text(out[out.index("[[admin.keys]]") :])
    loaded = load(str(file), {})

    assert status == 0
    assert loaded.operator_ring().owner([shown(out).encode()], 0.0) is not None
    assert loaded.key_ring().owner([shown(out).encode()], 0.0) is None
    taken = run("--config", str(file), "keys", "add", "root", "--operator")
    assert taken[0] == 1
    assert "a key called 'root' in admin.keys of" in taken[2]
    assert run("keys", "add", "dba", "--operator", "--streams", "4")[0] == 1


def test_set(run: Run, keys: ClientKeys) -> None:
    """What is named changes, and 'none' takes it back."""
    run("keys", "add", "alice", *LIMITS)
    assert run("keys", "set", "alice", "--streams", "0")[:2] == (0, "alice: changed\n")
    assert keys.all()[0].allowance.streams == 0
    options = ("requests-per-minute", "streams", "tokens-per-day", "models", "expires")
    for option in options:
        assert run("keys", "set", "alice", f"--{option}", "none")[0] == 0
    (key,) = keys.all()

    assert (key.allowance, key.expires) == (Allowance(), None)
    assert "name what to set: --requests-per-minute," in run("keys", "set", "alice")[2]


def test_a_key_that_expires_at_once(run: Run, keys: ClientKeys) -> None:
    """A client can be locked out for a while, which is told with the way back."""
    run("keys", "add", "alice")
    status, _, err = run("keys", "set", "alice", "--expires", "2020-01-01")

    assert status == 0
    assert keys.all()[0].expires == 1_577_836_800.0
    assert "it has expired (2020-01-01T00:00:00Z)" in err
    assert "'antigravity-gw keys set alice --expires none' lets it in again" in err


def test_rotate(run: Run, keys: ClientKeys) -> None:
    """Another key, the same name and limits; the old one is good as long as said."""
    first = shown(run("keys", "add", "alice", *LIMITS)[1])
    status, out, err = run("keys", "rotate", "alice", "--keep-old", "24h")
    (key,) = keys.all()
    assert (status, err) == (0, "")
    assert key.digest == hashed(shown(out))
    assert key.old == hashed(first)
    assert key.old_until is not None
    assert abs(key.old_until - key.given - 86400) < 60
    assert "The old one is good until " in out
    assert key.allowance == ALLOWANCE
    out = run("keys", "rotate", "alice")[1]
    (key,) = keys.all()

    assert "The old one is good for nothing now." in out
    assert (key.old, key.old_until) == (None, None)


def test_revoke(run: Run, keys: ClientKeys) -> None:
    """Those that are there are forgotten, whoever else is named."""
    for name in ("alice", "bob", "carol"):
        run("keys", "add", name)
    status, out, err = run("keys", "revoke", "alice", "allice", "bob", "alice")

    assert (status, out) == (1, "alice: revoked\nbob: revoked\n")
    assert err == (
        "antigravity-gw: there is no key 'allice'; 'antigravity-gw keys list' shows "
        "those there are\n"
    )
    assert [key.name for key in keys.all()] == ["carol"]
    assert "did you mean 'carol'?" in run("keys", "revoke", "carrol")[2]


@pytest.mark.usefixtures("keys", "configured")
@pytest.mark.parametrize(
    "command", [["set", "ci", "--streams", "1"], ["rotate", "ci"], ["revoke", "ci"]]
)
def test_keys_of_the_configuration(run: Run, command: list[str]) -> None:
    """They are changed where they are."""
    status, out, err = run("keys", *command)

    assert (status, out) == (1, "")
    assert "the key 'ci' is in auth.keys of " in err
    assert "change it there, and send the daemon SIGHUP" in err


def test_nobody_is_asked(run: Run, tmp_path: Path) -> None:
    """A key that nobody is asked for is worth a word."""
    file = tmp_path / "open.toml"
    file.write_text(f"state_dir = '{tmp_path / 'state'}'\nauth.mode = 'off'\n")

    assert run("--config", str(file), "keys", "add", "alice")[2] == (
        "warning: auth.mode = 'off': nobody is asked for a key\n"
    )


def test_answers_for_programs(run: Run, keys: ClientKeys) -> None:
    """Every command can answer in JSON."""
    added = json.loads(run("keys", "add", "alice", "--json")[1])
    assert added == {"name": "alice", "result": "added", "key": added["key"]}
    assert keys.all()[0].digest == hashed(added["key"])
    assert json.loads(run("keys", "set", "alice", "--streams", "1", "--json")[1]) == {
        "name": "alice",
        "result": "changed",
    }
    rotated = json.loads(run("keys", "rotate", "alice", "--json")[1])
    assert (rotated["result"], rotated["key"] != added["key"]) == ("rotated", True)
    entry = json.loads(run("keys", "add", "bob", "--entry", "--json")[1])
    assert tomllib.loads(entry["entry"])["auth"]["keys"] == [
        {"name": "bob", "sha256": hashed(entry["key"]).hex()}
    ]

    assert json.loads(run("keys", "revoke", "alice", "eve", "--json")[1]) == [
        {"name": "alice", "result": "revoked"},
        {"name": "eve", "result": "unknown"},
    ]


# The list


def test_no_keys(run: Run, tmp_path: Path) -> None:
    """It is said how to make one, and no store is made to look into."""
    assert run("keys", "list")[:2] == (
        0,
        "There is no key yet. 'antigravity-gw keys add NAME' makes one.\n",
    )
    assert run("keys", "list", "--json")[1] == "[]\n"
    assert not (tmp_path / "state").exists()


@pytest.mark.usefixtures("configured")
def test_list(run: Run) -> None:
    """All keys, wherever they are kept, and never the keys themselves."""
    secret = shown(run("keys", "add", "alice", *LIMITS)[1])
    status, out, _ = run("keys", "list")
    listed = json.loads(run("keys", "list", "--json")[1])

    assert status == 0
    assert out.splitlines()[1].split() == ["ci", "works", "auth.keys", "3", "streams"]
    assert out.splitlines()[2].startswith("alice  works  ")
    assert secret not in out + json.dumps(listed)
    assert hashed(secret).hex() not in out + json.dumps(listed)
    assert [(key["name"], key["kept_in"]) for key in listed] == [
        ("ci", "auth.keys"),
        ("alice", "store"),
    ]


def known(name: str, **more: object) -> StoredKey:
    """A key of the store, made three days ago."""
    given = {"made": NOW - 3 * 86400, "given": NOW - 60.0, **more}
    return StoredKey(name=name, digest=b"x", **given)  # type: ignore[arg-type]


def test_the_table() -> None:
    """In 80 columns, with every state, and what it means."""
    keys = [
        Listed("ci", Allowance(), None),
        Listed.of(
            known("alice", allowance=ALLOWANCE, expires=NOW + 7200), is_shadowed=False
        ),
        Listed.of(known("x" * 64, expires=NOW - 86400), is_shadowed=False),
        Listed.of(known("ci", old=b"y", old_until=NOW + 60), is_shadowed=True),
        Listed.of(known("bob", old=b"y", old_until=NOW - 60), is_shadowed=False),
    ]
    lines = list(key_listing(keys, Moment(NOW, UTC)))

    assert "\n".join(lines) == (
        """\
KEY                       STATE     MADE       LIMITS
ci                        works     auth.keys  none
alice                     works     3 d ago    60 requests per minute; 4
                                               streams; 1000000 tokens per day;
                                               only gemini-2.5-*, flash; until
                                               10:00 (in 2 h)
xxxxxxxxxxxxxxx…xxxxxxxx  expired   3 d ago    until Thu 08:00
ci                        shadowed  3 d ago    its old key until 08:01
bob                       works     3 d ago    none

5 keys: 3 let in, 1 expired, 1 shadowed. A key of the store is shadowed, and
lets nobody in, while auth.keys has one of its name;
'antigravity-gw keys revoke NAME' forgets it. 'antigravity-gw keys set NAME'
changes what one may do."""
    )


def test_an_object() -> None:
    """Programs get all of it; docs/keys.md names every member."""
    key = known("alice", allowance=ALLOWANCE, old=b"y", old_until=NOW + 60)
    shown = key_object(Listed.of(key, is_shadowed=False), NOW)

    assert shown == {
        "name": "alice",
        "state": "works",
        "kept_in": "store",
        "requests_per_minute": 60,
        "streams": 4,
        "tokens_per_day": 1_000_000,
        "models": ["gemini-2.5-*", "flash"],
        "expires": None,
        "made": "2027-01-12T08:00:00Z",
        "key_made": "2027-01-15T07:59:00Z",
        "old_key_until": "2027-01-15T08:01:00Z",
    }
    page = (Path(__file__).parents[1] / "docs" / "keys.md").read_text(encoding="utf-8")
    assert [member for member in shown if f"`{member}`" not in page] == []
