"""Tests for ``antigravity_gw.config`` and ``antigravity_gw.settings``."""

import tomllib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
import pytest

from antigravity_gw.checking import looked_through
from antigravity_gw.config import Config
from antigravity_gw.database import StoreError
from antigravity_gw.keys import Allowance, Key
from antigravity_gw.loading import PREFIX, Loaded, default_file, load
from antigravity_gw.pool.store import Store
from antigravity_gw.settings import ConfigError, settings_of

DOCUMENTED = Path(__file__).parents[1] / "docs" / "config.toml"
HASH = sha256(b"secret").hexdigest()


def written(folder: Path, text: str) -> str:
    """The path of a configuration file that says *text*."""
    path = folder / "gw.toml"
    path.write_text(text)
    return str(path)


def problems(folder: Path, text: str, **environ: str) -> list[str]:
    """What is wrong with a file, or an environment."""
    variables = {PREFIX + name: value for name, value in environ.items()}
    with pytest.raises(ConfigError) as caught:
        load(written(folder, text), {"HOME": "/h", **variables})
    return caught.value.problems


def test_nothing_is_required(tmp_path: Path) -> None:
    """An empty file is a configuration, and so is none."""
    assert Config() == load(written(tmp_path, ""), {}).config
    assert Config() == load(None, {"HOME": str(tmp_path)}).config


def test_documented_file_equals_the_defaults() -> None:
    """``docs/config.toml`` loads, and says what happens without it."""
    assert Config() == load(str(DOCUMENTED), {}).config


