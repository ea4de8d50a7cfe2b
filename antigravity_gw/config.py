"""
What the daemon can be told, as typed values.

``docs/config.toml`` explains every setting; ``loading.py`` reads them.
"""

from datetime import datetime
from typing import Annotated, Literal

from attrs import asdict, field, fields, frozen

from antigravity_gw.catalog import Model
from antigravity_gw.checks import (
    Bytes,
    Check,
    Digest,
    HostName,
    ModelName,
    ModelPattern,
    Origin,
    Seconds,
    SecondsOrNone,
    Url,
    between,
    differently_named,
    some,
)
from antigravity_gw.keys import Allowance, Key, is_key_name
from antigravity_gw.logs.levels import FormName, Level
from antigravity_gw.reach import BaseUrls, BaseUrlTemplates, Reach

MIB = 2**20


@frozen(kw_only=True)
class Http:
    """How clients are answered."""

    hosts: tuple[HostName, ...] = ()
    cors_origins: tuple[Origin, ...] = ()
    stream_default: Literal["sse", "array"] = "sse"
    keep_alive_seconds: Seconds = 75.0
    head_seconds: Seconds = 10.0
    body_seconds: Seconds = 30.0
    write_seconds: Seconds = 60.0
    drain_seconds: SecondsOrNone = 30.0


KeyName = Annotated[
    str,
    Check(
        "a key's name: up to 64 letters, digits, '.', '_', '@' and '-', the first of "
        "them a letter or a digit",
        is_key_name,
    ),
]
PerMinute = Annotated[int, between(1, 100_000, "requests")]
Streams = Annotated[int, between(0, 10**6, "streams")]
PerDay = Annotated[int, between(1, 10**15, "tokens")]


@frozen(kw_only=True)
class NamedKey:
    """A key that lets somebody in: by its SHA-256, or in a file of its own."""

    name: KeyName
    sha256: Digest | None = None
    file: str = ""

    def opened_by(self, digest: bytes) -> Key:
        """The key, whose SHA-256 is *digest*."""
        return Key(self.name, digest)


@frozen(kw_only=True)
class ClientKey(NamedKey):
    """The key of a client, and what it may do."""

    requests_per_minute: PerMinute | None = None
    streams: Streams | None = None
    tokens_per_day: PerDay | None = None
    models: tuple[ModelPattern, ...] = ()
    expires: datetime | None = None

    def opened_by(self, digest: bytes) -> Key:
        """The key, whose SHA-256 is *digest*."""
        allowance = Allowance(
            requests_per_minute=self.requests_per_minute,
            streams=self.streams,
            tokens_per_day=self.tokens_per_day,
            models=self.models,
        )
        expires = self.expires.timestamp() if self.expires else None
        return Key(self.name, digest, allowance, expires)


@frozen(kw_only=True)
class Auth:
    """Who may call."""

    mode: Literal["auto", "off", "strict", "all_except_health"] = "auto"
    keys: Annotated[tuple[ClientKey, ...], differently_named("key")] = ()


@frozen(kw_only=True)
class Admin:
    """What is for operators only, and who they are."""

    page: bool = False
    keys: Annotated[tuple[NamedKey, ...], differently_named("key")] = ()


