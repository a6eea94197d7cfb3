"""``/openapi.json``, and ``/docs``: a page that shows it and asks no other host for anything."""

from importlib.resources import files
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from stopments import FAVICON, STYLES, WEB_COMPONENTS, get_stoplight_elements_html

from kiwisms.entrypoints.http.answers import JSON, SAFE

ASSETS: Final = {
    WEB_COMPONENTS: "text/javascript; charset=utf-8",
    STYLES: "text/css; charset=utf-8",
    FAVICON: "image/x-icon",
}
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
DAY: Final = {"Cache-Control": "public, max-age=86400"}


def reference_routes(contract: bytes) -> list[web.RouteDef]:
    """Serve *contract* and the page about it; all addresses on it are relative."""
    page = get_stoplight_elements_html(
        openapi_url="openapi.json",
        title="kiwiSMS API",
        stoplight_elements_js_url=f"docs/{WEB_COMPONENTS}",
        stoplight_elements_css_url=f"docs/{STYLES}",
        stoplight_elements_favicon_url=f"docs/{FAVICON}",
    )
    html = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": PAGE_POLICY}
    return [
        # Whoever reads the contract from another site may: there is nothing secret in it.
        web.get("/openapi.json", _fixed(contract, {**JSON, "Access-Control-Allow-Origin": "*"})),
        web.get("/docs", _fixed(page.strip().encode(), {**SAFE, **html})),
        *(
            web.get(f"/docs/{name}", _fixed(_asset(name), {**SAFE, **DAY, "Content-Type": kind}))
            for name, kind in ASSETS.items()
        ),
    ]


def _asset(name: str) -> bytes:
    return files("stopments").joinpath("static", name).read_bytes()


def _fixed(body: bytes, headers: dict[str, str]) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers=headers)

    return handler