@pytest.mark.parametrize("place", [place for place, _ in settings_of(Config)])
def test_every_setting_is_documented(place: tuple[str, ...]) -> None:
    """Each setting stands in the documented file, under a comment of its own."""
    table: Any = tomllib.loads(DOCUMENTED.read_text())
    text = DOCUMENTED.read_text()
    for name in place[:-1]:
        table = table[name]

    assert place[-1] in table or f"# {place[-1]} = " in text or f".{place[-1]}]" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lisen = []", "{file}: lisen: no such setting; did you mean listen?"),
        ("listen = 'tcp:1'", "{file}: listen: expected a list, not 'tcp:1'"),
        ("listen = [3]", "{file}: listen.0: expected a string, not 3"),
        (
            "[timeouts]\nidle_seconds = -1",
            "{file}: timeouts.idle_seconds: expected a number of seconds between "
            "0.001 and 86400, not -1",
        ),
        (
            "[timeouts]\nidle_seconds = '5'",
            "{file}: timeouts.idle_seconds: expected a number, not '5'",
        ),
        (
            "[upstream]\nattempts = 4",
            "{file}: upstream.attempts: expected a number of calls between 1 and 3, "
            "not 4",
        ),
        (
            "[upstream]\nattempts = true",
            "{file}: upstream.attempts: expected a whole number, not True",
        ),
        (
            "[upstream.code_assist]\nendpoints = ['http://example.com']",
            "{file}: upstream.code_assist.endpoints.0: expected an https URL, or an "
            "http one of this machine, not 'http://example.com'",
        ),
        (
            "[auth]\nmode = 'on'",
            "{file}: auth.mode: expected one of 'auto', 'off', 'strict', "
            "'all_except_health', not 'on'",
        ),
        ("[[auth.keys]]", "{file}: auth.keys.0.name: is missing"),
        (
            "[[auth.keys]]\nname='Ada L.'",
            "{file}: auth.keys.0.name: expected a key's name: up to 64 letters, "
            "digits, '.', '_', '@' and '-', the first of them a letter or a digit, "
            "not 'Ada L.'",
        ),
        (
            "[[auth.keys]]\nname='a'\nexpires='soon'",
            "{file}: auth.keys.0.expires: expected a date or time such as 2030-01-31 "
            "or 2030-01-31T18:00:00Z, not 'soon'",
        ),
        (
            "[[auth.keys]]\nname='a'\nexpires=90",
            "{file}: auth.keys.0.expires: expected a date or time such as 2030-01-31 "
            "or 2030-01-31T18:00:00Z, not 90",
        ),
        (
            "[[auth.keys]]\nname='a'\nrequests_per_minute=0",
            "{file}: auth.keys.0.requests_per_minute: expected a number of requests "
            "between 1 and 100000, not 0",
        ),
        (
            "[[auth.keys]]\nname='a'\nrpm=5",
            "{file}: auth.keys.0.rpm: no such setting",
        ),
        (
            "[[auth.keys]]\nname='a'\nsha256='my-own-key'",
            "{file}: auth.keys.0.sha256: expected a SHA-256: 64 hexadecimal digits, "
            "not that",
        ),
        (
            "[models.aliases]\nx = 'models/y'",
            "{file}: models.aliases.x: expected a model's name: letters, digits, "
            "'.', '_' and '-', not 'models/y'",
        ),
        ("timeouts = 3", "{file}: timeouts: expected a table, not 3"),
        ("models = {serve = [3]}", "{file}: models.serve.0: expected a table, not 3"),
        (
            "models = {serve = [{name = '..'}]}",
            "{file}: models.serve.0.name: expected a model's name: letters, digits, "
            "'.', '_' and '-', not '..'",
        ),
        (
            "http.hosts = ['https://x', 'gw.lan', '::1']",
            "{file}: http.hosts.0: expected the name or address of a host, without a "
            "port, not 'https://x'",
        ),
        (
            "http.cors_origins = ['https://a.example/']",
            "{file}: http.cors_origins.0: expected an origin such as "
            "'https://example.com', without a path, not 'https://a.example/'",
        ),
        (
            "models.serve = [{name = 'a'}, {name = 'a'}]",
            "{file}: models.serve: expected every model to have a name of its own, "
            "not [{{'name': 'a'}}, {{'name': 'a'}}]",
        ),
        ("listen = []", "{file}: listen: expected at least one endpoint, not []"),
        (
            "upstream.endpoints = ['https://x']",
            "{file}: upstream.endpoints: no such setting; did you mean "
            "code_assist.endpoints or gemini_api_key.endpoints or vertex.endpoints?",
        ),
        (
            "upstream.code_assist.endpoints = ['https://{location}.example']",
            "{file}: upstream.code_assist.endpoints.0: expected an https URL, or an "
            "http one of this machine, not 'https://{{location}}.example'",
        ),
        (
            "models.kinds = {'a' = []}",
            "{file}: models.kinds.a: expected at least one kind, not []",
        ),
        (
            "models.kinds = {'a' = ['gemini']}",
            "{file}: models.kinds.a.0: expected one of code_assist, gemini_api_key, "
            "vertex, not 'gemini'",
        ),
        (
            "upstream.vertex.endpoints = []",
            "{file}: upstream.vertex.endpoints: expected at least one URL, not []",
        ),
        (
            "models.aliases = {'models/x' = 'y'}",
            "{file}: models.aliases.models/x: expected a model's name, which may have "
            "'*' in it, not 'models/x'",
        ),
        ("models.aliases = 3", "{file}: models.aliases: expected a table, not 3"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, expected: str) -> None:
    """A mistake is reported with file, key and what was expected."""
    file = tmp_path / "gw.toml"

    assert [expected.format(file=file)] == problems(tmp_path, text)


@pytest.mark.parametrize(
    "url",
    [
        "https:// host",
        "https://user:password@host",
        "https://host/path?query=1",
        "https://host#fragment",
        "https://host:99999",
        "https://host:0",
        "https://[::1",
        "http://10.0.0.1",
        "//host",
        "",
    ],
)
def test_urls_that_will_not_do(tmp_path: Path, url: str) -> None:
    """Tokens go to no address that could mean something else."""
    (problem,) = problems(tmp_path, f"oauth.token_url = '{url}'")

    assert "oauth.token_url: expected an https URL" in problem


@pytest.mark.parametrize("name", ["\\u0000", "~nosuchuser/x"])
def test_odd_paths(tmp_path: Path, name: str) -> None:
    """A path that cannot be is a mistake like any other."""
    text = f'state_dir = "{name}"\nauth.keys = [{{name = "a", file = "{name}"}}]'
    loaded = load(written(tmp_path, text), {})

    with pytest.raises(ConfigError, match=r"auth\.keys\.0\.file"):
        loaded.key_ring()
    with pytest.raises(ConfigError, match=r"no such file|cannot be read"):
        load("~nosuchuser/x", {})
    if "0000" in name:
        with pytest.raises(StoreError, match="the state directory"):
            Store.open(loaded.state_directory())


