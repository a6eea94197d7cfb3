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

GATHER_SECONDS: Final = 0.02
"""What is told within this time goes out together."""
RECONNECT_SECONDS: Final = 1.0


class PostgresNotices:
    """
    A `Notices` for all processes on one database, to be entered as an async context manager.

    Who waits in this process is woken at once, who waits in another a moment later. Where the
    server cannot be reached, or PgBouncer stands before it, only the first of the two holds.

    Args:
        store: The store whose database carries the notices.
        local: Wakes who waits in this process.
    """

    def __init__(self, store: PostgresStore, local: Notices) -> None:
        self._connections: Connections = store.connections
        self._local = local
        self._me = uuid4().hex
        self._untold: set[str] = set()
        self._something_is_untold = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._send())]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def notify(self, topic: str) -> None:
        """Wake everybody who waits for *topic*."""
        self._local.notify(topic)
        self._untold.add(topic)
        self._something_is_untold.set()

    async def wait(self, topic: str, seconds: float) -> None:
        """Return when *topic* is told, or after *seconds*."""
        await self._local.wait(topic, seconds)

    async def _send(self) -> None:
        while True:
            await self._something_is_untold.wait()
            self._something_is_untold.clear()
            topics, self._untold = self._untold, set()
            try:
                await self._connections.write(
                    sql.NOTIFY, ([f"{self._me} {topic}" for topic in topics],)
                )
            except KiwismsError as why:
                # A hint that is lost costs whoever waits for it a moment.
                log.warning("other processes were not told: %s", why)
            await asyncio.sleep(GATHER_SECONDS)

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except KiwismsError as why:
                log.warning("cannot hear other processes: %s", why)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _hear(self) -> None:
        connection = await self._connections.apart()
        async with connection:
            with refusals("listening"):
                await connection.execute(sql.LISTEN)
                async for notice in connection.notifies():
                    sender, _, topic = notice.payload.partition(" ")
                    if sender != self._me:
                        self._local.notify(topic)
