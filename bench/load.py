"""Loads an HTTP server over connections that stay open, and uses little processor time."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import partial

from attrs import frozen

HOST = "127.0.0.1"
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


@frozen(kw_only=True)
class Load:
    """The result; *busy* is the share of a core that the generator itself used."""

    answers: int
    per_second: float
    busy: float


class WrongAnswer(Exception):
    """The server refused a request, or closed a connection."""


class _Client(asyncio.Protocol):
    """Sends one request, and the next one as soon as the whole response has arrived."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.answers = 0
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._buffer = b""

    def begin(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(HEAD_END)
        if head_end < 0:
            return
        if not self._buffer.startswith(b"HTTP/1.1 2"):
            self._fail(self._buffer[:200].decode("latin-1"))
            return
        if len(self._buffer) < head_end + len(HEAD_END) + _length(self._buffer[:head_end]):
            return
        self._buffer = b""
        self.answers += 1
        self._transport.write(next(self._requests))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"connection lost: {exc}")

    def _fail(self, why: str) -> None:
        if not self.failed.done():
            self.failed.set_exception(WrongAnswer(why))


async def load(port: int, clients: Sequence[Iterator[bytes]], *, seconds: float) -> Load:
    """
    Send each client's requests over a connection of its own, as fast as they are answered.

    Raises:
        WrongAnswer: A response was not 2xx, or a connection was closed.
    """
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(partial(_Client, requests), HOST, port) for requests in clients
    ]
    for transport, client in opened:
        client.begin(transport)
    failures = [client.failed for _, client in opened]
    began, worked, answers = time.perf_counter(), time.process_time(), _sum(opened)
    await asyncio.wait(failures, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    took = time.perf_counter() - began
    answers = _sum(opened) - answers
    measured = Load(
        answers=answers,
        per_second=answers / took,
        busy=(time.process_time() - worked) / took,
    )
    for failure in failures:
        if failure.done():
            failure.result()
        failure.cancel()
    for transport, _ in opened:
        transport.close()
    return measured


def _sum(opened: list[tuple[asyncio.Transport, _Client]]) -> int:
    return sum(client.answers for _, client in opened)


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.index(LENGTH) + len(LENGTH)
    return int(lower[at:].split(b"\r\n", 1)[0])
