"""The sandbox inside the daemon, for trying the gateway without an account."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import evolve
from twisted.application.service import MultiService

from antigravity_gw.config import KINDS, Upstream
from antigravity_gw.loading import Loaded
from antigravity_gw.pool.store import Store
from antigravity_gw.record import Record
from antigravity_sandbox.accounts import CLIENT_ID, CLIENT_SECRET, DEMO_ACCOUNTS
from antigravity_sandbox.service import SandboxService


class Embedded(MultiService):
    """A simulated Google, and a throw-away state directory with accounts at it."""

    def __init__(self, reactor: Any) -> None:
        super().__init__()
        self._google = SandboxService(reactor)
        self._google.setServiceParent(self)
        # Removed when the process ends, however late its last write is.
        self._directory = TemporaryDirectory(prefix="antigravity-gw-sandbox-")
        _add_accounts(Store.open(Path(self._directory.name)))

    @property
    def url(self) -> str:
        """Where the simulated Google is."""
        return self._google.url

    def loaded(self, loaded: Loaded) -> Loaded:
        """*loaded*, with the sandbox in place of Google."""
        config = loaded.config
        url = self.url
        config = evolve(
            config,
            state_dir=self._directory.name,
            upstream=_all_at(url, config.upstream),
            oauth=evolve(
                config.oauth,
                client_id=CLIENT_ID,
                client_secret=CLIENT_SECRET,
                client_secret_file="",
                token_url=f"{url}/token",
            ),
        )
        return evolve(loaded, config=config)


def _all_at(url: str, upstream: Upstream) -> Upstream:
    """*upstream*, with every kind of account served at *url*."""
    here = {k: evolve(getattr(upstream, k), endpoints=(url,)) for k in KINDS}
    return evolve(upstream, **here)


def _add_accounts(store: Store) -> None:
    for number, account in enumerate(DEMO_ACCOUNTS):
        store.put(
            Record(
                id=f"demo-{account.name}",
                name=account.name,
                credential=account.refresh_token,
                added=float(number),
            )
        )
