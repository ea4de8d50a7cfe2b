"""A gateway in memory, with the page for operators."""

from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import execute
from world import CATALOG, LIMITS, Client, World

from antigravity_gw.admin.actions import Actions
from antigravity_gw.admin.api import Office, make_api
from antigravity_gw.admin.failures import Failures
from antigravity_gw.admin.files import read_files
from antigravity_gw.admin.pages import Page
from antigravity_gw.admin.session import Sessions
from antigravity_gw.admin.view import View
from antigravity_gw.admin.watchers import Watchers
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.trial import LONGEST, Trial


class Administered(World):
    """The gateway, its page furnished as the daemon furnishes it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self.failures = Failures()
        self.site.witnesses = [
            *self.site.witnesses,
            self.failures.note,
            self.ledger.note,
        ]
        self.view = View(
            self.pool, self.site, self.failures, self.ledger, self.clock.seconds()
        )
        self.watchers = Watchers(
            self.clock,
            self.view.encoded,
            lambda: self.site.connections.is_draining,
        )
        self.actions = Actions(
            self.pool,
            self.store,
            self.watch,
            self._trial(),
            CATALOG,
            in_thread=execute,
        )
        self.office = Office(
            self.view,
            self.actions,
            self.watchers,
            Sessions(b"of this process"),
            ("pro", "flash"),
        )
        self.page = Page(read_files())
        self.page.putChild(b"api", make_api(self.office))
        self.site.resource.putChild(b"admin", self.page)

    def _trial(self) -> Trial:
        """What asks an account, in a pool that is not this gateway's."""
        limits = evolve(LIMITS, total=LONGEST, whole=LONGEST)
        gateway = self.make_gateway(limits)
        tokens = Tokens(self.kinds, self.clock, self.pool.writer.learn)
        pool = self.make_pool(tokens, self.pool.consequences)
        return Trial(evolve(gateway, pool=pool), self.store, "pro")

    def look(self, path: str, *headers: str) -> Any:
        """What the API answers, which has to be well."""
        client = self.get(f"/admin/api/{path}", *headers)
        assert client.status == 200, client.body
        return client.json()

    def token(self, *headers: str) -> str:
        """What it takes to change something."""
        return str(self.look("session", *headers)["csrf_token"])

    def do(
        self, path: str, body: bytes = b"{}", *headers: str, token: str | None = None
    ) -> Client:
        """Have something done, as the page would."""
        token = self.token() if token is None else token
        given = ("Content-Type: application/json", f"X-CSRF-Token: {token}", *headers)
        return self.post(f"/admin/api/{path}", body, *given)
