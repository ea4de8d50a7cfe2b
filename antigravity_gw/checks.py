"""
What values must be, besides being of their type.

A type such as :data:`Seconds` is a number to the type checker, and tells the
configuration which numbers to take.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from attrs import frozen

_GRAPHIC = re.compile(r"[!-~]+")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,127}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@frozen
class Check:
    """
    What a value must be, besides being of its type.

    :ivar expected: completes the sentence "expected ...".
    :ivar is_secret: whether a wrong value must not be shown, since it may be
        the secret itself, pasted amiss.
    """

    expected: str
    accepts: Callable[[Any], bool]
    is_secret: bool = False


def between(low: float, high: float, unit: str) -> Check:
    """A number of some *unit* within bounds."""
    expected = f"a number of {unit} between {low:.15g} and {high:.15g}"
    return Check(expected, lambda value: low <= value <= high)


def some(what: str) -> Check:
    """A list with something in it."""
    return Check(f"at least one {what}", lambda values: len(values) > 0)


def differently_named(what: str) -> Check:
    """A list in which no two have the same name."""
    return Check(
        f"every {what} to have a name of its own",
        lambda values: len({value.name for value in values}) == len(values),
    )


def is_model_name(name: str) -> bool:
    """Whether *name* could be a model's; only such names travel any further."""
    return _MODEL_NAME.fullmatch(name) is not None


def is_project(name: str) -> bool:
    """Whether *name* could be a Google Cloud project's id; it goes into URLs."""
    return _PROJECT.fullmatch(name) is not None


def is_model_pattern(name: str) -> bool:
    """Whether *name* could be a model's, with ``*`` for any letters."""
    return is_model_name(name.replace("*", "x"))


def is_upstream_url(value: str) -> bool:
    """Whether tokens may be sent there: https, or this machine; and nothing odd."""
    try:
        url = urlsplit(value)
        here = url.hostname in ("127.0.0.1", "localhost", "::1")
        is_plain = set(value).isdisjoint("?#@{}\\") and not url.netloc.endswith(":")
        return (
            _GRAPHIC.fullmatch(value) is not None
            and bool(url.hostname)
            and is_plain
            and url.port != 0
            and (url.scheme == "https" or (url.scheme == "http" and here))
        )
    except ValueError:  # a port that is none, for one
        return False


def is_proxy_url(value: str) -> bool:
    """Whether it names an HTTP or HTTPS proxy, perhaps with credentials; or none."""
    try:
        url = urlsplit(value)
        return not value or (
            _GRAPHIC.fullmatch(value) is not None
            and url.scheme in ("http", "https")
            and _HOST.fullmatch(url.hostname or "") is not None
            and url.port != 0
            and value.count("@") <= 1
            and url.path in ("", "/")
            and not (url.query or url.fragment)
        )
    except ValueError:
        return False


def is_origin(value: str) -> bool:
    """Whether a browser could send *value* as ``Origin``: nothing follows the host."""
    scheme, found, host = value.partition("://")
    return bool(scheme and found and host) and (
        _GRAPHIC.fullmatch(value) is not None and "/" not in host
    )


Seconds = Annotated[float, between(0.001, 86400.0, "seconds")]
SecondsOrNone = Annotated[float, between(0.0, 86400.0, "seconds")]
Tokens = Annotated[int, between(1, 2**31, "tokens")]
Bytes = Annotated[int, between(1024, 2**40, "bytes")]
Url = Annotated[
    str, Check("an https URL, or an http one of this machine", is_upstream_url)
]
UrlTemplate = Annotated[
    str,
    Check(
        "an https URL, or an http one of this machine; {location} may be in it",
        lambda value: is_upstream_url(value.replace("{location}", "place")),
    ),
]
ProxyUrl = Annotated[
    str,
    Check(
        "the URL of a proxy, such as 'http://user:password@proxy.example:3128' with "
        "'@', ':' and '/' in the password as '%40', '%3A' and '%2F'; or nothing",
        is_proxy_url,
        is_secret=True,
    ),
]
Origin = Annotated[
    str, Check("an origin such as 'https://example.com', without a path", is_origin)
]
HostName = Annotated[
    str,
    Check(
        "the name or address of a host, without a port",
        lambda value: _HOST.fullmatch(value) is not None,
    ),
]
ModelName = Annotated[
    str, Check("a model's name: letters, digits, '.', '_' and '-'", is_model_name)
]
ModelPattern = Annotated[
    str, Check("a model's name, which may have '*' in it", is_model_pattern)
]
Digest = Annotated[
    str,
    Check(
        "a SHA-256: 64 hexadecimal digits",
        lambda value: _SHA256.fullmatch(value) is not None,
        is_secret=True,
    ),
]
