"""A customer's webhook address that remembers all it hears."""

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from attrs import field, frozen


@frozen(kw_only=True)
class Receiver:
    """Takes every event; *heard* has the bodies that came under one ``webhook-id``."""

    url: str
    heard: dict[str, list[bytes]] = field(factory=lambda: defaultdict(list))


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Listen on loopback for the block."""

    async def hear(request: web.Request) -> web.Response:
        hook.heard[request.headers["webhook-id"]].append(await request.read())
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook = Receiver(url=f"http://127.0.0.1:{runner.addresses[0][1]}/")
    try:
        yield hook
    finally:
        await runner.cleanup()
