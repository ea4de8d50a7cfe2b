"""Tests for ``antigravity_gw.logs.redaction`` and the file that it is for."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, execute
from world import HELLO, STREAM, TEXT, WHOLE, Reply, World, event

from antigravity_gw.logs.bodies import MARGIN, MOST_WAITING, Bodies, BodiesFile
from antigravity_gw.logs.redaction import HIDDEN, redacted
from antigravity_gw.web.guard import Mode

KEYED = "x-goog-api-key: right"


@pytest.mark.parametrize(
    "secret",
    [
        "ya29.a0Af_B-x.y",
        "1//0gAbc-def",
        "1\\/\\/0gAbc-def",
        "ya29.a0\\/x",
        "agw_0123456789abcdefghij-_",
        "AIzaSyA-0123456789abcdefghijklmnopqrstu",
        "GOCSPX-abc_def",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln",
        "ada@example.org",
        "ada%40example.org",
        "ada\\u0040example.org",
        "-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\\nMIIE",
    ],
)
def test_what_looks_secret(secret: str) -> None:
    """Tokens, keys and addresses go, whether they are known or not."""
    assert redacted(f'{{"text":"so {secret} is"}}', ()).startswith(
        f'{{"text":"so {HIDDEN}'
    )


@given(st.text(min_size=8), st.text(), st.booleans())
def test_what_is_secret(secret: str, around: str, is_ascii: bool) -> None:
    """What is known goes, also as JSON spells it."""
    body = json.dumps({"text": around + secret}, ensure_ascii=is_ascii)
    spelled = json.dumps(secret, ensure_ascii=is_ascii)[1:-1]

    assert spelled not in redacted(body, [secret]) or spelled in HIDDEN


def test_short_names() -> None:
    """A short name goes where it is a word, and others keep their letters."""
    assert redacted("ada adapts a", ["ada", "a"]) == f"{HIDDEN} adapts a"


@pytest.mark.parametrize("end", ['"}', ""])
def test_data(end: str) -> None:
    """An image is told of by its length, even when its end is cut off."""
    head = '{"mimeType":"image/png", "data" : "'

    assert redacted(f"{head}iVBO/w=={end}", ()) == f"{head}[8 characters]{end}"
    assert redacted(f'{{"sign":"{"Ab1+/" * 60}{end}', ()) == (
        f'{{"sign":"[300 characters]{end}'
    )


def recorded(folder: Path, **settings: Any) -> World:
    """A gateway that asks for a key and records bodies to ``bodies`` in *folder*."""
    world = World(folder, mode=Mode.STRICT)
    world.google.script = [WHOLE]
    file = BodiesFile(folder / "bodies", settings.pop("file_bytes", 10**6))
    settings = {"most": 1000, "in_thread": execute, **settings}
    world.site.bodies = Bodies(file, secrets=world.pool.secrets, **settings)
    return world


def lines(folder: Path) -> list[dict[str, Any]]:
    """What is in the file."""
    text = (folder / "bodies").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_whole_answers(tmp_path: Path) -> None:
    """What came and what went is written, under the id of the request."""
    world = recorded(tmp_path)
    client = world.post("/v1/models/pro:generateContent", HELLO, KEYED)
    came, went = lines(tmp_path)

    assert came == {
        "time": "1970-01-12T13:46:40.000Z",
        "id": "request-0",
        "direction": "from_client",
        "bytes": len(HELLO),
        "is_cut": False,
        "body": HELLO.decode(),
    }
    assert (went["id"], went["direction"]) == ("request-0", "to_client")
    assert went["body"].encode() == client.body
    assert stat.S_IMODE((tmp_path / "bodies").stat().st_mode) == 0o600


def test_streams(tmp_path: Path) -> None:
    """All events of a stream are written."""
    world = recorded(tmp_path)
    world.google.script = [STREAM]
    path = "/v1/models/pro:streamGenerateContent?alt=sse"
    client = world.post(path, HELLO, KEYED)

    assert lines(tmp_path)[1]["body"].encode() == client.body


def test_nothing_to_record(tmp_path: Path) -> None:
    """Without a body there is no line."""
    world = recorded(tmp_path)
    world.get("/v1/models", KEYED)

    assert [line["direction"] for line in lines(tmp_path)] == ["to_client"]


def test_no_secrets(tmp_path: Path) -> None:
    """Of tokens, credentials, names, projects and the client's key nothing is left."""
    world = recorded(tmp_path)
    world.get("/v1/models", KEYED)
    said = "token-of-a refresh-of-a a@x project-of-it secret-of-client right"
    body = json.dumps({"contents": [{"parts": [{"text": said}]}]}).encode()
    said_back = {"candidates": [{"content": {"parts": [{"text": said}]}}]}
    last = {"candidates": [{"finishReason": "STOP"}]}
    world.google.script = [Reply(body=event(said_back) + event(last))]
    path = "/v1/models/pro:streamGenerateContent?alt=sse"
    client = world.post(path, body, KEYED)

    assert client.status == 200
    (_, came, went) = lines(tmp_path)
    for line in (came, went):
        assert f'"text":"{" ".join([HIDDEN] * 6)}"' in line["body"].replace(": ", ":")