def test_deep_toml(tmp_path: Path) -> None:
    """Nor is a file that is nested beyond all reason."""
    assert "is not TOML" in problems(tmp_path, "a = " + "[" * 5000)[0]


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    """One start tells them all, those of the environment too."""
    text = "a = 1\n[timeouts]\nb = 2\nidle_seconds = 0\n[limits]\nbody_bytes = 1"
    found = problems(tmp_path, text, NO_SUCH="1", LIMITS_ANSWER_BYTES="x")
    assert problems(tmp_path, "limits = 3", LIMITS_ANSWER_BYTES="x")

    assert len(found) == 6
    assert f"{PREFIX}NO_SUCH: no such setting" in found
    assert f"{PREFIX}LIMITS_ANSWER_BYTES: expected a whole number, not 'x'" in found


def test_not_toml(tmp_path: Path) -> None:
    """A file that is no TOML says where."""
    assert "line 1" in problems(tmp_path, "=")[0]


def test_unreadable_file(tmp_path: Path) -> None:
    """What is no file, or may not be read, is named, with what to do."""
    with pytest.raises(ConfigError, match="let the daemon's user read it"):
        load(str(tmp_path), {})


def test_missing_file(tmp_path: Path) -> None:
    """A file that was named must exist, by option or by environment."""
    for file, environ in (
        (str(tmp_path / "x"), {}),
        (None, {PREFIX + "CONFIG": str(tmp_path / "x")}),
    ):
        with pytest.raises(ConfigError, match="there is no such file"):
            load(file, environ)


def test_precedence(tmp_path: Path) -> None:
    """Option before environment before file before default."""
    file = written(tmp_path, "listen = ['file']\nstate_dir = 'file'")
    environ = {PREFIX + "LISTEN": "one two", PREFIX + "STATE_DIR": "environment"}

    assert load(file, {}).config.listen == ("file",)
    assert load(file, environ).config.listen == ("one", "two")
    loaded = load(file, environ, {"listen": ["option"]})
    assert (
        loaded.config.listen,
        loaded.config.state_dir,
    ) == (("option",), "environment")


def test_environment_values() -> None:
    """Words need no quotes; numbers, lists and tables are written as in TOML."""
    config = load(
        None,
        {
            "HOME": "/nowhere",
            PREFIX + "TIMEOUTS_IDLE_SECONDS": "7",
            PREFIX + "AUTH_MODE": "strict",
            PREFIX + "HTTP_HOSTS": '["gw.lan"]',
            PREFIX + "MODELS_ALIASES": '{ "x*" = "y" }',
        },
    ).config

    assert config.timeouts.idle_seconds == 7.0
    assert config.auth.mode == "strict"
    assert config.http.hosts == ("gw.lan",)
    assert config.models.aliases == {"x*": "y"}


def test_directories() -> None:
    """systemd's directories come first, then XDG's, then the usual ones."""
    home = {"HOME": "/h"}
    xdg = {**home, "XDG_CONFIG_HOME": "/x/c", "XDG_STATE_HOME": "/x/s"}
    systemd = {**xdg, "CONFIGURATION_DIRECTORY": "/e:/f", "STATE_DIRECTORY": "/v"}

    assert [
        (str(default_file(e)), str(load(None, e).state_directory()))
        for e in (home, xdg, systemd)
    ] == [
        ("/h/.config/antigravity-gw/config.toml", "/h/.local/state/antigravity-gw"),
        ("/x/c/antigravity-gw/config.toml", "/x/s/antigravity-gw"),
        ("/e/config.toml", "/v"),
    ]


def test_keys(tmp_path: Path) -> None:
    """Keys are hashed in the file, or stand in files of their own."""
    (tmp_path / "key").write_text("of a file\n")
    text = f"""
    auth.keys = [{{name = "a", sha256 = "{HASH}"}}, {{name = "b", file = "key"}}]
    """
    ring = load(written(tmp_path, text), {}).key_ring()
    owners = [ring.owner([s], 0.0) for s in (b"secret", b"of a file", b"of a file\n")]

    assert [owner and owner.name for owner in owners] == ["a", "b", None]


