"""A server that says exactly the bytes it is told to, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from attrs import Factory, define
from yarl import URL

Answer = bytes | None
"""The bytes of one response; None closes the connection instead."""


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, length, *headers, b"", body])


@define
class RawServer:
    """Connections are kept open after an answer, as a real server does."""

    answer: Callable[[int], Answer]
    url: str = ""
    asked: list[URL] = Factory(list)
    reset: bool = False
    connections: int = 0

    @property
    def queries(self) -> list[dict[str, str]]:
        return [dict(url.query) for url in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.asked.append(URL(head.split(b" ")[1].decode()))
                answer = self.answer(len(self.asked))
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            if self.reset:
                writer.transport.abort()
            writer.close()


@asynccontextmanager
async def raw_server(
    answer: Callable[[int], Answer], *, reset: bool = False
) -> AsyncIterator[RawServer]:
    server = RawServer(answer, reset=reset)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        server.url = f"http://127.0.0.1:{port}/stubs/handler_api.php"
        yield server