@frozen(kw_only=True)
class OAuth:
    """The operator's own OAuth client, for accounts that bring none."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    client_secret_file: str = ""
    authorization_url: Url = "https://accounts.google.com/o/oauth2/v2/auth"
    token_url: Url = "https://oauth2.googleapis.com/token"
    userinfo_url: Url = "https://www.googleapis.com/oauth2/v2/userinfo"


@frozen(kw_only=True)
class CodeAssist(Reach):
    """Where accounts of kind ``code_assist`` are served."""

    endpoints: BaseUrls = (
        "https://cloudcode-pa.googleapis.com",
        "https://daily-cloudcode-pa.googleapis.com",
        "https://daily-cloudcode-pa.sandbox.googleapis.com",
    )


@frozen(kw_only=True)
class GeminiApiKey(Reach):
    """Where accounts of kind ``gemini_api_key`` are served."""

    endpoints: BaseUrls = ("https://generativelanguage.googleapis.com",)


@frozen(kw_only=True)
class Vertex(Reach):
    """Where accounts of kind ``vertex`` are served."""

    endpoints: BaseUrlTemplates = ("https://{location}-aiplatform.googleapis.com",)


@frozen(kw_only=True)
class Upstream:
    """Whom we ask: a table for each kind of account, and what holds for all."""

    code_assist: CodeAssist = CodeAssist()
    gemini_api_key: GeminiApiKey = GeminiApiKey()
    vertex: Vertex = Vertex()
    attempts: Annotated[int, between(1, 3, "calls")] = 3
    avoid_seconds: Seconds = 30.0


KINDS = tuple(a.name for a in fields(Upstream) if isinstance(a.default, Reach))
KindName = Annotated[
    str, Check(f"one of {', '.join(KINDS)}", lambda name: name in KINDS)
]


@frozen(kw_only=True)
class Pool:
    """Which account serves, and how long one is left alone."""

    strategy: Literal["spread", "fill"] = "spread"
    wait_seconds: SecondsOrNone = 2.0
    quota_check_seconds: SecondsOrNone = 300.0
    quota_rest_seconds: Seconds = 60.0
    rate_rest_seconds: Seconds = 5.0
    refused_rest_seconds: Seconds = 300.0
    trouble_rest_seconds: Seconds = 5.0


@frozen(kw_only=True)
class Timeouts:
    """How long to wait for upstream."""

    connect_seconds: Seconds = 5.0
    total_seconds: Seconds = 600.0
    whole_answer_seconds: Seconds = 600.0
    headers_seconds: Seconds = 120.0
    first_event_seconds: Seconds = 120.0
    idle_seconds: Seconds = 300.0
    stream_seconds: SecondsOrNone = 0.0
    token_seconds: Seconds = 15.0
    lookup_seconds: Seconds = 30.0
    onboarding_seconds: Seconds = 60.0


@frozen(kw_only=True)
class Limits:
    """How much of it there may be at one time."""

    head_bytes: Bytes = 16 * 1024
    body_bytes: Bytes = 32 * MIB
    bodies_bytes: Bytes = 256 * MIB
    answer_bytes: Bytes = 64 * MIB
    requests: Annotated[int, between(1, 10**6, "requests")] = 10_000
    streams_per_key: Streams = 0
    connections: Annotated[int, between(0, 2**20, "connections")] = 0


@frozen(kw_only=True)
class Metrics:
    """Where Prometheus gets its numbers."""

    enabled: bool = True
    listen: tuple[str, ...] = ()


@frozen(kw_only=True)
class Usage:
    """What is kept of what was used."""

    keep_days: Annotated[int, between(0, 3660, "days")] = 90
    write_seconds: Annotated[float, between(0.05, 300, "seconds")] = 5.0


@frozen(kw_only=True)
class Models:
    """What models there are, and what else they are called."""

    image_models: tuple[ModelPattern, ...] = ("*-image", "*-image-*")
    aliases: dict[ModelPattern, ModelName] = field(factory=dict)
    kinds: dict[ModelPattern, Annotated[tuple[KindName, ...], some("kind")]] = field(
        factory=dict
    )
    serve: Annotated[tuple[Model, ...], differently_named("model")] = (
        Model(name="gemini-3.1-pro"),
        Model(name="gemini-2.5-pro"),
        Model(name="gemini-2.5-flash"),
        Model(name="gemini-2.5-flash-lite"),
        Model(name="gemini-2.5-flash-image", input_tokens=32_768, output_tokens=32_768),
    )


LevelOrNone = Literal["inherit", "debug", "info", "warn", "error", "critical", "off"]


@frozen(kw_only=True)
class LogLevels:
    """The least that a part of the daemon says in the log, where it differs."""

    requests: LevelOrNone = "inherit"
    web: LevelOrNone = "inherit"
    upstream: LevelOrNone = "inherit"
    pool: LevelOrNone = "inherit"
    store: LevelOrNone = "inherit"
    daemon: LevelOrNone = "inherit"
    twisted: LevelOrNone = "inherit"


@frozen(kw_only=True)
class Log:
    """What is written to the log, and how."""

    format: FormName = "auto"
    level: Level = "info"
    levels: LogLevels = LogLevels()
    bodies_file: str = ""
    bodies_bytes: Bytes = 64 * 1024
    bodies_file_bytes: Bytes = 64 * MIB

    def by_subsystem(self) -> dict[str, Level]:
        """The level of each part of the daemon that has one of its own."""
        told = asdict(self.levels)
        return {name: level for name, level in told.items() if level != "inherit"}


@frozen(kw_only=True)
class Config:
    """
    What the daemon was told to do.

    :ivar listen: Twisted server endpoint strings.
    :ivar state_dir: where the accounts are kept; empty for the usual place.
    """

    listen: Annotated[tuple[str, ...], some("endpoint")] = (
        "tcp:8045:interface=127.0.0.1",
    )
    state_dir: str = ""
    http: Http = Http()
    auth: Auth = Auth()
    admin: Admin = Admin()
    oauth: OAuth = OAuth()
    upstream: Upstream = Upstream()
    pool: Pool = Pool()
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    usage: Usage = Usage()
    models: Models = Models()
    metrics: Metrics = Metrics()
    log: Log = Log()
