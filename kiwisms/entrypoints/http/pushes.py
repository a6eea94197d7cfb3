"""The provider's door: messages that it pushes to an address that it alone knows."""

from typing import Final

from aiohttp import web

from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.http.answers import json_answer
from kiwisms.entrypoints.http.requests import read_push

PATH: Final = "/push/"


def push_url(base_url: str, secret: str) -> str:
    """Say to which address the provider is to push."""
    return f"{base_url}{PATH}{secret}"


def push_route(kiwi: Kiwisms) -> web.RouteDef:
    """Take in what is pushed; to all who do not know the address it is not there."""

    async def handler(request: web.Request) -> web.Response:
        if not kiwi.pushes.knows(request.match_info["secret"]):
            raise web.HTTPNotFound
        if request.method != "POST":
            raise web.HTTPMethodNotAllowed(request.method, ["POST"])
        await kiwi.pushes.accept(await read_push(request, kiwi.ports.clock.now()))
        return json_answer({"status": "ok"})

    return web.route("*", PATH + "{secret}", handler)
