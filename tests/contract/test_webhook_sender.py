"""What a webhook sender does, shown to real receivers on loopback."""

import asyncio
import gzip
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis.strategies import binary, sampled_from

from kiwisms.adapters.webhook_sender import HttpWebhookSender
from kiwisms.domain.errors import ValidationRefused
from kiwisms.ports.webhooks import AddressChecker, Answered, NotAnswered

BODY = b'{"event":"rental.code"}'
HEADERS = {"webhook-id": "d-1", "X-Webhook-Signature": "ab12"}
PUBLIC = "93.184.215.14"
LOOPBACK = "127.0.0.1"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def receiver(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook"))


@asynccontextmanager
async def raw_receiver(
    handler: RawHandler, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve bytes; leaving waits until every caller has been seen off."""
    calls: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ssl.SSLError):
            await handler(reader, writer)
            writer.close()
            await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(begin, LOOPBACK, 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*calls)


@pytest.fixture
async def sender() -> AsyncIterator[HttpWebhookSender]:
    async with HttpWebhookSender(allow_private=True, timeout=5) as opened:
        yield opened


@pytest.fixture
async def careful_sender() -> AsyncIterator[HttpWebhookSender]:
    async with HttpWebhookSender(timeout=5) as opened:
        yield opened


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The addresses that sockets were to connect to; none of them does."""
    told: list[tuple[str, int]] = []

    def connect(_: socket.socket, address: tuple[str, int]) -> None:
        told.append(address[:2])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return told


def resolve_to(monkeypatch: pytest.MonkeyPatch, answers: Iterator[list[str]]) -> list[str]:
    """Let names have other addresses at each look-up; returns the names that were looked up."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [
            (
                socket.AF_INET6 if ":" in each else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (each, port, 0, 0) if ":" in each else (each, port),
            )
            for each in next(answers)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


async def accept(_: web.Request) -> web.StreamResponse:
    return web.Response()


async def test_a_webhook_arrives_as_it_was_given(sender: HttpWebhookSender) -> None:
    seen: list[tuple[str, bytes, dict[str, str]]] = []

    async def keep(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, await request.read(), dict(request.headers)))
        return web.Response(status=204)

    async with receiver(keep) as url:
        assert await sender.send(url, body=BODY, headers=HEADERS) == Answered(204)
    [(method, body, headers)] = seen
    assert (method, body) == ("POST", BODY)
    assert HEADERS.items() <= headers.items()
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "kiwisms-webhooks"
    assert "Accept-Encoding" not in headers


@pytest.mark.parametrize("status", [200, 202, 301, 304, 307, 400, 404, 410, 429, 500, 503])
async def test_every_status_is_an_answer(sender: HttpWebhookSender, status: int) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    async with receiver(answer) as url:
        assert await sender.send(url, body=BODY, headers=HEADERS) == Answered(status)


async def test_a_redirect_is_not_followed(sender: HttpWebhookSender) -> None:
    paths: list[str] = []

    async def redirect(request: web.Request) -> web.StreamResponse:
        paths.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with receiver(redirect) as url:
        assert await sender.send(url, body=BODY, headers=HEADERS) == Answered(307)
    assert paths == ["/hook"]


async def test_a_cookie_is_not_brought_back(sender: HttpWebhookSender) -> None:
    cookies: list[str | None] = []

    async def set_cookie(request: web.Request) -> web.StreamResponse:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "who=you; Path=/"})

    async with receiver(set_cookie) as url:
        # Cookies are kept for names, not for addresses.
        named = url.replace(LOOPBACK, "localhost")
        for _ in range(2):
            await sender.send(named, body=BODY, headers=HEADERS)
    assert cookies == [None, None]


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with HttpWebhookSender(allow_private=True) as sender, receiver(accept) as url:
        assert await sender.send(url, body=BODY, headers=HEADERS) == Answered(200)


async def test_a_receiver_that_is_too_slow_has_not_answered() -> None:
    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with (
        HttpWebhookSender(allow_private=True, timeout=0.1) as sender,
        raw_receiver(hang) as port,
    ):
        answer = await sender.send(f"http://127.0.0.1:{port}/", body=BODY, headers=HEADERS)
    assert answer == NotAnswered("timed out after 0.1 s")


async def test_a_status_counts_although_the_answer_never_ends() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nwait")
        await reader.read()

    async with (
        HttpWebhookSender(allow_private=True, timeout=0.1) as sender,
        raw_receiver(drip) as port,
    ):
        answer = await sender.send(f"http://127.0.0.1:{port}/", body=BODY, headers=HEADERS)
    assert answer == Answered(200)


async def test_a_huge_answer_is_cut_off(sender: HttpWebhookSender) -> None:
    cut_off = asyncio.Event()

    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(bytes(2**16))
                await writer.drain()
        except ConnectionError:
            cut_off.set()

    async with raw_receiver(pour) as port, asyncio.timeout(4):
        answer = await sender.send(f"http://127.0.0.1:{port}/", body=BODY, headers=HEADERS)
        await cut_off.wait()
    assert answer == Answered(200)


async def test_an_answer_is_not_unpacked(sender: HttpWebhookSender) -> None:
    bomb = gzip.compress(bytes(2**24))

    async def explode(_: web.Request) -> web.StreamResponse:
        return web.Response(body=bomb[:-8], headers={"Content-Encoding": "gzip"})

    async with receiver(explode) as url:
        assert await sender.send(url, body=BODY, headers=HEADERS) == Answered(200)


async def test_a_receiver_that_hangs_up_has_not_answered(sender: HttpWebhookSender) -> None:
    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with raw_receiver(hang_up) as port:
        answer = await sender.send(f"http://127.0.0.1:{port}/", body=BODY, headers=HEADERS)
    assert answer == NotAnswered("connection closed without an answer")


async def test_something_else_than_http_is_not_an_answer(sender: HttpWebhookSender) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")

    async with raw_receiver(greet) as port:
        answer = await sender.send(f"http://127.0.0.1:{port}/", body=BODY, headers=HEADERS)
    assert answer == NotAnswered("answer is not HTTP")


@settings(max_examples=40, deadline=None)
@given(start=sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 2"]), rest=binary(max_size=300))
def test_nothing_a_receiver_says_raises(start: bytes, rest: bytes) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start + rest)

    async def run() -> Answered | NotAnswered:
        async with HttpWebhookSender(allow_private=True) as sender, raw_receiver(babble) as port:
            return await sender.send(f"http://127.0.0.1:{port}/", body=BODY, headers=HEADERS)

    assert isinstance(asyncio.run(run()), Answered | NotAnswered)


async def test_without_a_listener_the_connection_is_refused(sender: HttpWebhookSender) -> None:
    with closing(socket.socket()) as unused:
        unused.bind((LOOPBACK, 0))
        port = unused.getsockname()[1]
        answer = await sender.send(f"http://127.0.0.1:{port}/", body=BODY, headers=HEADERS)
    assert answer == NotAnswered("connection refused")


async def test_a_certificate_is_checked(sender: HttpWebhookSender, tmp_path: Path) -> None:
    reached: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        reached.append(await reader.read())

    async with raw_receiver(keep, tls=self_signed(tmp_path)) as port:
        answer = await sender.send(f"https://localhost:{port}/", body=BODY, headers=HEADERS)
    assert answer == NotAnswered("certificate not valid")
    assert reached == []


async def test_https_is_not_spoken_without_tls(sender: HttpWebhookSender) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async with raw_receiver(greet) as port:
        answer = await sender.send(f"https://127.0.0.1:{port}/", body=BODY, headers=HEADERS)
    assert answer == NotAnswered("TLS failed")


async def test_many_are_sent_at_once(sender: HttpWebhookSender) -> None:
    everybody = asyncio.Barrier(120)

    async def meet(_: web.Request) -> web.StreamResponse:
        await everybody.wait()
        return web.Response()

    async with receiver(meet) as url:
        answers = await asyncio.gather(
            *(sender.send(url, body=BODY, headers=HEADERS) for _ in range(120))
        )
    assert set(answers) == {Answered(200)}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "127.1",
        "0177.0.0.1",
        "%31%32%37.0.0.1",
        "0.0.0.0",
        "0",
        "169.254.169.254",
        "10.0.0.1",
        "100.100.100.200",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[ff02::1]",
    ],
)
async def test_nothing_inside_the_house_is_connected_to(
    careful_sender: HttpWebhookSender, connects: list[tuple[str, int]], host: str
) -> None:
    answer = await careful_sender.send(f"http://{host}:8080/", body=BODY, headers=HEADERS)
    assert isinstance(answer, NotAnswered)
    assert connects == []


WRITTEN_INSIDE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "10.0.0.1",
    "192.168.1.1:8080",
    "[::1]",
    "[fd00::1]",
    "[::ffff:127.0.0.1]",
    "localhost",
    "LOCALHOST.",
    "ada.localhost:8080",
]


def test_it_says_beforehand_where_it_will_not_send() -> None:
    assert isinstance(HttpWebhookSender(), AddressChecker)


@pytest.mark.parametrize("host", [*WRITTEN_INSIDE, "169.254.169.254", "0.0.0.0", "[fe80::1]"])
def test_a_literal_address_is_refused_beforehand(
    host: str,
) -> None:
    with pytest.raises(ValidationRefused, match="url: is not a public address"):
        HttpWebhookSender().must_accept(f"http://{host}/hook")


@pytest.mark.parametrize("host", ["169.254.169.254", "0.0.0.0", "[fe80::1]"])
def test_some_are_refused_even_where_private_ones_are_not(
    host: str,
) -> None:
    with pytest.raises(ValidationRefused, match="url: is not a public address"):
        HttpWebhookSender(allow_private=True).must_accept(f"http://{host}/hook")


@pytest.mark.parametrize("host", WRITTEN_INSIDE)
def test_private_addresses_are_accepted_where_they_are_called(
    host: str,
) -> None:
    HttpWebhookSender(allow_private=True).must_accept(f"http://{host}/hook")


@pytest.mark.parametrize("host", ["9.9.9.9", "[2620:fe::fe]", "ada.example.com", "no.such.name"])
def test_no_name_server_is_asked_beforehand(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    asked: list[int] = []
    look_up = socket.getaddrinfo

    def watch(host: str, port: int | None, *, flags: int = 0) -> object:
        asked.append(flags)
        return look_up(host, port, flags=flags)

    monkeypatch.setattr(socket, "getaddrinfo", watch)
    HttpWebhookSender().must_accept(f"https://{host}/hook")
    assert asked == [socket.AI_NUMERICHOST]


@pytest.mark.parametrize("host", ["169.254.169.254", "0.0.0.0", "[fe80::1]", "[ff02::1]"])
async def test_private_receivers_do_not_open_the_rest(
    sender: HttpWebhookSender, connects: list[tuple[str, int]], host: str
) -> None:
    answer = await sender.send(f"http://{host}/", body=BODY, headers=HEADERS)
    assert answer == NotAnswered("address is not public")
    assert connects == []


async def test_a_receiver_inside_the_house_sees_nothing(careful_sender: HttpWebhookSender) -> None:
    calls: list[str] = []

    async def keep(request: web.Request) -> web.StreamResponse:
        calls.append(request.path)
        return web.Response()

    async with receiver(keep) as url:
        for host in (LOOPBACK, "localhost", "[::ffff:127.0.0.1]"):
            answer = await careful_sender.send(
                url.replace(LOOPBACK, host), body=BODY, headers=HEADERS
            )
            assert answer == NotAnswered("address is not public")
    assert calls == []


async def test_a_name_that_changes_its_address_does_not_get_in(
    careful_sender: HttpWebhookSender,
    connects: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = resolve_to(monkeypatch, iter([[PUBLIC], [LOOPBACK]]))
    url = "http://rebinding.example/"
    # Once: what was checked is what is connected to, and nothing is looked up in between.
    first = await careful_sender.send(url, body=BODY, headers=HEADERS)
    assert first == NotAnswered("connection refused")
    assert set(connects) == {(PUBLIC, 80)}
    assert len(asked) == 1
    # Twice: the name is looked up and checked again.
    second = await careful_sender.send(url, body=BODY, headers=HEADERS)
    assert second == NotAnswered("address is not public")
    assert set(connects) == {(PUBLIC, 80)}
    assert len(asked) == 2


async def test_of_several_addresses_only_public_ones_are_connected_to(
    careful_sender: HttpWebhookSender,
    connects: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve_to(monkeypatch, iter([[LOOPBACK, "::1", PUBLIC, "10.0.0.1", "64:ff9b::7f00:1"]]))
    await careful_sender.send("http://mixed.example:81/", body=BODY, headers=HEADERS)
    assert set(connects) == {(PUBLIC, 81)}


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example", "nobody.example"])
async def test_a_name_that_does_not_resolve_is_not_an_answer(
    careful_sender: HttpWebhookSender, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    def getaddrinfo(name: str, *_: object) -> list[tuple[object, ...]]:
        name.encode("idna")
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    answer = await careful_sender.send(f"http://{host}/", body=BODY, headers=HEADERS)
    assert answer == NotAnswered("name does not resolve")


async def test_names_that_never_resolve_hold_up_no_other(
    monkeypatch: pytest.MonkeyPatch, sender: HttpWebhookSender
) -> None:
    released = threading.Event()

    def getaddrinfo(name: str, port: int, *_: object) -> list[tuple[object, ...]]:
        if name == "dead.example":
            released.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (LOOPBACK, port))]

    async with receiver(accept) as url, asyncio.TaskGroup() as group:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        try:
            for _ in range(40):
                group.create_task(sender.send("http://dead.example/", body=BODY, headers={}))
            await asyncio.sleep(0)
            alive = url.replace(LOOPBACK, "alive.example")
            assert await sender.send(alive, body=BODY, headers={}) == Answered(200)
        finally:
            released.set()


async def test_a_name_without_addresses_does_not_resolve(
    careful_sender: HttpWebhookSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, iter([[]]))
    answer = await careful_sender.send("http://empty.example/", body=BODY, headers=HEADERS)
    assert answer == NotAnswered("name does not resolve")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "127.0.0.1",
        "",
        "http://",
        "http://ada:pw@127.0.0.1/",
    ],
)
async def test_an_address_of_another_form_is_not_tried(
    sender: HttpWebhookSender, connects: list[tuple[str, int]], url: str
) -> None:
    answer = await sender.send(url, body=BODY, headers=HEADERS)
    assert isinstance(answer, NotAnswered)
    assert "pw" not in answer.reason
    assert connects == []


async def test_a_closed_sender_sends_nothing() -> None:
    sender = HttpWebhookSender(allow_private=True)
    await sender.open()
    await sender.close()
    await sender.close()
    with pytest.raises(RuntimeError):
        await sender.send("http://127.0.0.1/", body=BODY, headers=HEADERS)


def self_signed(directory: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = directory / "receiver.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
