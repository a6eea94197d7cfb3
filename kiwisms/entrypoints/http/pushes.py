"""Receives the messages that the provider pushes to a secret address."""

from typing import Final

from aiohttp import web

from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.http.requests import read_push
from kiwisms.entrypoints.http.responses import json_response

PATH: Final = "/push/"


def push_url(base_url: str, secret: str) -> str:
    """Return the address to which the provider pushes."""
    return f"{base_url}{PATH}{secret}"


def push_route(kiwi: Kiwisms) -> web.RouteDef:
    """Make the route for pushed messages; with a wrong secret it is an unknown path."""

    async def handler(request: web.Request) -> web.Response:
        if not kiwi.pushes.knows(request.match_info["secret"]):
            raise web.HTTPNotFound
        if request.method != "POST":
            raise web.HTTPMethodNotAllowed(request.method, ["POST"])
        await kiwi.pushes.accept(await read_push(request, kiwi.ports.clock.now()))
        return json_response({"status": "ok"})

    return web.route("*", PATH + "{secret}", handler)
