"""An answer as it goes over the wire: JSON, its status, and headers that keep it safe."""

from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import web
from multidict import CIMultiDict

SAFE: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "kiwisms",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer: nothing is kept, run, framed or guessed at."""
JSON: Final = CIMultiDict({**SAFE, "Content-Type": "application/json"})


def json_answer(
    document: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Write *document* as JSON; *headers* come beside those of every answer."""
    # A multidict is taken as it is; of any other mapping aiohttp makes one each time.
    own = JSON.copy()
    if headers:
        own.update(headers)
    return web.Response(body=orjson.dumps(document), status=status, headers=own)
