"""
The least that a proxy between the two protocols can be, on aiohttp.

    python -m benchmarks.baseline http://127.0.0.1:UPSTREAM

It parses, wraps, unwraps and writes anew.  It has no accounts, keys, retries,
limits, log lines or errors of its own: what it costs is what the job costs.
"""

import json
import sys
from collections.abc import AsyncIterator
from uuid import uuid4

from aiohttp import ClientResponse, ClientSession, ClientTimeout, TCPConnector, web

from benchmarks.answers import PROJECT, TOKEN

LONGEST_BODY = 64 * 2**20
LONGEST_LINE = 8 * 2**20
BACKLOG = 4096
CLIENT = web.AppKey("client", ClientSession)
UPSTREAM = web.AppKey("upstream", str)


async def generate(request: web.Request) -> web.StreamResponse:
    """``/v1beta/models/MODEL:METHOD``, either of the two."""
    method = request.match_info["method"]
    envelope = {
        "project": PROJECT,
        "requestId": str(uuid4()),
        "model": request.match_info["model"],
        "userAgent": "baseline",
        "requestType": "agent",
        "request": await request.json(),
    }
    url = f"{request.app[UPSTREAM]}/v1internal:{method}"
    is_stream = method == "streamGenerateContent"
    posting = request.app[CLIENT].post(
        url, json=envelope, params={"alt": "sse"} if is_stream else None
    )
    async with posting as answer:
        if is_stream:
            return await relay(answer, request)
        return web.json_response((await answer.json())["response"])


async def relay(answer: ClientResponse, request: web.Request) -> web.StreamResponse:
    """Hand on the events as they come, without their envelopes."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    async for line in answer.content:
        if line.startswith(b"data: "):
            inside = json.dumps(json.loads(line[6:])["response"])
            await response.write(b"data: %b\n\n" % inside.encode())
    await response.write_eof()
    return response


async def health(_: web.Request) -> web.Response:
    """``/healthz``"""
    return web.json_response({"status": "ok"})


async def client(app: web.Application) -> AsyncIterator[None]:
    """One session for all requests, with as many connections as it takes."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with ClientSession(
        connector=TCPConnector(limit=0),
        timeout=ClientTimeout(total=None),
        read_bufsize=LONGEST_LINE,
        headers=headers,
    ) as app[CLIENT]:
        yield


def announce(line: str) -> None:
    """Say where it listens, in the words of the others."""
    if "http://" in line:
        url = line[line.index("http://") :].split()[0]
        print(f"listening on {url}", flush=True)


def main(upstream: str) -> None:
    """Serve on a free port until the process is ended."""
    app = web.Application(client_max_size=LONGEST_BODY)
    app[UPSTREAM] = upstream
    app.cleanup_ctx.append(client)
    app.router.add_post("/v1beta/models/{model}:{method}", generate)
    app.router.add_get("/healthz", health)
    web.run_app(
        app,
        host="127.0.0.1",
        port=0,
        access_log=None,
        print=announce,
        backlog=BACKLOG,
    )


if __name__ == "__main__":
    main(sys.argv[1])
