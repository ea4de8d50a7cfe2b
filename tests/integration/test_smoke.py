"""The daemon answers at all."""

import json
import urllib.request

from daemons import KEY, Daemon, Sandbox


def test_generate(gateway: Daemon, sandbox: Sandbox) -> None:
    """A request is answered from one of the accounts."""
    request = urllib.request.Request(
        f"{gateway.url}/v1beta/models/gemini-2.5-flash:generateContent",
        data=b'{"contents":[{"parts":[{"text":"Hello"}]}]}',
        headers={"x-goog-api-key": KEY, "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = json.loads(response.read())

    assert "Hello" in answer["candidates"][0]["content"]["parts"][0]["text"]
    assert [call["status"] for call in sandbox.calls("generateContent")] == [200]
