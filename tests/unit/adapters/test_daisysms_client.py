"""What goes over the wire, and what comes back when the wire is bad."""

import asyncio
import gzip
import logging
import socket
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiwisms.adapters.daisysms import DaisySMS, Dialect
from kiwisms.domain.catalog import Catalog, CountryCode, ServiceCode
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.domain.sms import Code
from kiwisms.ports.provider import (
    Finished,
    NoAnswer,
    NumberOrder,
    Received,
    Refusal,
    Refused,
    Rented,
    Unknown,
)
from tests.unit.adapters.raw_server import http, raw_server

KEY = "s3cret/key+with &signs"
ONE = ActivationId("999000")
USA = CountryCode("187")
LISTS = Dialect(lists_active=True)
ORDER = NumberOrder(
    service=ServiceCode("go"), country=USA, max_cost=Money.parse("0.30"), areas=("503", "202")
)
NUMBER = http(b"ACCESS_NUMBER:999000:12025550123", b"X-Price: 0.30")

Call = Callable[[DaisySMS], Awaitable[object]]


def rent(sms: DaisySMS) -> Awaitable[object]:
    return sms.rent(ORDER)


def renew(sms: DaisySMS) -> Awaitable[object]:
    return sms.renew(ONE)


def catalog(sms: DaisySMS) -> Awaitable[object]:
    return sms.catalog(USA)


def balance(sms: DaisySMS) -> Awaitable[object]:
    return sms.balance()


def look(sms: DaisySMS) -> Awaitable[object]:
    return sms.look(ONE)


def finish(sms: DaisySMS) -> Awaitable[object]:
    return sms.finish(ONE)


def cancel(sms: DaisySMS) -> Awaitable[object]:
    return sms.cancel(ONE)


def active(sms: DaisySMS) -> Awaitable[object]:
    return sms.active()


ACTS_ONCE = (rent, renew)
ALL = (*ACTS_ONCE, catalog, balance, look, finish, cancel, active)


async def answer_to(call: Call, answer: bytes | None, *, patience: float = 5) -> object:
    async with (
        raw_server(lambda _: answer) as server,
        DaisySMS(server.url, KEY, timeout=patience, dialect=LISTS) as sms,
    ):
        return await call(sms)


# What is asked


async def test_every_wish_is_sent() -> None:
    async with raw_server(lambda _: NUMBER) as server, DaisySMS(server.url, KEY) as sms:
        await sms.rent(ORDER)
        await sms.rent(
            NumberOrder(
                service=ServiceCode("wa"),
                country=CountryCode("16"),
                max_cost=Money.parse("10"),
                carrier="tmo",
            )
        )
    assert server.queries == [
        {
            "api_key": KEY,
            "action": "getNumber",
            "service": "go",
            "country": "187",
            "max_price": "0.30",
            "areas": "503,202",
        },
        {
            "api_key": KEY,
            "action": "getNumber",
            "service": "wa",
            "country": "16",
            "max_price": "10.00",
            "carriers": "tmo",
        },
    ]


async def test_every_question_has_its_action() -> None:
    async with (
        raw_server(lambda _: http(b"BAD_ACTION")) as server,
        DaisySMS(server.url + "?lang=en", KEY) as sms,
    ):
        for call in (renew, look, DaisySMS.balance, catalog, finish, cancel):
            await call(sms)
        await sms.ask_next(ONE)
    common = {"api_key": KEY, "lang": "en"}
    assert server.queries == [
        {**common, "action": "getExtraActivation", "activationId": ONE},
        {**common, "action": "getStatus", "id": ONE, "text": "1"},
        {**common, "action": "getBalance"},
        {**common, "action": "getPrices", "country": "187"},
        {**common, "action": "setStatus", "id": ONE, "status": "6"},
        {**common, "action": "setStatus", "id": ONE, "status": "8"},
        {**common, "action": "setStatus", "id": ONE, "status": "3"},
    ]


async def test_a_dialect_has_its_price_in_json() -> None:
    body = b'{"activationId": 1, "phoneNumber": "+12025550123", "activationCost": 0.305}'
    async with (
        raw_server(lambda _: http(body)) as server,
        DaisySMS(server.url, KEY, dialect=Dialect(price_in_json=True)) as sms,
    ):
        rented = await sms.rent(ORDER)
    assert isinstance(rented, Rented)
    assert rented.cost == Money.parse("0.305")
    assert server.queries[0]["action"] == "getNumberV2"


