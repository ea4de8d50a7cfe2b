"""Tests for ``antigravity_gw.upstream.way`` and the setting that names a proxy."""

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.checks import ProxyUrl
from antigravity_gw.upstream.failures import Peer, refused
from antigravity_gw.upstream.way import (
    REPLY_BYTES,
    NoReply,
    ReplyReader,
    Way,
    read_proxy,
)

TARGET = Peer("upstream.test", 443)
URL = "http://ann:s3cret%40@proxy.test:3128"

lines = st.from_regex(r"[!-9;-~]{1,9}: [ -~]{0,30}", fullmatch=True).map(str.encode)


def read(data: bytes, cuts: list[int]) -> list[int | None]:
    """What a reader says to *data* that comes in pieces."""
    reader = ReplyReader()
    edges = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    return [reader.feed(data[a:b]) for a, b in pairwise(edges)]


@given(
    st.integers(200, 599),
    st.lists(lines, max_size=5),
    st.integers(0, 2),
    st.sampled_from([b"\r\n", b"\n"]),
    st.lists(st.integers(0, 1000)),
)
def test_a_reply_in_pieces(
    status: int, fields: list[bytes], interim: int, end: bytes, cuts: list[int]
) -> None:
    """However it is cut, its status is known at its end, and not before."""
    first = b"HTTP/1.1 100 Wait" + 2 * end
    start = b"HTTP/1.1 %d Fine" % status
    reply = interim * first + end.join([start, *fields, b"", b""])

    *before, last = read(reply, cuts)
    assert (set(before) <= {None}, last) == (True, status)


@given(st.binary(min_size=1, max_size=300), st.lists(st.integers(0, 1000)))
def test_anything(data: bytes, cuts: list[int]) -> None:
    """What else comes is refused, or read on; it is no accident."""
    try:
        found = read(data, cuts)
    except NoReply:
        return
    assert set(found) == {None}
    assert data.startswith(b"HTTP/1."[: len(data)])


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\n\r\n\x16",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * REPLY_BYTES,
        b"HTTP/1.1 100 Wait\r\n\r\n" * REPLY_BYTES,
    ],
)
def test_no_reply(reply: bytes) -> None:
    """What is not HTTP, has no end, or speaks out of turn is no answer."""
    with pytest.raises(NoReply):
        ReplyReader().feed(reply)


def test_a_page_behind_a_refusal() -> None:
    """It is for people, and changes nothing."""
    assert ReplyReader().feed(b"HTTP/1.0 403 No\r\n\r\n<html>") == 403


@pytest.mark.parametrize(
    ("url", "address", "is_secure"),
    [
        (URL, "proxy.test:3128", False),
        ("https://proxy.test/", "proxy.test:443", True),
        ("http://[::1]", "[::1]:80", False),
    ],
)
def test_proxies(url: str, address: str, is_secure: bool) -> None:
    """A proxy's URL has all that there is to know of it."""
    proxy = read_proxy(url)

    assert (proxy.peer.address, proxy.is_secure) == (address, is_secure)
    assert str(proxy.peer) == f"the proxy {address}"


def test_asking() -> None:
    """A proxy is asked for a tunnel, with its credentials if it has some."""
    plain = b"CONNECT upstream.test:443 HTTP/1.1\r\nHost: upstream.test:443\r\n"
    login = b"Proxy-Authorization: Basic YW5uOnMzY3JldEA=\r\n"

    assert read_proxy("http://p.test").request_for(TARGET) == plain + b"\r\n"
    assert read_proxy(URL).request_for(TARGET) == plain + login + b"\r\n"
    assert b"CONNECT [::1]:80 " in read_proxy(URL).request_for(Peer("::1", 80))


def test_the_password_is_not_shown() -> None:
    """Neither by the way nor by the proxy that is read from it."""
    shown = repr([Way(proxy=URL), read_proxy(URL)])

    assert not {"s3cret", "YW5u"} & {w for w in ("s3cret", "YW5u") if w in shown}


@pytest.mark.parametrize(
    ("status", "has_credentials", "words"),
    [
        (407, False, "wants credentials (407)"),
        (407, True, "wants other credentials (407)"),
        (504, False, "could not reach upstream.test:443 (504)"),
        (400, False, "refuses a tunnel to upstream.test:443 (400)"),
    ],
)
def test_refused(status: int, has_credentials: bool, words: str) -> None:
    """A status says whether it is about us, the host behind, or neither."""
    proxy = Peer("p.test", 80, is_proxy=True)
    error = refused(proxy, TARGET, status, has_credentials)

    assert str(error) == f"the proxy p.test:80 {words}"


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("", True),
        (URL, True),
        ("https://proxy.test", True),
        ("http://[::1]:3128/", True),
        ("http://ann@proxy.test", True),
        ("socks5://proxy.test:1080", False),
        ("proxy.test:3128", False),
        ("http://", False),
        ("http://proxy.test:99999", False),
        ("http://proxy.test:0", False),
        ("http://proxy.test/path", False),
        ("http://proxy.test?q", False),
        ("http://ann:p@ss@proxy.test", False),
        ("http://ann:pa ss@proxy.test", False),
        ("http://ann:pa/ss@proxy.test", False),
        ("http://proxy.test:3128\n", False),
    ],
)
def test_the_setting(url: str, is_good: bool) -> None:
    """A proxy is named by a URL without a path, which is a secret."""
    _, check = get_args(ProxyUrl)

    assert check.accepts(url) is is_good
    assert check.is_secret
