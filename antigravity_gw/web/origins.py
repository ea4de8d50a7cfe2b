"""Whether a request comes from where it may: ``Host`` and ``Origin``.  No I/O."""

import re
from collections.abc import Collection
from ipaddress import ip_address

_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?")


def host_of(authority: str) -> str | None:
    """The host in a ``Host`` header, in lower case; None when it is malformed."""
    found = _AUTHORITY.fullmatch(authority.lower())
    return found["host"].strip("[]").removesuffix(".") if found else None


def is_loopback(host: str) -> bool:
    """Whether *host* can only be this machine, whatever a name server says."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_expected_host(authority: str, hosts: Collection[str]) -> bool:
    """
    Whether a ``Host`` header names this machine or one of *hosts*.

    A web page that has its own name resolve to 127.0.0.1 is told by this.
    """
    host = host_of(authority)
    return host is not None and (is_loopback(host) or host in hosts)


def is_same_site(origin: str, authority: str, origins: Collection[str]) -> bool:
    """
    Whether an ``Origin`` is listed, or is the host that was asked itself.

    :param authority: the ``Host`` header.
    """
    if origin in origins:
        return True
    _, found, origin_authority = origin.partition("://")
    host = host_of(origin_authority) if found else None
    return host is not None and host == host_of(authority)