async def test_no_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert await answer_to(balance, http(b"ACCESS_BALANCE:1")) == Money.parse(1)


# What must not happen twice


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("call", ACTS_ONCE)
async def test_a_lost_answer_is_never_asked_for_again(call: Call, reset: bool) -> None:
    async with raw_server(lambda _: None, reset=reset) as server, DaisySMS(server.url, KEY) as sms:
        assert isinstance(await call(sms), Unknown)
        assert len(server.asked) == 1


@pytest.mark.parametrize("call", ACTS_ONCE)
async def test_an_answer_lost_on_a_known_server_is_never_asked_for_again(call: Call) -> None:
    async with (
        raw_server(lambda asked: NUMBER if asked < 3 else None) as server,
        DaisySMS(server.url, KEY) as sms,
    ):
        await sms.balance()
        assert isinstance(await call(sms), Rented)
        assert isinstance(await call(sms), Unknown)
        assert len(server.asked) == 3


async def test_what_must_not_happen_twice_has_a_connection_of_its_own() -> None:
    async with raw_server(lambda _: NUMBER) as server, DaisySMS(server.url, KEY) as sms:
        for _ in range(2):
            await sms.balance()
        assert server.connections == 1
        for _ in range(2):
            await sms.rent(ORDER)
        assert server.connections == 3


async def test_what_is_safe_to_repeat_survives_a_closed_connection() -> None:
    async with (
        raw_server(lambda asked: None if asked == 2 else http(b"ACCESS_ACTIVATION")) as server,
        DaisySMS(server.url, KEY) as sms,
    ):
        assert await sms.finish(ONE) == Finished()
        assert await sms.finish(ONE) == Finished()


@pytest.mark.parametrize("call", ALL)
async def test_a_redirect_is_not_followed(call: Call) -> None:
    async with (
        raw_server(
            lambda _: http(b"ACCESS_NUMBER:1:12025550123", b"Location: /", status=b"302 Found")
        ) as server,
        DaisySMS(server.url, KEY, dialect=LISTS) as sms,
    ):
        assert await call(sms) == Unknown("redirect 302")
        assert len(server.asked) == 1


# When nobody is there


@pytest.fixture
def dead_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


@pytest.mark.parametrize("call", ALL)
async def test_without_a_connection_nothing_was_asked(call: Call, dead_url: str) -> None:
    async with DaisySMS(dead_url, KEY, dialect=LISTS) as sms:
        assert await call(sms) == Refused(Refusal.UNREACHABLE)
        await sms.ask_next(ONE)


async def test_a_connection_that_takes_too_long_was_never_used() -> None:
    async with raw_server(lambda _: b"") as server:  # it never shakes hands
        url = server.url.replace("http:", "https:")
        async with DaisySMS(url, KEY, timeout=0.1) as sms:
            assert await sms.rent(ORDER) == Refused(Refusal.UNREACHABLE)


