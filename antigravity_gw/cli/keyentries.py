"""New keys, and the entries of the configuration that let them in."""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen

from antigravity_gw.keys import PREFIX, digest_of
from antigravity_gw.pool.clientkeys import LIMITS


@frozen
class Made:
    """A new key, and what is kept of it."""

    secret: str = field(repr=False)
    digest: bytes

    @classmethod
    def new(cls) -> "Made":
        """One that nobody has ever had."""
        secret = PREFIX + secrets.token_urlsafe(32)
        return cls(secret, digest_of(secret.encode()))

    def entry(self, table: str, name: str, settings: Mapping[str, Any]) -> str:
        """What lets it in, in TOML, when it stands in the configuration."""
        lines = [
            f"[[{table}.keys]]",
            f'name = "{name}"',
            f'sha256 = "{self.digest.hex()}"',
        ]
        lines += [
            f"{limit} = {json.dumps(settings[limit])}"
            for limit in LIMITS
            if settings.get(limit) is not None
        ]
        if settings.get("expires") is not None:
            moment = datetime.fromtimestamp(settings["expires"], UTC)
            lines.append(f"expires = {moment:%Y-%m-%dT%H:%M:%SZ}")
        return "\n".join(lines)
