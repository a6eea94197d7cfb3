"""Every way in which a provider that is not ours may put the same answer on the wire."""

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterator
from itertools import repeat

import pytest

from kiwisms.adapters.daisysms import DaisySMS
from kiwisms.adapters.daisysms.replies import GONE, REFUSALS
from kiwisms.domain.catalog import Catalog, CountryCode, ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.domain.sms import Code
from kiwisms.ports.provider import (
    Ambiguous,
    Cancelled,
    Finished,
    Gone,
    NumberOrder,
    Phone,
    Received,
    Refusal,
    Refused,
    Rented,
    Unknown,
    Waiting,
)
from tests.unit.adapters.raw_server import Answer, http, raw_server

KEY = "s3cret-key"
ONE = ActivationId("999000")
USA = CountryCode("187")
GO = ServiceCode("go")
ORDER = NumberOrder(service=GO, country=USA, max_cost=Money.parse("0.30"))
RENTED = Rented(activation_id=ONE, phone=Phone("12025550123"), cost=Money.parse("0.30"))
BODY = b"ACCESS_NUMBER:999000:12025550123"
PRICE = b"X-Price: 0.30"


def chunked(*chunks: bytes) -> bytes:
    """Write a body in chunks, in HTTP's way."""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def head(*headers: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join([status, *headers, b"", b""])


CHUNKED = head(PRICE, b"Transfer-Encoding: chunked")
WHOLE = http(BODY, PRICE)


async def rented(answer: Answer, *, hangs_up: bool = False, patience: float = 5) -> object:
    async with (
        raw_server(lambda _: answer, hangs_up=hangs_up) as server,
        DaisySMS(server.url, KEY, timeout=patience) as sms,
    ):
        said = await sms.rent(ORDER)
        assert len(server.asked) == 1
        return said


@pytest.mark.parametrize(
    "answer",
    [
        http(BODY, PRICE, b"Content-Type: text/html; charset=UTF-8"),
        http(BODY, PRICE, b"Content-Type: text/html; charset=no-such-thing"),
        http(BODY, PRICE, b"Content-Type: application/json"),
        http(BODY, PRICE, b"Content-Type: ;;;"),
        http(BODY + b"\n", PRICE),
        http(b"\r\n " + BODY + b" \t\r\n\r\n", PRICE),
        http(b"\xef\xbb\xbf" + BODY + b"\n", PRICE),
        http(BODY.replace(b":1202", b":+1202"), PRICE),
        http(BODY, b"x-price: 0.30"),
        http(BODY, b"X-PRICE:0.3"),
        http(BODY, b"X-Price:  0.300000  "),
        http(BODY, PRICE, b"Connection: close"),
        http(BODY, PRICE, b"Set-Cookie: a=b", b"Server: nginx", b"CF-RAY: 1-FRA"),
        http(BODY, PRICE, status=b"200"),
        http(BODY, PRICE, status=b"201 Created"),
        http(BODY, PRICE, status=b"400 Bad Request"),
        http(BODY, PRICE, status=b"403 Forbidden"),
        http(BODY, PRICE, status=b"500 Oops"),
        http(gzip.compress(BODY), PRICE, b"Content-Encoding: gzip"),
        http(zlib.compress(BODY), PRICE, b"Content-Encoding: deflate"),
        http(BODY, PRICE).replace(b"HTTP/1.1", b"HTTP/1.0"),
        CHUNKED + chunked(BODY),
        CHUNKED + chunked(*(bytes([byte]) for byte in BODY + b"\n")),
        CHUNKED.replace(b"chunked", b"Chunked") + chunked(b"\n", BODY, b"\n"),
        head(status=b"HTTP/1.1 100 Continue") + WHOLE,
        head(b"Link: </a>; rel=preload", status=b"HTTP/1.1 103 Early Hints") + WHOLE,
    ],
)
async def test_one_answer_has_many_forms(answer: bytes) -> None:
    assert await rented(answer) == RENTED


@pytest.mark.parametrize("version", [b"HTTP/1.0 200 OK", b"HTTP/1.1 200 OK"])
async def test_an_answer_may_end_with_its_connection(version: bytes) -> None:
    assert await rented(head(PRICE, status=version) + BODY + b"\n", hangs_up=True) == RENTED


async def test_a_slow_answer_is_waited_for() -> None:
    assert await rented([WHOLE[at : at + 7] for at in range(0, len(WHOLE), 7)]) == RENTED


@pytest.mark.parametrize(
    ("answer", "hangs_up"),
    [
        (head(PRICE, b"Content-Length: 33") + BODY, True),
        (CHUNKED + chunked(BODY)[:-5], True),
        (CHUNKED + chunked(BODY)[:-9], True),
        (head(PRICE)[:-2], True),
        (b"HTTP/1.1 200 OK\r\nX-Pr", True),
    ],
)
async def test_half_an_answer_is_none(answer: bytes, hangs_up: bool) -> None:
    assert isinstance(await rented(answer, hangs_up=hangs_up), Unknown)


@pytest.mark.parametrize(
    "status", [b"200 OK", b"400 Bad", b"401 No", b"402 Pay", b"403 Never", b"404 None", b"500 Oh"]
)
@pytest.mark.parametrize("text", REFUSALS)
async def test_every_refusal_comes_with_any_status(text: str, status: bytes) -> None:
    answer = http(text.encode() + b"\n", b"Content-Type: text/html", status=status)
    assert await rented(answer) == Refused(REFUSALS[text])


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad", b"404 None"])
async def test_every_other_answer_comes_with_any_status_and_space(status: bytes) -> None:
    texts = iter(
        [
            b"STATUS_OK:00:42\r\n",
            b"STATUS_WAIT_CODE ",
            b"STATUS_CANCEL\n",
            *(f"{gone}\n".encode() for gone in sorted(GONE)),
            b"\tACCESS_ACTIVATION\n",
            b"ACCESS_CANCEL\n",
            b"ACCESS_READY\r\n",
            b"ACCESS_BALANCE:50.30\n",
            b"ASLEEP:999000:12025550123:1767268800\n",
            b"BAD_ID\n",
        ]
    )
    async with (
        raw_server(
            lambda _: http(next(texts), b"x-text: Your code: 00:42", status=status)
        ) as server,
        DaisySMS(server.url, KEY) as sms,
    ):
        assert await sms.look(ONE) == Received(code=Code("00:42"), text="Your code: 00:42")
        assert await sms.look(ONE) == Waiting()
        assert await sms.look(ONE) == Cancelled()
        assert await sms.look(ONE) == Gone()
        assert await sms.look(ONE) == Gone()
        assert await sms.finish(ONE) == Finished()
        assert await sms.cancel(ONE) == Cancelled()
        assert await sms.cancel(ONE) == Ambiguous()
        assert await sms.balance() == Money.parse("50.30")
        again = await sms.renew(ONE)
        assert isinstance(again, Rented)
        assert again.asleep_until is not None
        assert await sms.renew(ONE) == Refused(Refusal.NOT_RENEWABLE)


TABLES = {
    "country first": {"187": {"go": {"cost": 0.3, "count": 100}}},
    "service first": {"go": {"187": {"price": "0.30", "count": "100", "repeatable": 1}}},
    "flat": {"go": {"retail_price": 0.30, "count": 100, "name": "Google", "multiSms": False}},
}


@pytest.mark.parametrize("shape", TABLES)
@pytest.mark.parametrize("status", [b"200 OK", b"403 Forbidden"])
async def test_a_price_table_has_many_forms(shape: str, status: bytes) -> None:
    body = json.dumps(TABLES[shape], indent=1).encode() + b"\n"
    html = b"content-type: text/html"
    coded = (html, b"Content-Encoding: gzip")
    answers = iter(
        [
            http(body, html, status=status),
            http(b"\xef\xbb\xbf" + body, status=status),
            http(gzip.compress(body), *coded, status=status),
            head(b"Transfer-Encoding: chunked") + chunked(body[:9], body[9:]),
        ]
    )
    async with (
        raw_server(lambda _: next(answers)) as server,
        DaisySMS(server.url, KEY) as sms,
    ):
        for _ in range(4):
            read = await sms.catalog(USA)
            assert isinstance(read, Catalog)
            assert (read.offers[GO].cost, read.offers[GO].count) == (Money.parse("0.30"), 100)


# Time and size


def endless_body() -> Iterator[bytes]:
    yield head(PRICE)
    yield from repeat(b"A")


def endless_head() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nX-Slow: "
    yield from repeat(b"A")


def endless_interim() -> Iterator[bytes]:
    return repeat(head(status=b"HTTP/1.1 100 Continue"))


@pytest.mark.parametrize("answer", [endless_body, endless_head, endless_interim])
async def test_an_answer_that_dribbles_is_not_waited_for_any_longer(
    answer: Callable[[], Iterator[bytes]],
) -> None:
    began = time.monotonic()
    said = await rented(answer(), patience=0.3)
    assert isinstance(said, Unknown)
    assert "Timeout" in said.detail
    assert time.monotonic() - began < 3


async def test_a_body_without_end_is_cut_off() -> None:
    async with (
        raw_server(lambda _: [head(PRICE), bytes(200_000)]) as server,
        DaisySMS(server.url, KEY, timeout=30) as sms,
    ):
        assert await sms.rent(ORDER) == Unknown("more than 65536 bytes")
        assert await sms.look(ONE) == Unknown("more than 65536 bytes")
        assert len(server.asked) == 2


async def test_headers_without_end_are_cut_off() -> None:
    flood = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: a\r\n" % each for each in range(10_000))
    assert isinstance(await rented(flood, patience=30), Unknown)


# One call is one request


async def test_many_calls_at_once_are_one_request_each() -> None:
    async with (
        raw_server(lambda asked: WHOLE if asked % 2 else None) as server,
        DaisySMS(server.url, KEY) as sms,
    ):
        said = await asyncio.gather(*(sms.rent(ORDER) for _ in range(40)))
        assert len(server.asked) == 40
        assert server.connections == 40
    assert said.count(RENTED) == 20
    assert sum(isinstance(each, Unknown) for each in said) == 20


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nACCESS",
        b"no HTTP at all\r\n\r\n",
    ],
)
@pytest.mark.parametrize("reset", [False, True])
async def test_however_the_answer_is_lost_nothing_is_asked_twice(
    answer: bytes | None, reset: bool
) -> None:
    async with (
        raw_server(lambda _: answer, hangs_up=True, reset=reset) as server,
        DaisySMS(server.url, KEY) as sms,
    ):
        assert isinstance(await sms.rent(ORDER), Unknown)
        assert isinstance(await sms.renew(ONE), Unknown)
        assert [query["action"] for query in server.queries] == ["getNumber", "getExtraActivation"]


async def test_who_stops_waiting_asks_once() -> None:
    async with (
        raw_server(lambda _: endless_body()) as server,
        DaisySMS(server.url, KEY) as sms,
    ):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sms.rent(ORDER), 0.1)
        assert len(server.asked) == 1


# What goes along


async def test_nothing_that_upstream_sets_is_brought_back() -> None:
    async with (
        raw_server(lambda _: http(b"ACCESS_BALANCE:1", b"Set-Cookie: who=you; Path=/")) as server,
        DaisySMS(server.url.replace("127.0.0.1", "localhost"), KEY) as sms,
    ):
        for _ in range(2):
            assert await sms.balance() == Money.parse(1)
    assert len(server.heads) == 2
    assert not any(b"cookie" in each.lower() for each in server.heads)
