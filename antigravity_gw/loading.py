"""
Reading the configuration, and what it refers to.

``settings.py`` has the one mechanism for all the places that settings come from.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from antigravity_gw.config import Config, NamedKey
from antigravity_gw.keys import KeyRing, digest_of
from antigravity_gw.reach import Reach
from antigravity_gw.settings import ConfigError, gather
from antigravity_gw.wire.oauth import OAuthClient

PREFIX = "ANTIGRAVITY_GW_"
NAME = "antigravity-gw"
FILE_NAME = "config.toml"


@frozen
class Loaded:
    """
    A configuration, and what is needed to follow its references.

    :ivar path: the file it was read from, or would have been.
    """

    config: Config
    path: Path
    environ: Mapping[str, str] = field(repr=False)

    def state_directory(self) -> Path:
        """Where the accounts are kept: as configured, as systemd has it, else XDG."""
        if self.config.state_dir:
            return _expanded(self.config.state_dir)
        return _directory(
            self.environ, "STATE_DIRECTORY", "XDG_STATE_HOME", ".local/state"
        )

    def bodies_file(self) -> Path | None:
        """Where bodies are written, if they are; a relative name is in the state."""
        name = self.config.log.bodies_file
        return self.state_directory().absolute() / _expanded(name) if name else None

    def reach(self, kind: str) -> Reach:
        """
        How accounts of one kind get at Google.

        A relative ``ca_file`` is beside the configuration file.
        """
        reach: Reach = getattr(self.config.upstream, kind)
        if not reach.ca_file:
            return reach
        return evolve(reach, ca_file=str(self.path.parent / _expanded(reach.ca_file)))

    def key_ring(self) -> KeyRing:
        """
        The keys of ``auth.keys``, which let clients in.

        :raises ConfigError: naming every key that cannot be used.
        """
        return self._ring("auth.keys", self.config.auth.keys)

    def operator_ring(self) -> KeyRing:
        """
        The keys of ``admin.keys``, which let operators in.

        :raises ConfigError: naming every key that cannot be used.
        """
        return self._ring("admin.keys", self.config.admin.keys)

    def _ring(self, table: str, entries: Sequence[NamedKey]) -> KeyRing:
        keys, problems = [], []
        for number, key in enumerate(entries):
            place = f"{table}.{number}"
            if key.sha256 is None and not key.file:
                problems.append(f"{self.path}: {place}: expected sha256 or file")
            elif key.sha256 is not None and key.file:
                problems.append(
                    f"{self.path}: {place}: expected one of sha256 and file, not both"
                )
            elif key.sha256 is not None:
                keys.append(key.opened_by(bytes.fromhex(key.sha256)))
            else:
                try:
                    secret = self._secret(f"{place}.file", key.file)
                    keys.append(key.opened_by(digest_of(secret.encode())))
                except ConfigError as error:
                    problems += error.problems
        if problems:
            raise ConfigError(problems)
        return KeyRing(tuple(keys))

    def expect_apart(self) -> None:
        """
        See that what opens the page for operators is theirs alone.

        :raises ConfigError: naming each key that is a client's as well, or when
            there are some that cannot be used.
        """
        clients = {
            key.digest: f"auth.keys.{number} ({key.name})"
            for number, key in enumerate(self.key_ring().configured)
        }
        problems = [
            f"{self.path}: admin.keys.{number} ({key.name}) is the same key as "
            f"{clients[key.digest]}, so that client could do all that operators can; "
            "make another: 'antigravity-gw keys add NAME --operator'"
            for number, key in enumerate(self.operator_ring().configured)
            if key.digest in clients
        ]
        if problems:
            raise ConfigError(problems)

    def oauth_client(self) -> OAuthClient | None:
        """
        The operator's OAuth client, if there is one.

        :raises ConfigError: when its secret is missing or cannot be read.
        """
        oauth = self.config.oauth
        if not oauth.client_id:
            return None
        secret = oauth.client_secret
        if oauth.client_secret_file:
            secret = self._secret("oauth.client_secret_file", oauth.client_secret_file)
        if not secret:
            raise ConfigError(
                [f"{self.path}: oauth: expected client_secret_file beside client_id"]
            )
        return OAuthClient(oauth.client_id, secret)

    def secret_file(self, name: str) -> Path:
        """
        Where a file with a secret in it is.

        A relative name is looked for among systemd's credentials, if there are
        any, and else beside the configuration file.  One with a slash in it has an
        underscore there: so does ``LoadCredential=`` name the files of a directory.
        """
        path, kept = _expanded(name), self.environ.get("CREDENTIALS_DIRECTORY")
        if kept and not path.is_absolute():
            return Path(kept) / "_".join(path.parts)
        return self.path.parent / path

    def _secret(self, place: str, file: str) -> str:
        """What a file with one secret in it says."""
        path = self.secret_file(file)
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            if self.environ.get("CREDENTIALS_DIRECTORY") and not path.exists():
                why += "; it is for LoadCredential= of the unit to bring it there"
            raise ConfigError(
                [f"{self.path}: {place}: {path} cannot be read: {why}"]
            ) from error
        if not secret:
            raise ConfigError([f"{self.path}: {place}: {path} is empty"])
        return secret


def load(
    file: str | None,
    environ: Mapping[str, str],
    options: Mapping[str, Any] | None = None,
) -> Loaded:
    """
    Gather the configuration: option before environment before file before default.

    :param file: the file to read; None for the one ``ANTIGRAVITY_GW_CONFIG``
        names, or else the default one, which may be missing.
    :param options: settings from the command line, by key.
    :raises ConfigError: naming every mistake there is.
    """
    loaded, problems = read(file, environ, options)
    if problems:
        raise ConfigError(problems)
    return loaded


def read(
    file: str | None,
    environ: Mapping[str, str],
    options: Mapping[str, Any] | None = None,
) -> tuple[Loaded, list[str]]:
    """
    The same, but of a configuration with mistakes as much as can be read.

    :returns: that, and every mistake.
    :raises ConfigError: when nothing can be read at all.
    """
    variables = {k: v for k, v in environ.items() if k.startswith(PREFIX)}
    named = file or variables.get(PREFIX + "CONFIG")
    variables.pop(PREFIX + "CONFIG", None)
    path = _expanded(named) if named else default_file(environ)
    config, problems = gather(
        Config,
        path,
        must_exist=named is not None,
        prefix=PREFIX,
        variables=variables,
        options=options or {},
    )
    return Loaded(config, path, environ), problems


def _expanded(path: str) -> Path:
    """*path*, with ``~`` for the home directory; of a user there is not, as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def default_file(environ: Mapping[str, str]) -> Path:
    """Where the configuration is when nobody says: as systemd has it, else XDG."""
    directory = _directory(
        environ, "CONFIGURATION_DIRECTORY", "XDG_CONFIG_HOME", ".config"
    )
    return directory / FILE_NAME


def _directory(
    environ: Mapping[str, str], systemd: str, xdg: str, fallback: str
) -> Path:
    if environ.get(systemd):
        return Path(environ[systemd].split(":")[0])
    home = Path(environ.get("HOME") or Path.home())
    return Path(environ.get(xdg) or home / fallback) / NAME
