"""What is no proper request is answered in the contract's shape, and is no error of ours."""

import asyncio
import gzip
import json
import logging
import zlib
from collections.abc import Iterator

import pytest

from kiwisms.entrypoints.http import requests
from kiwisms.entrypoints.http.errors import MAX_BODY_BYTES
from kiwisms.entrypoints.http.responses import JSON_HEADERS
from tests.e2e.http.site import Customer, Site, assert_is

ANSWERED_IN = 5.0
GO = b'{"service": "go"}'
RENT = (
    b"POST /api/v1/rentals HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 17\r\n\r\n" + GO
)


@pytest.fixture
def store_url() -> str:
    return "memory://"


@pytest.fixture(autouse=True)
def _no_error_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [each.message for each in caplog.records if each.levelno >= logging.WARNING] == []


def head(ada: Customer, *lines: bytes) -> bytes:
    key = b"X-API-Key: " + ada.key.encode()
    return b"\r\n".join((b"POST /api/v1/rentals HTTP/1.1", b"Host: x", key, *lines, b"", b""))


async def send(site: Site, *pieces: bytes, closes: bool = True) -> tuple[int, str]:
    """Write bytes and give status and code of the answer, which must be as every error is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(ANSWERED_IN):
            status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines if line)
            body = await reader.readexactly(int(headers["Content-Length"]))
            if closes:
                assert await reader.read() == b""
    finally:
        writer.close()
    assert headers.items() >= JSON_HEADERS.items()
    document = json.loads(body)
    assert_is("Error", document)
    return int(status.split()[1]), document["code"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n",
        b"hello there, you\r\n\r\n",
        b"GET\r\n\r\n",
        b"get /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"BANANA /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://x:99999/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 3000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Null: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX Space: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\n X: folded from the start\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\rY: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\nY: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n: no name\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda garbage: repr(garbage[:20]),
)
async def test_what_is_not_http_is_refused_and_the_line_is_cut(site: Site, garbage: bytes) -> None:
    assert await send(site, garbage) == (400, "BAD_REQUEST")
    again = await site.ask("GET", "/livez")
    assert again.status == 200


@pytest.mark.parametrize(
    "lines",
    [
        [b"Content-Length: abc"],
        [b"Content-Length: -1"],
        [b"Content-Length: 2", b"Content-Length: 3"],
        [b"Content-Length: 17", b"Content-Length: 17"],
        [b"Content-Length: 17, 17"],
        [b"Content-Length: +17"],
        [b"Content-Length: 1_7"],
        [b"Content-Length: 0x11"],
        [b"Content-Length:"],
        [b"Content-Length : 17"],
        [b"Content-Length: " + b"9" * 30],
        [b"Content-Length: 2", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 2"],
        [b"Transfer-Encoding: identity", b"Content-Length: 17"],
        [b"Transfer-Encoding: banana"],
        [b"Transfer-Encoding: xchunked"],
        [b"Transfer-Encoding: \x0bchunked"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding: chunked, chunked"],
        [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding : chunked"],
        [b"Transfer-Encoding:", b" chunked"],
    ],
    ids=lambda lines: repr(b", ".join(lines)),
)
async def test_a_body_of_no_clear_length_is_refused(
    site: Site, ada: Customer, lines: list[bytes]
) -> None:
    # Whoever reads a shorter body than a proxy before it finds another request behind it.
    assert await send(site, head(ada, *lines) + GO + RENT % ada.key.encode()) == (
        400,
        "BAD_REQUEST",
    )
    assert site.bought == 0


@pytest.mark.parametrize(
    "chunks",
    [
        b"ZZ\r\nhello\r\n0\r\n\r\n",
        b"-11\r\n%s\r\n0\r\n\r\n" % GO,
        b"0x11\r\n%s\r\n0\r\n\r\n" % GO,
        b"1_1\r\n%s\r\n0\r\n\r\n" % GO,
        b"11\n%s\n0\n\n" % GO,
        b"11;a\nb\r\n%s\r\n0\r\n\r\n" % GO,
        b"11\r\n%sXX0\r\n\r\n" % GO,
        b"11\r\n%s\r\n0\r\nContent-Length: 5\r\n\r\n" % GO,
        b"11\r\n%s\r\n0\r\n%s\r\n" % (GO, b"X: y\r\n" * 20_000),
    ],
    ids=lambda chunks: repr(chunks[:24]),
)
async def test_chunked_nonsense_is_refused(site: Site, ada: Customer, chunks: bytes) -> None:
    nonsense = head(ada, b"Transfer-Encoding: chunked") + chunks
    assert await send(site, nonsense) == (400, "BAD_REQUEST")
    assert site.bought == 0


@pytest.mark.parametrize(
    "line",
    [
        b"GET /livez",
        b"GET /nowhere",
        b"POST /nowhere",
        b"DELETE /api/v1/rentals",
        b"GET /api/v1/rentals?sync=0",
        b"GET /api/v1/rentals/x?sync=9",
        b"POST /push/wrong",
    ],
)
async def test_a_body_that_nobody_reads_is_no_request(
    site: Site, ada: Customer, line: bytes
) -> None:
    hidden = RENT % ada.key.encode()
    length = b"Content-Length: %d" % len(hidden)
    last = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"\r\n".join((line + b" HTTP/1.1", b"Host: x", length, b"", hidden + last)))
    async with asyncio.timeout(ANSWERED_IN):
        answers = await reader.read()
    writer.close()
    assert answers.count(b"HTTP/1.1 ") == 2
    assert answers.endswith(b'{"status":"ok"}')
    assert site.bought == 0


@pytest.mark.parametrize("coding", [b"gzip", b"deflate"])
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_body_that_cannot_be_unpacked_is_refused(
    site: Site, ada: Customer, coding: bytes, at_once: bool
) -> None:
    packed = [head(ada, b"Content-Encoding: " + coding, b"Content-Length: 5"), b"hello"]
    told = await send(site, *([b"".join(packed)] if at_once else packed), closes=False)
    assert told == (400, "INVALID_JSON")
    assert site.bought == 0


@pytest.mark.parametrize(
    "coding", ["br", "zstd", "compress", "x-gzip", "banana", "gzip, gzip", "identity, gzip"]
)
async def test_a_coding_that_is_not_known_is_refused(
    site: Site, ada: Customer, coding: str
) -> None:
    refused = await ada.ask("POST", "/rentals", data=GO, headers={"Content-Encoding": coding})
    assert refused.told == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert refused.json["error"] == "Content-Encoding must be gzip or deflate, or be left out"
    assert refused.headers["Accept-Encoding"] == "gzip, deflate"
    assert refused.headers["Server"] == "kiwisms"
    assert site.bought == 0


async def test_two_codings_in_two_headers_are_refused(site: Site, ada: Customer) -> None:
    lines = (b"Content-Encoding: identity", b"Content-Encoding: gzip", b"Content-Length: 17")
    told = await send(site, head(ada, *lines) + GO, closes=False)
    assert told == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert site.bought == 0


@pytest.mark.parametrize("coding", ["", "identity", "Identity", "gzip", "GZIP", "deflate"])
async def test_a_coding_that_is_known_is_read(ada: Customer, coding: str) -> None:
    packed = {"gzip": gzip.compress(GO), "deflate": zlib.compress(GO)}.get(coding.lower(), GO)
    headers = {"Content-Encoding": coding}
    assert (await ada.ask("POST", "/rentals", data=packed, headers=headers)).status == 201


async def test_a_body_counts_as_long_as_it_is_unpacked(site: Site, ada: Customer) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < MAX_BODY_BYTES
    refused = await ada.ask("POST", "/rentals", data=bomb, headers={"Content-Encoding": "gzip"})
    assert refused.told == (413, "PAYLOAD_TOO_LARGE")
    assert site.bought == 0


@pytest.mark.parametrize(
    "pieces",
    [
        [b"Content-Length: 100", b"{"],
        [b"Transfer-Encoding: chunked", b"1\r\n{\r\n", b"ZZ\r\nhello\r\n0\r\n\r\n"],
        [b"Transfer-Encoding: chunked", b"1\r\n{\r\n", b"FFFFFFFFFFFFFFFFFF\r\n"],
    ],
    ids=["short", "nonsense later", "a length without end"],
)
async def test_a_body_that_never_comes_whole_is_not_waited_for(
    site: Site, ada: Customer, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]
) -> None:
    monkeypatch.setattr(requests, "BODY_TIMEOUT_SECONDS", 0.1)
    length, *body = pieces
    # The line is cut some seconds later: until then the rest may come.
    told = await send(site, head(ada, length), *body, closes=False)
    # Nonsense that is read together with the head is no HTTP from the start.
    assert told in {(408, "REQUEST_TIMEOUT"), (400, "BAD_REQUEST")}
    assert told[0] == 408 or b"chunked" in length


@pytest.mark.parametrize("abruptly", [True, False])
async def test_a_client_that_goes_away_within_its_request_is_forgotten(
    site: Site, ada: Customer, abruptly: bool
) -> None:
    for length, body in ((b"Content-Length: 9", b"{"), (b"Transfer-Encoding: chunked", b"5\r\nab")):
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head(ada, length) + body)
        await writer.drain()
        end = writer.transport.abort if abruptly else writer.close
        end()
    assert await ada.balance() == 10.0
    assert site.bought == 0


async def test_a_strange_expectation_is_refused(ada: Customer) -> None:
    refused = await ada.ask("POST", "/rentals", json={}, headers={"Expect": "miracles"})
    assert refused.told == (417, "EXPECTATION_FAILED")
    assert refused.headers["Server"] == "kiwisms"


async def test_who_asks_whether_to_go_on_may(ada: Customer) -> None:
    rented = await ada.ask(
        "POST", "/rentals", json={"service": "go"}, headers={"Expect": "100-continue"}
    )
    assert rented.status == 201
