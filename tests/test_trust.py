"""Tests for ``antigravity_gw.upstream.trust``: files, and OpenSSL's words."""

from pathlib import Path

import pytest
from authority import Authority
from OpenSSL import SSL
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import MemoryReactorClock

from antigravity_gw.upstream.failures import Flaw, Peer
from antigravity_gw.upstream.http import Connections, make_client
from antigravity_gw.upstream.trust import Handshake, UselessFile, read_trust, trusting
from antigravity_gw.upstream.way import Way

HEAD = "-----BEGIN CERTIFICATE-----\n"
TAIL = "-----END CERTIFICATE-----\n"


def test_several(tmp_path: Path) -> None:
    """A file may have several certificates, and remarks in between."""
    one, two = (
        Path(Authority(name).save(tmp_path / name)).read_text() for name in "ab"
    )
    bundle = tmp_path / "ca.pem"
    bundle.write_text(f"# ours\n{one}# theirs\n{two}")

    assert read_trust(str(bundle)) is not None
    assert trusting(str(bundle)).getContext() is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot read .*no such file"),
        ("", "there is no certificate in .*has to be PEM"),
        ("0\x82\x03", "there is no certificate in"),
        ("-----BEGIN PRIVATE KEY-----\ns3cret\n", "there is no certificate in"),
        (f"{HEAD}AAAA\n{TAIL}", "certificate 1 in .* is damaged"),
    ],
)
def test_useless_files(tmp_path: Path, content: str | None, words: str) -> None:
    """What is wrong with a file is said before anybody is connected with."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    reactor = MemoryReactorClock()

    with pytest.raises(UselessFile, match=words) as caught:
        make_client(reactor, Connections(reactor), 5.0, Way(ca_file=str(path)))
    assert "ca.pem" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "flaw"),
    [
        (SSL.Error([("SSL routines", "", "wrong version number")]), Flaw.NOT_TLS),
        (SSL.Error([("SSL routines", "", "unsupported protocol")]), Flaw.VERSION),
        (
            SSL.Error([("SSL routines", "", "tlsv1 alert protocol version")]),
            Flaw.VERSION,
        ),
        (SSL.Error([("SSL routines", "", "no shared cipher")]), Flaw.OTHER),
        (SSL.Error([]), Flaw.OTHER),
        (SSL.Error(), Flaw.OTHER),
        (ConnectionLost(), Flaw.CUT),
    ],
)
def test_words(error: Exception, flaw: Flaw) -> None:
    """What OpenSSL says is understood if that helps, and else passed on."""
    peer = Peer("upstream.test", 443)
    failed = Handshake(trusting(""), peer).explained(error)

    assert failed.flaw is flaw
    assert str(failed).startswith("TLS with upstream.test:443 failed: ")
    if failed.detail:
        assert failed.detail in (*str(error.args).split("'"), "the handshake broke off")
