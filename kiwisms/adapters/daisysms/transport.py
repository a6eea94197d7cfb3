"""HTTP to upstream: with limits on size and time, and without hidden retries."""

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp
from attrs import define, field
from yarl import URL

from kiwisms.adapters.daisysms.redaction import Redaction
from kiwisms.adapters.daisysms.replies import Reply
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.text import is_web_address
from kiwisms.ports.provider import Refusal, Refused, Unknown

TEXT_BYTES: Final = 64 * 1024
TABLE_BYTES: Final = 4 * 1024 * 1024

_NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class _ConnectionLost(aiohttp.ClientError):
    """The connection broke after the request may have been sent."""


async def _send_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Stop aiohttp from retrying a GET by itself when the connection breaks."""
    try:
        return await send(request)
    except _NOT_SENT:
        raise
    except (aiohttp.ClientConnectionError, OSError) as error:
        raise _ConnectionLost(type(error).__name__) from None


def _read_url(text: str) -> URL:
    try:
        url = URL(text if is_web_address(text) else "")
        # The name look-up does this too, but would raise only later.
        (url.raw_host or "").encode("idna")
    except ValueError:
        url = URL()
    if not url.host:
        raise ValidationRefused("url", "must be an http(s) address without user info")
    return url


@define(kw_only=True)
class Transport:
    """
    The HTTP connections to one upstream account.

    A request that must not be repeated gets a new connection, which is never reused. So it cannot
    be lost on a pooled connection that upstream has closed in the meantime.
    """

    url: URL = field(converter=_read_url, repr=lambda url: repr(url.host))
    key: str = field(repr=False)
    timeout: float
    _redaction: Redaction = field(init=False, repr=False)
    _shared: aiohttp.ClientSession | None = field(default=None, init=False, repr=False)
    _single: aiohttp.ClientSession | None = field(default=None, init=False, repr=False)

    @key.validator
    def _check_key(self, _attribute: object, key: str) -> None:
        if not key.strip():
            raise ValidationRefused("key", "must not be empty")

    def __attrs_post_init__(self) -> None:
        self._redaction = Redaction(self.key)

    async def close(self) -> None:
        """Close every connection."""
        sessions = [session for session in (self._shared, self._single) if session is not None]
        self._shared = self._single = None
        await asyncio.gather(*(session.close() for session in sessions))

    async def ask(
        self,
        action: str,
        parameters: Mapping[str, str] | None = None,
        *,
        max_bytes: int = TEXT_BYTES,
        once: bool = False,
    ) -> Reply | Refused | Unknown:
        """
        Ask one question.

        Args:
            action: The protocol's name for the question.
            parameters: The parameters of the question.
            max_bytes: The longest answer that is read, in bytes.
            once: Whether the question must not be sent twice.

        Returns:
            The answer. `Refused` when no connection could be made, so that nothing was asked.
            `Unknown` when no answer came, or it was too long or a redirect.
        """
        query = {"api_key": self.key, "action": action, **(parameters or {})}
        try:
            async with self._session(once=once).get(
                self.url, params=query, allow_redirects=False
            ) as response:
                if 300 <= response.status < 400:
                    return Unknown(f"redirect {response.status}")
                body = await _read(response.content, max_bytes)
        except _NOT_SENT:
            return Refused(Refusal.UNREACHABLE)
        except _ConnectionLost as lost:
            return Unknown(str(lost))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unknown(type(error).__name__)
        if body is None:
            return Unknown(f"more than {max_bytes} bytes")
        return Reply(
            text=body.decode("utf-8-sig", "replace").strip(" \t\r\n"),
            price=response.headers.get("X-Price"),
            message=_as_utf8(response.headers.get("X-Text")),
        )

    def safe(self, unknown: Unknown) -> Unknown:
        """Shorten an unknown answer, and remove the key and phone numbers from it."""
        return Unknown(self._redaction.excerpt(unknown.detail))

    def _session(self, *, once: bool) -> aiohttp.ClientSession:
        if once:
            if self._single is None:
                self._single = self._open(aiohttp.TCPConnector(force_close=True), _send_once)
            return self._single
        if self._shared is None:
            self._shared = self._open(aiohttp.TCPConnector())
        return self._shared

    def _open(
        self, connector: aiohttp.TCPConnector, *middlewares: aiohttp.ClientMiddlewareType
    ) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # Half of the time for the connection: if that fails, nothing was sent.
            timeout=aiohttp.ClientTimeout(total=self.timeout, connect=self.timeout / 2),
            middlewares=middlewares,
            max_field_size=TEXT_BYTES,
            trust_env=False,
        )


async def _read(content: aiohttp.StreamReader, max_bytes: int) -> bytes | None:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            return None
    return bytes(body)


def _as_utf8(header: str | None) -> str | None:
    """Decode a header as UTF-8, or as Latin-1 when it is not valid UTF-8."""
    if header is None:
        return None
    raw = header.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