def test_bounds(tmp_path: Path) -> None:
    """A body is cut, and no half of a secret is left where it is."""
    world = recorded(tmp_path, most=100)
    text = "x " * 20 + "refresh-of-a" + " y" * 2500
    body = json.dumps({"contents": [{"parts": [{"text": text}]}]}).encode()
    world.post("/v1/models/pro:generateContent", body, KEYED)
    came = lines(tmp_path)[0]

    assert (came["bytes"], came["is_cut"]) == (len(body), True)
    assert 90 < len(came["body"]) <= 100
    assert "refresh" not in came["body"]
    assert HIDDEN[:3] in came["body"]


def test_half_a_secret(tmp_path: Path) -> None:
    """Where data is left out, the end of what was looked at comes into view."""
    world = recorded(tmp_path, most=1000)
    picture = {"inlineData": {"data": "A" * 4000}}
    head = json.dumps({"contents": [{"parts": [picture, {"text": ""}]}]})[:-6]
    text = " " * (1000 + MARGIN - len(head) - 9) + "refresh-of-a" + " " * 5000
    body = head.encode() + text.encode() + b'"}]}]}'
    world.post("/v1/models/pro:generateContent", body, KEYED)

    assert "refres" not in lines(tmp_path)[0]["body"]


def test_what_is_for_operators(tmp_path: Path) -> None:
    """What they are told may be for their eyes only, and is not written."""
    world = recorded(tmp_path)
    world.get("/admin/api/session", KEYED)
    world.get("/metrics", KEYED)

    assert not (tmp_path / "bodies").exists()


def test_room_in_the_file(tmp_path: Path) -> None:
    """A body gets no more of the file than leaves room for others."""
    world = recorded(tmp_path, most=10**6, file_bytes=16_000)
    body = json.dumps({"contents": [{"parts": [{"text": "\x01" * 1500}]}]}).encode()
    world.post("/v1/models/pro:generateContent", body, KEYED)

    assert len(lines(tmp_path)[0]["body"]) == 1000
    assert (tmp_path / "bodies").stat().st_size < 16_000


def test_no_file_of_its_own(tmp_path: Path) -> None:
    """A pipe that nobody reads does not keep anybody waiting."""
    os.mkfifo(tmp_path / "bodies")
    reader = os.open(tmp_path / "bodies", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(OSError, match="no file of its own"):
        BodiesFile(tmp_path / "bodies", 10).append(b"x")
    os.close(reader)


def test_the_file_begins_anew(tmp_path: Path) -> None:
    """It is kept once under another name; the one before that is gone."""
    file = BodiesFile(tmp_path / "bodies", 10)
    for lines in (b"one\n", b"two\n", b"three\n", b"four\n", b"five\n"):
        file.append(lines)

    assert (tmp_path / "bodies").read_bytes() == b"four\nfive\n"
    assert (tmp_path / "bodies.1").read_bytes() == b"three\n"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Nobody has it written over another file."""
    (tmp_path / "bodies").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic"):
        BodiesFile(tmp_path / "bodies", 10).append(b"x")

    assert not (tmp_path / "other").exists()


def test_a_disk_that_fails(tmp_path: Path, logged: list[dict[str, Any]]) -> None:
    """Clients notice nothing, and it is said once; so is that it works again."""
    world = recorded(tmp_path)
    (tmp_path / "bodies").mkdir()

    assert [world.get("/v1/models", KEYED).status for _ in range(3)] == [200] * 3
    (told,) = [e for e in logged if e["log_level"].name == "error"]
    assert str(tmp_path / "bodies") in told["error"]
    (tmp_path / "bodies").rmdir()
    world.get("/v1/models", KEYED)
    assert [e for e in logged if e["log_format"].startswith("bodies are written again")]


def test_a_disk_that_is_slow(tmp_path: Path) -> None:
    """What waits to be written is bounded; the rest is left out."""
    jobs: list[Any] = []

    def in_thread(job: Any) -> Deferred[Any]:
        jobs.append(job)
        return Deferred()

    world = recorded(tmp_path, in_thread=in_thread)
    for _ in range(MOST_WAITING + 5):
        world.get("/v1/models", KEYED)

    assert len(jobs) == MOST_WAITING


def test_off(tmp_path: Path) -> None:
    """As long as nobody asks for it, nothing is recorded."""
    world = World(tmp_path)
    world.google.script = [WHOLE]
    world.generate()
    requests = [client.protocol.requests for client in world.clients]

    assert world.site.bodies is None
    assert all(request.recording is None for each in requests for request in each)
    assert not (tmp_path / "bodies").exists()


def test_turned_off(tmp_path: Path) -> None:
    """What was under way then leaves nothing where there may be no file any more."""
    world = recorded(tmp_path)
    world.google.script = [Reply(body=event(TEXT), stays_open=True)]
    path = "/v1/models/pro:streamGenerateContent?alt=sse"
    client = world.post(path, HELLO, KEYED)
    world.site.bodies = None
    client.leave()

    assert [served.events for served in world.ended] == [1]
    assert not (tmp_path / "bodies").exists()


def test_loud(tmp_path: Path, logged: list[dict[str, Any]]) -> None:
    """Whoever has it on is told so with the loudest level, and which file it is."""
    world = recorded(tmp_path)
    assert world.site.bodies is not None
    world.site.bodies.warn()

    assert logged[-1]["log_level"].name == "critical"
    assert logged[-1]["file"] == str(tmp_path / "bodies")
