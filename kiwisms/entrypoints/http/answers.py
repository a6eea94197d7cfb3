"""An answer as it goes over the wire: JSON, its status, and headers that keep it safe."""

from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import web

SAFE: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "kiwisms",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer: nothing is kept, run, framed or guessed at."""
JSON: Final[Mapping[str, str]] = {**SAFE, "Content-Type": "application/json"}


def json_answer(
    document: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Write *document* as JSON; *headers* come beside those of every answer."""
    return web.Response(
        body=orjson.dumps(document),
        status=status,
        headers=JSON if headers is None else {**JSON, **headers},
    )
