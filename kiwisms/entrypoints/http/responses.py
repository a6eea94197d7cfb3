"""JSON responses, with the headers that every response has."""

from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import web
from multidict import CIMultiDict

SAFE_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "kiwisms",
    "X-Content-Type-Options": "nosniff",
}
"""On every response: it is not cached, framed or sniffed, and loads nothing."""
JSON_HEADERS: Final = CIMultiDict({**SAFE_HEADERS, "Content-Type": "application/json"})


def json_response(
    document: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Write *document* as JSON, with *headers* beside those of every response."""
    # aiohttp uses a multidict as it is, but copies any other mapping into one.
    own = JSON_HEADERS.copy()
    if headers:
        own.update(headers)
    return web.Response(body=orjson.dumps(document), status=status, headers=own)
