"""What every answer has: the contract's shape for an error, and headers that keep it safe."""

import pytest

from kiwisms.entrypoints.http.errors import MAX_BODY_BYTES
from kiwisms.entrypoints.http.responses import SAFE_HEADERS
from tests.e2e.http.site import Answer, Customer, Site


@pytest.fixture
def store_url() -> str:
    return "memory://"


PATHS = {
    "/api/v1/balance": "GET,HEAD",
    "/api/v1/services": "GET,HEAD",
    "/api/v1/rentals": "GET,HEAD,POST",
    "/api/v1/rentals/x": "GET,HEAD",
    "/api/v1/rentals/x/cancel": "POST",
    "/api/v1/rentals/x/done": "POST",
    "/api/v1/rentals/x/renew": "POST",
    "/api/public/pricing": "GET,HEAD",
    "/livez": "GET,HEAD",
    "/readyz": "GET,HEAD",
    "/metrics": "GET,HEAD",
    "/docs": "GET,HEAD",
    "/openapi.json": "GET,HEAD",
}


def assert_safe(answer: Answer) -> None:
    differing = {"Cache-Control", "Content-Security-Policy"}
    for name, value in SAFE_HEADERS.items():
        assert answer.headers[name] == value or name in differing
    assert differing <= set(answer.headers)
    assert "unsafe-eval" not in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "aiohttp" not in str(answer.headers).lower()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/api/v1",
        "/api/v2/balance",
        "/api/v1/balance/",
        "/api/v1/rentals//cancel",
        "/API/V1/BALANCE",
        "/docs/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
async def test_an_unknown_path(site: Site, method: str, path: str) -> None:
    answer = await site.ask(method, path)
    assert answer.told == (404, "NOT_FOUND")
    assert_safe(answer)


@pytest.mark.parametrize("path", PATHS)
async def test_another_method_is_told_which_are_allowed(
    site: Site, ada: Customer, path: str
) -> None:
    allowed = PATHS[path].split(",")
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - {*allowed}:
        answer = await site.ask(method, path, headers={"X-API-Key": ada.key})
        assert answer.told == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["Allow"] == PATHS[path]
        assert_safe(answer)


@pytest.mark.parametrize("path", [path for path, methods in PATHS.items() if "HEAD" in methods])
async def test_head_is_get_without_a_body(site: Site, ada: Customer, path: str) -> None:
    got, headed = [
        await site.ask(method, path, headers={"X-API-Key": ada.key}) for method in ("GET", "HEAD")
    ]
    assert headed.body == b""
    assert headed.status == got.status
    assert headed.headers["Content-Type"] == got.headers["Content-Type"]
    assert_safe(got)
    assert_safe(headed)


async def test_a_body_may_have_64_kib(site: Site, ada: Customer) -> None:
    body = b'{"service": "go"}'
    fits = await ada.ask("POST", "/rentals", data=body.ljust(MAX_BODY_BYTES))
    assert fits.status == 201
    large = await ada.ask("POST", "/rentals", data=body.ljust(MAX_BODY_BYTES + 1))
    assert large.told == (413, "PAYLOAD_TOO_LARGE")
    assert_safe(large)
    assert site.bought == 1
    assert (await ada.ask("POST", "/rentals", data=b" " * 1_000_000)).status == 413
    assert await ada.balance() == 9.61


async def test_good_and_bad_answers_are_safe(site: Site, ada: Customer) -> None:
    for answer in (
        await ada.rent(),
        await ada.rent(service="nothing"),
        await ada.ask("GET", "/services"),
        await ada.ask("POST", "/rentals", data=b"{"),
        await site.ask("GET", "/api/v1/balance"),
        await site.ask("GET", "/docs/web-components.min.js"),
    ):
        assert_safe(answer)


async def test_only_what_is_public_may_be_kept(site: Site, ada: Customer) -> None:
    assert (await ada.ask("GET", "/balance")).headers["Cache-Control"] == "no-store"
    assert (await ada.ask("GET", "/nothing")).headers["Cache-Control"] == "no-store"
    assert (await site.ask("GET", "/docs")).headers["Cache-Control"] == "no-store"
