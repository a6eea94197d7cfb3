"""Loads an HTTP server over connections that stay open, at next to no cost of its own."""

import asyncio
import time

from attrs import frozen

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


@frozen(kw_only=True)
class Load:
    """What came of it: *busy* is the share of a core that the generator itself took."""

    per_second: float
    busy: float


class WrongAnswer(Exception):
    """The server answered something other than 200, or closed the connection."""


class _Client(asyncio.Protocol):
    """Sends one request, and the same again as soon as the whole answer is there."""

    def __init__(self, request: bytes) -> None:
        self.answers = 0
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(HEAD_END)
        if head_end < 0:
            return
        if not self._buffer.startswith(b"HTTP/1.1 200"):
            self._fail(self._buffer[:200].decode("latin-1"))
            return
        if len(self._buffer) < head_end + len(HEAD_END) + _length(self._buffer[:head_end]):
            return
        self._buffer = b""
        self.answers += 1
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"connection lost: {exc}")

    def _fail(self, why: str) -> None:
        if not self.failed.done():
            self.failed.set_exception(WrongAnswer(why))


async def load(port: int, request: bytes, *, clients: int, seconds: float) -> Load:
    """
    Send *request* for *seconds* over so many connections, on each as fast as it is answered.

    Raises:
        WrongAnswer: An answer was not 200, or a connection was closed.
    """
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: _Client(request), "127.0.0.1", port)
        for _ in range(clients)
    ]
    failures = [client.failed for _, client in opened]
    began, worked, answers = time.perf_counter(), time.process_time(), _sum(opened)
    await asyncio.wait(failures, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    took = time.perf_counter() - began
    measured = Load(
        per_second=(_sum(opened) - answers) / took, busy=(time.process_time() - worked) / took
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
