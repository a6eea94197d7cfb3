"""Pushes the messages of the simulated upstream to an address, with the retries of the real one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import aiohttp
from aiohttp import web
from attrs import Factory, define, field

from kiwisms.adapters.simulator.activation import Activation
from kiwisms.adapters.simulator.handler_api import utc_text
from kiwisms.adapters.simulator.upstream import Upstream
from kiwisms.domain.sms import Message
from kiwisms.ports.clock import Clock

LIMIT: Final = aiohttp.ClientTimeout(total=3)
PAUSE_SECONDS: Final = 15.0
TRIES: Final = 1 + 8
"""The first try, and 8 retries."""
TICK_SECONDS: Final = 0.25
"""Seconds between two checks whether a scheduled message is due."""
FIRST_ID: Final = 5_000


@define(kw_only=True)
class Pusher:
    """
    Posts each message to *url*, unless that is empty; *answers* counts the statuses.

    Source: provider's documentation, pushed messages.
    """

    upstream: Upstream
    clock: Clock
    url: str = ""
    answers: Counter[str] = Factory(Counter)
    _tasks: set[asyncio.Task[None]] = field(factory=set, init=False)
    _count: int = field(default=0, init=False)
    _session: aiohttp.ClientSession | None = field(default=None, init=False)

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """Push while the application runs."""
        async with aiohttp.ClientSession(timeout=LIMIT) as self._session:
            self.upstream.on_message = self._begin
            self._keep(asyncio.create_task(self._tick()))
            yield
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, activation: Activation, message: Message) -> None:
        self._count += 1
        if self.url:
            pushed = _document(FIRST_ID + self._count, activation, message)
            self._keep(asyncio.create_task(self._push(self.url, pushed)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tick(self) -> None:
        while True:
            self.upstream.money(self.clock.now())
            await self.clock.sleep(TICK_SECONDS)

    async def _push(self, url: str, pushed: dict[str, object]) -> None:
        for _ in range(TRIES):
            status = await self._post(url, pushed)
            self.answers[str(status)] += 1
            if 200 <= status < 300:
                return
            await self.clock.sleep(PAUSE_SECONDS)

    async def _post(self, url: str, pushed: dict[str, object]) -> int:
        """Try once; return the status, or 0 when no answer came."""
        if self._session is not None:
            with suppress(aiohttp.ClientError, TimeoutError, ValueError):
                async with self._session.post(url, json=pushed, allow_redirects=False) as answer:
                    return answer.status
        return 0


def _document(message_id: int, activation: Activation, message: Message) -> dict[str, object]:
    return {
        "activationId": int(activation.id),
        "messageId": message_id,
        "service": activation.service,
        "text": message.text,
        "code": message.code,
        "country": 0,
        "receivedAt": utc_text(message.at),
    }
