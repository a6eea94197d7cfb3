"""Notices to every process on one database, over LISTEN and NOTIFY."""

import asyncio
import logging
from typing import Final, Self
from uuid import uuid4

from kiwisms.adapters.postgres.connections import Connections
from kiwisms.adapters.postgres.refusals import refusals
from kiwisms.adapters.postgres.statements import notices as sql
from kiwisms.adapters.postgres.store import PostgresStore
from kiwisms.domain.errors import KiwismsError
from kiwisms.ports.notices import Notices

log = logging.getLogger(__name__)

BATCH_SECONDS: Final = 0.02
"""Notices within this time are sent together."""
RECONNECT_SECONDS: Final = 1.0


class PostgresNotices:
    """
    A `Notices` for all processes on one database, used as an async context manager.

    A notice wakes the tasks of this process at once, and those of other processes a moment later.
    If the server is unreachable, or behind PgBouncer, it wakes only the tasks of this process.

    Args:
        store: The store whose database carries the notices.
        local: Wakes the tasks of this process.
    """

    def __init__(self, store: PostgresStore, local: Notices) -> None:
        self._connections: Connections = store.connections
        self._local = local
        self._me = uuid4().hex
        self._pending: set[str] = set()
        self._has_pending = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._send())]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def notify(self, topic: str) -> None:
        """Wake every task that waits for *topic*, in all processes."""
        self._local.notify(topic)
        self._pending.add(topic)
        self._has_pending.set()

    async def wait(self, topic: str, seconds: float) -> None:
        """Return on a notice for *topic*, or after *seconds*."""
        await self._local.wait(topic, seconds)

    async def _send(self) -> None:
        while True:
            await self._has_pending.wait()
            self._has_pending.clear()
            topics, self._pending = self._pending, set()
            try:
                await self._connections.write(
                    sql.NOTIFY, ([f"{self._me} {topic}" for topic in topics],)
                )
            except KiwismsError as why:
                # A lost notice only delays the tasks that wait for it.
                log.warning("cannot notify other processes: %s", why)
            await asyncio.sleep(BATCH_SECONDS)

    async def _listen(self) -> None:
        while True:
            try:
                await self._receive()
            except KiwismsError as why:
                log.warning("cannot receive notices of other processes: %s", why)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _receive(self) -> None:
        connection = await self._connections.dedicated()
        async with connection:
            with refusals("listening"):
                await connection.execute(sql.LISTEN)
                async for notice in connection.notifies():
                    sender, _, topic = notice.payload.partition(" ")
                    if sender != self._me:
                        self._local.notify(topic)
