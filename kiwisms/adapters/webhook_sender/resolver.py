"""The system's resolver, in its own threads."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS: Final = 64
"""More than one account or one host may use at once, even if some look-ups of abandoned tries still
run."""


class SystemResolver(AbstractResolver):
    """
    Asks the system for a name's addresses, without a cache.

    It has its own threads: a customer's name server that never answers must not block other users
    of the event loop's threads.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Look up *host*; raises `OSError` when it has no address."""
        ask = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except UnicodeError:
            raise socket.gaierror(socket.EAI_NONAME, "not a name") from None
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=found_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found_family, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Cancel the look-ups that have not begun, and do not wait for the others."""
        self._threads.shutdown(wait=False, cancel_futures=True)