@pytest.mark.parametrize("call", ALL)
async def test_an_answer_that_takes_too_long_is_unknown(call: Call) -> None:
    said = await answer_to(call, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nNO_", patience=0.1)
    assert isinstance(said, Unknown)
    assert "Timeout" in said.detail


# What the answer may look like


@pytest.mark.parametrize("call", ALL)
async def test_a_key_that_is_revoked_is_refused_whatever_is_asked(call: Call) -> None:
    assert await answer_to(call, http(b"BAD_KEY")) == Refused(Refusal.BAD_KEY)


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad", b"401 No", b"402 Pay", b"403 Never"])
async def test_the_body_counts_and_not_the_status(status: bytes) -> None:
    assert await answer_to(rent, http(b"NO_NUMBERS\r\n", status=status)) == Refused(
        Refusal.NO_NUMBERS
    )


@pytest.mark.parametrize("status", [b"200 OK", b"403 Forbidden", b"503 Busy"])
@pytest.mark.parametrize("call", ALL)
async def test_a_protection_page_is_unknown(call: Call, status: bytes) -> None:
    page = http(b"<html>ACCESS_NUMBER:1:12025550123</html>", status=status)
    assert await answer_to(call, page) == Unknown("<html>ACCESS_NUMBER:1:…23</html>")


@pytest.mark.parametrize("call", ALL)
@pytest.mark.parametrize(
    "answer",
    [
        http(b"\xff\xfe\x00\x80"),
        http(b"\xef\xbb\xbf"),
        http(b""),
        b"\x00\xff" * 50 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        http(b"no gzip at all", b"Content-Encoding: gzip"),
        http(b"x", b"X-Long: " + b"x" * 100_000),
    ],
)
async def test_garbage_is_unknown(call: Call, answer: bytes) -> None:
    assert isinstance(await answer_to(call, answer), Unknown)


async def test_the_longest_text_is_read_and_no_longer_one() -> None:
    longest = b"NO_NUMBERS".ljust(64 * 1024)
    assert await answer_to(rent, http(longest)) == Refused(Refusal.NO_NUMBERS)
    assert await answer_to(rent, http(longest + b" ")) == Unknown("more than 65536 bytes")


async def test_the_longest_table_is_read_and_no_longer_one() -> None:
    table = b'{"go": {"cost": "0.30", "count": "100"}}'
    longest = table.ljust(4 * 1024 * 1024)
    read = await answer_to(catalog, http(longest))
    assert isinstance(read, Catalog)
    assert set(read.offers) == {"go"}
    assert await answer_to(catalog, http(longest + b" ")) == Unknown("more than 4194304 bytes")


async def test_a_small_answer_may_not_unpack_to_a_long_one() -> None:
    bomb = gzip.compress(b"NO_NUMBERS".ljust(64 * 1024 * 1024))
    said = await answer_to(rent, http(bomb, b"Content-Encoding: gzip"))
    assert said == Unknown("more than 65536 bytes")


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("Ваш код 0123 👋".encode(), "Ваш код 0123 👋"),
        ("Ihr Schlüssel: 0123".encode("latin-1"), "Ihr Schlüssel: 0123"),
        (b"100%25 a%20b", "100%25 a%20b"),
        (b"", None),
    ],
)
async def test_a_whole_message_is_kept_as_it_is(header: bytes, text: str | None) -> None:
    said = await answer_to(look, http(b"STATUS_OK:0123", b"X-Text: " + header))
    assert said == Received(code=Code("0123"), text=text)


async def test_a_catalog_without_offers_is_one_and_a_refusal_is_none() -> None:
    assert isinstance(await answer_to(catalog, http(b"{}")), Catalog)
    assert await answer_to(catalog, http(b"BAD_KEY")) == Refused(Refusal.BAD_KEY)


@given(answer=st.binary(max_size=300) | st.binary(max_size=300).map(http))
@settings(max_examples=40, deadline=None)
def test_no_bytes_raise(answer: bytes) -> None:
    async def ask() -> object:
        async with (
            raw_server(lambda asked: answer if asked == 1 else None) as server,
            DaisySMS(server.url, KEY, timeout=0.05) as sms,
        ):
            return await sms.look(ONE)

    assert isinstance(asyncio.run(ask()), NoAnswer)


# What nobody may see


@pytest.mark.parametrize("call", ALL)
async def test_the_key_is_never_shown(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    forms = [KEY, "s3cret%2Fkey%2Bwith+%26signs", "s3cret/key+with &amp;signs"]
    for form in forms:
        said = await answer_to(call, http(f"/?api_key={form} is wrong".encode()))
        assert said == Unknown("/?api_key=[key] is wrong")
    assert "s3cret" not in caplog.text


async def test_the_key_is_in_no_repr(dead_url: str) -> None:
    async with DaisySMS(dead_url, KEY) as sms:
        await sms.rent(ORDER)
        assert repr(sms) == "DaisySMS('127.0.0.1')"
        assert "s3cret" not in "".join(repr(value) for value in vars(sms).values())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/api",
        "ftp://example.com/",
        "http://",
        "http://[",
        "http://me:pw@a/",
        "http://a..b/",
        f"http://{'a' * 64}.example/",
        "http://example.com:65536/",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationRefused, match=r"^url: ") as refused:
        DaisySMS(url, KEY)
    assert "pw" not in str(refused.value)


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValidationRefused, match=r"^key: "):
        DaisySMS("http://127.0.0.1/", " ")


async def test_it_can_be_closed_twice_and_used_again() -> None:
    async with raw_server(lambda _: http(b"ACCESS_BALANCE:1")) as server:
        sms = DaisySMS(server.url, KEY)
        for _ in range(2):
            assert await sms.balance() == Money.parse(1)
            await sms.close()
            await sms.close()
