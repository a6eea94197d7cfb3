"""A server that answers every request with the bytes from its standard input."""

import asyncio
import sys

import uvloop
from aiohttp import web


async def serve(body: bytes) -> None:
    """Listen on a free port, print it to standard output, and answer until stopped."""

    async def answer(request: web.Request) -> web.Response:
        del request
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/api/v1/rentals/{id}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f'{{"port": {runner.addresses[0][1]}}}\n')
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.stdin.buffer.read()))