@pytest.mark.parametrize(
    ("expires", "moment"),
    [
        ("2027-01-15T08:00:00Z", 1_800_000_000.0),
        ("2027-01-15T09:00:00+01:00", 1_800_000_000.0),
        ("2027-01-15T08:00:00", 1_800_000_000.0),
        ("'2027-01-15T08:00:00Z'", 1_800_000_000.0),
        ("2027-01-15", 1_799_971_200.0),
        ("'2027-01-15'", 1_799_971_200.0),
    ],
)
def test_limits_of_keys(tmp_path: Path, expires: str, moment: float) -> None:
    """They stand beside the key; a date means its beginning in UTC."""
    text = f"""
    [[auth.keys]]
    name = "a"
    sha256 = "{HASH}"
    requests_per_minute = 60
    streams = 0
    tokens_per_day = 1_000_000
    models = ["gemini-2.5-*"]
    expires = {expires}
    [[auth.keys]]
    name = "b"
    sha256 = "{"0" * 64}"
    """
    limited, free = load(written(tmp_path, text), {}).key_ring().configured

    assert limited.expires == moment
    assert limited.allowance == Allowance(
        requests_per_minute=60,
        streams=0,
        tokens_per_day=1_000_000,
        models=("gemini-2.5-*",),
    )
    assert (free.expires, free.allowance) == (None, Allowance())


def test_credentials_of_systemd(tmp_path: Path) -> None:
    """A relative file is looked for where systemd puts its credentials."""
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "key").write_text("k")
    (tmp_path / "c" / "secrets_alice").write_text("a")
    (tmp_path / "d").write_text("d")
    file = written(
        tmp_path,
        f"""auth.keys = [
            {{name = 'b', file = 'key'}},
            {{name = 'alice', file = 'secrets/alice'}},
            {{name = 'd', file = '{tmp_path}/d'}},
        ]""",
    )
    ring = load(file, {"CREDENTIALS_DIRECTORY": str(tmp_path / "c")}).key_ring()

    keys = [("b", b"k"), ("alice", b"a"), ("d", b"d")]

    assert ring.configured == tuple(Key.of(*key) for key in keys)


def test_credentials_that_systemd_has_not(tmp_path: Path) -> None:
    """It is said who was to bring them."""
    file = written(tmp_path, "auth.keys = [{name = 'b', file = 'secrets/b'}]")
    with pytest.raises(ConfigError) as caught:
        load(file, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).key_ring()

    assert f"{tmp_path}/secrets_b cannot be read" in str(caught.value)
    assert "LoadCredential= of the unit" in str(caught.value)


def test_keys_that_cannot_be_used(tmp_path: Path) -> None:
    """Every unusable key is named, and why."""
    (tmp_path / "empty").write_text(" \n")
    text = f"""
    auth.keys = [
        {{name = "a"}},
        {{name = "b", sha256 = "{HASH}", file = "key"}},
        {{name = "c", file = "missing"}},
        {{name = "d", file = "empty"}},
    ]
    """
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text), {}).key_ring()
    file = tmp_path / "gw.toml"

    assert [
        f"{file}: auth.keys.0: expected sha256 or file",
        f"{file}: auth.keys.1: expected one of sha256 and file, not both",
        f"{file}: auth.keys.2.file: {tmp_path}/missing cannot be read: "
        "No such file or directory",
        f"{file}: auth.keys.3.file: {tmp_path}/empty is empty",
    ] == caught.value.problems


def test_oauth_client(tmp_path: Path) -> None:
    """The client's secret may stand in a file; without one it is a mistake."""
    (tmp_path / "s").write_text("hush\n")

    def loaded(text: str) -> Loaded:
        return load(written(tmp_path, "[oauth]\n" + text), {})

    client = loaded("client_id='i'\nclient_secret_file='s'").oauth_client()
    assert client is not None
    assert (client.id, client.secret) == ("i", "hush")
    assert loaded("").oauth_client() is None
    with pytest.raises(ConfigError, match="expected client_secret_file"):
        loaded("client_id='i'").oauth_client()


