"""Who may read metrics where there is nothing else."""

from ipaddress import ip_address

from attrs import define
from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.web.http import Request

from antigravity_gw.errors import Forbidden
from antigravity_gw.keys import ANYBODY, Key
from antigravity_gw.web.guard import OTHER_HOST, Guard, is_local
from antigravity_gw.web.origins import host_of, is_expected_host
from antigravity_gw.web.paths import Area


@define
class OpenDoor(Guard):
    """
    Lets in who can connect, but for web pages.

    A page can have its own name resolve to any address, so a name must be one that
    the operator has listed.
    """

    def settle(self, addresses: list[IAddress]) -> bool:
        """Warn if other machines can connect; no key is asked for."""
        exposed = [address for address in addresses if not is_local(address)]
        if exposed:
            self._log.warn(
                "metrics.listen: whoever can reach {addresses} can read the metrics, "
                "with the names of your keys; no key is asked for there",
                addresses=", ".join(str(getattr(a, "host", a)) for a in exposed),
            )
        return False

    def admit(self, request: Request, area: Area, now: float) -> Key:
        """
        Let *request* pass, or not.

        :raises GatewayError: when it may not pass, saying why.
        """
        authority = self._authority(request)
        if authority is None or isinstance(request.getHost(), UNIXAddress):
            return ANYBODY
        if not (_is_address(authority) or is_expected_host(authority, self.hosts)):
            raise Forbidden(OTHER_HOST)
        return ANYBODY


def _is_address(authority: str) -> bool:
    try:
        ip_address(host_of(authority) or "")
    except ValueError:
        return False
    return True
