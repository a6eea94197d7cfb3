"""A server that sends exactly the given bytes, and records the requests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from attrs import Factory, define
from yarl import URL

Answer = bytes | Iterable[bytes] | None
"""One response, at once or in pieces that come slowly; None closes the connection instead."""

PAUSE = 0.01
"""Seconds between two pieces."""


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, length, *headers, b"", body])


@define
class RawServer:
    """Connections are kept open after an answer, as a real server does, or hung up."""

    answer: Callable[[int], Answer]
    url: str = ""
    asked: list[URL] = Factory(list)
    reset: bool = False
    hangs_up: bool = False
    connections: int = 0
    heads: list[bytes] = Factory(list)

    @property
    def queries(self) -> list[dict[str, str]]:
        return [dict(url.query) for url in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head)
                self.asked.append(URL(head.split(b" ")[1].decode()))
                answer = self.answer(len(self.asked))
                if answer is None:
                    break
                await say(writer, answer)
                if self.hangs_up:
                    break
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            if self.reset:
                writer.transport.abort()
            writer.close()


async def say(writer: asyncio.StreamWriter, answer: bytes | Iterable[bytes]) -> None:
    if isinstance(answer, bytes):
        writer.write(answer)
        await writer.drain()
        return
    for piece in answer:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(PAUSE)


@asynccontextmanager
async def raw_server(
    answer: Callable[[int], Answer], *, reset: bool = False, hangs_up: bool = False
) -> AsyncIterator[RawServer]:
    server = RawServer(answer, reset=reset, hangs_up=hangs_up)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        server.url = f"http://127.0.0.1:{port}/stubs/handler_api.php"
        yield server
