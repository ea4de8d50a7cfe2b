"""Whether the gateway is alive, and whether it can serve."""

from antigravity_gw.errors import GatewayError
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.web.replies import write_json
from antigravity_gw.web.request import GatewayRequest
from antigravity_gw.web.resource import CoroutineResource


class NotReady(GatewayError):
    """No account can serve at the moment; for whoever balances load."""

    code = 503
    status = "UNAVAILABLE"


class Health(CoroutineResource):
    """Alive, since it answers."""

    async def render_GET(self, request: GatewayRequest) -> None:
        """Say so."""
        write_json(request, {"status": "ok"})


class Readiness(CoroutineResource):
    """Ready, if at least one account can serve."""

    def __init__(self, pool: AccountPool) -> None:
        super().__init__()
        self._pool = pool

    async def render_GET(self, request: GatewayRequest) -> None:
        """Say so, or why not, in general terms."""
        shortage = self._pool.shortage()
        if shortage is not None:
            raise NotReady(shortage.message)
        write_json(request, {"status": "ok"})
