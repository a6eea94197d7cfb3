"""``/openapi.json``, and ``/docs``: a page that shows it and loads nothing from other hosts."""

from importlib.resources import files
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from stopments import FAVICON, STYLES, WEB_COMPONENTS, get_stoplight_elements_html

from kiwisms.entrypoints.http.responses import JSON_HEADERS, SAFE_HEADERS

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
FOR_A_DAY: Final = {"Cache-Control": "public, max-age=86400"}


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
    json = {**JSON_HEADERS, "Access-Control-Allow-Origin": "*"}
    file = {**SAFE_HEADERS, **FOR_A_DAY}
    return [
        # Pages of other sites may read the contract: there is nothing secret in it.
        web.get("/openapi.json", _fixed(contract, json)),
        web.get("/docs", _fixed(page.strip().encode(), {**SAFE_HEADERS, **html})),
        *(
            web.get(
                f"/docs/{name}",
                _fixed(_asset(name), {**file, "Content-Type": kind}),
            )
            for name, kind in ASSETS.items()
        ),
    ]


def _asset(name: str) -> bytes:
    return files("stopments").joinpath("static", name).read_bytes()


def _fixed(body: bytes, headers: dict[str, str]) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers=headers)

    return handler
