"""Sends webhooks with aiohttp, one try per call."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import urlsplit

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)

from kiwisms.adapters.webhook_sender.addresses import literal_address, may_connect
from kiwisms.adapters.webhook_sender.gate import gate
from kiwisms.adapters.webhook_sender.reasons import reason
from kiwisms.adapters.webhook_sender.resolver import SystemResolver
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.webhook import check_url
from kiwisms.ports.webhooks import Answered, NotAnswered

LONGEST_ANSWER: Final = 64 * 1024
HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {"Content-Type": "application/json", "User-Agent": "kiwisms-webhooks"}
)


class HttpWebhookSender:
    """
    A `WebhookSender` over real HTTP.

    Args:
        allow_private: Whether loopback and private addresses are allowed too.
        timeout: The longest time of a whole try, from the look-up to the end of the answer, in
            seconds.

    Source: interface, "Webhooks"; settings, ``KIWISMS_WEBHOOK_ALLOW_PRIVATE``.
    """

    def __init__(self, *, allow_private: bool = False, timeout: float = 10.0) -> None:
        self._allow_private = allow_private
        self._timeout = timeout
        self._resolver: SystemResolver | None = None
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def must_accept(self, url: str) -> None:
        """Refuse an address that `gate` would always refuse; a name is looked up only at a try."""
        address = literal_address(urlsplit(check_url(url)).hostname or "")
        if address and not may_connect(address, allow_private=self._allow_private):
            raise ValidationRefused("url", "is not a public address, and no event is sent there")

    async def open(self) -> None:
        """Open the session."""
        self._resolver = SystemResolver()
        self._session = ClientSession(
            connector=TCPConnector(
                resolver=self._resolver,
                socket_factory=gate(allow_private=self._allow_private),
                use_dns_cache=False,
                force_close=True,
                limit=0,
            ),
            headers=HEADERS,
            skip_auto_headers=("Accept-Encoding",),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None, sock_connect=None),
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Abort the tries in progress, and close the session."""
        if self._session is not None and self._resolver is not None:
            await self._session.close()
            await self._resolver.close()
        self._session = self._resolver = None

    async def send(
        self, url: str, *, body: bytes, headers: Mapping[str, str]
    ) -> Answered | NotAnswered:
        """Send once, without a retry."""
        if self._session is None:
            raise RuntimeError("the webhook sender is not open")
        deadline = asyncio.get_running_loop().time() + self._timeout
        try:
            async with asyncio.timeout_at(deadline):
                answer = await self._session.post(
                    check_url(url), data=body, headers=headers, allow_redirects=False
                )
        except ValidationRefused as refused:
            return NotAnswered(refused.why)
        except TimeoutError:
            return NotAnswered(f"timed out after {self._timeout:g} s")
        except (ClientError, OSError) as failure:
            return NotAnswered(reason(failure))
        return await _drained(answer, deadline)


async def _drained(answer: ClientResponse, deadline: float) -> Answered:
    """Read the body, so that the receiver can finish; only its status counts."""
    left = LONGEST_ANSWER
    try:
        with suppress(TimeoutError, ClientError, OSError):
            async with asyncio.timeout_at(deadline):
                while left and (chunk := await answer.content.read(left)):
                    left -= len(chunk)
    finally:
        answer.close()
    return Answered(answer.status)