def test_secrets_are_not_shown() -> None:
    """A secret does not reach the log by way of a repr."""
    config = attrs.evolve(Config().oauth, client_secret="hush")

    assert "hush" not in repr(config)


# Looking through all of it


def faults(
    tmp_path: Path, text: str, environ: Mapping[str, str] | None = None
) -> list[str]:
    """What is said of a configuration, without the name of its file."""
    file = written(tmp_path, text)
    state = {"STATE_DIRECTORY": str(tmp_path / "state")}
    _, problems = looked_through(file, {**state, **(environ or {})}, {})
    return [problem.removeprefix(f"{file}: ") for problem in problems]


def test_every_mistake_at_once(tmp_path: Path) -> None:
    """Wrong values keep nobody from hearing of files, keys and ports that are wrong."""
    text = f"""
    listen = ["nonsense:1"]
    colour = 1
    [limits]
    requests = "many"
    [upstream.vertex]
    proxy = 3
    [upstream.code_assist]
    ca_file = "missing.pem"
    [[auth.keys]]
    name = "ci"
    file = "missing"
    [[admin.keys]]
    name = "root"
    sha256 = "{HASH}"
    file = "both"
    [oauth]
    client_id = "i"
    """
    said = "\n".join(faults(tmp_path, text))

    for place in (
        *("colour: no such", "limits.requests: ", "upstream.vertex.proxy: "),
        *("listen = 'nonsense:1'", "auth.keys.0.file: ", "admin.keys.0: "),
        *("oauth: expected", "upstream.code_assist.ca_file: "),
    ):
        assert place in said
    assert said.count("\n") == 7


@pytest.mark.parametrize(
    "text",
    [
        "oauth = {client_id = 'i', client_secret_file = 3}",
        "oauth = {client_id = 'i', client_secret_fil = 's'}",
        "auth = {keys = [{name = 'a'}, {name = 3, file = 'x'}]}",
        "upstream = {vertex = 3}",
        "models = {aliases = {a = 3}}",
        "listen = [3]",
    ],
)
def test_no_mistake_leads_to_another(tmp_path: Path, text: str) -> None:
    """What stands beside a wrong value is not held against its table."""
    assert len(faults(tmp_path, text)) == 1


def test_a_client_is_no_operator(tmp_path: Path) -> None:
    """A client's key that is an operator's as well would open everything to it."""
    (tmp_path / "key").write_text("shared")
    digest = sha256(b"shared").hexdigest()
    (told,) = faults(
        tmp_path,
        f"""
        [[auth.keys]]
        name = "ci"
        sha256 = "{digest}"
        [[admin.keys]]
        name = "other"
        sha256 = "{HASH}"
        [[admin.keys]]
        name = "root"
        file = "key"
        """,
    )

    assert told.startswith(
        "admin.keys.1 (root) is the same key as auth.keys.0 (ci), so that client"
    )
    assert digest not in told


def test_metrics_where_clients_are(tmp_path: Path) -> None:
    """One address cannot be listened on twice, if it is a certain one."""
    both = "listen = ['{0}']\nmetrics.listen = ['{0}']"
    (told,) = faults(tmp_path, both.format("tcp:8045"))
    from_outside = {"ANTIGRAVITY_GW_METRICS_LISTEN": "tcp:8046"}

    assert told.startswith("metrics.listen = 'tcp:8045' is where clients connect")
    assert faults(tmp_path, both.format("tcp:0:interface=127.0.0.1")) == []
    assert faults(tmp_path, "listen = ['tcp:8046']", from_outside) == [
        told.replace("metrics", "ANTIGRAVITY_GW_METRICS_LISTEN: metrics", 1).replace(
            "8045", "8046"
        )
    ]


def test_bodies_nowhere(tmp_path: Path) -> None:
    """A file can be in the directory that the daemon makes, or in one that is there."""

    def told(file: str) -> list[str]:
        return faults(tmp_path, f"log.bodies_file = '{file}'")

    assert told("bodies") == []
    assert told(f"{tmp_path}/bodies") == []
    assert told(f"{tmp_path}/none/bodies") == [
        f"log.bodies_file: there is no directory {tmp_path}/none to write to; make it "
        "for the daemon's user, or name a file in another"
    ]
