"""HTTP to an upstream: bounded, limited in time, and never sent twice unasked."""

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


class _Lost(aiohttp.ClientError):
    """The connection broke after the request may have been sent."""


async def _send_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a GET again by itself when the connection breaks."""
    try:
        return await send(request)
    except _NOT_SENT:
        raise
    except (aiohttp.ClientConnectionError, OSError) as error:
        raise _Lost(type(error).__name__) from None


def _read_url(text: str) -> URL:
    try:
        url = URL(text if is_web_address(text) else "")
        (url.raw_host or "").encode("idna")  # as the look-up will, which would raise later
    except ValueError:
        url = URL()
    if not url.host:
        raise ValidationRefused("url", "must be an http(s) address without user info")
    return url


@define(kw_only=True)
class Transport:
    """
    One upstream account's address.

    Requests that must not be repeated have connections of their own that are never used twice,
    so none of them is lost on a connection that upstream has closed in the meantime.
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
        most: int = TEXT_BYTES,
        once: bool = False,
    ) -> Reply | Refused | Unknown:
        """
        Ask one question.

        Args:
            action: What upstream calls it.
            parameters: What goes with it.
            most: The longest answer that is read, in bytes.
            once: Whether it does something that must not happen twice.

        Returns:
            The answer; `Refused` where no connection could be made, so that nothing was asked;
            `Unknown` where no answer came or it was too long or a redirect.
        """
        query = {"api_key": self.key, "action": action, **(parameters or {})}
        try:
            async with self._session(once=once).get(
                self.url, params=query, allow_redirects=False
            ) as response:
                if 300 <= response.status < 400:
                    return Unknown(f"redirect {response.status}")
                body = await _read(response.content, most)
        except _NOT_SENT:
            return Refused(Refusal.UNREACHABLE)
        except _Lost as lost:
            return Unknown(str(lost))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unknown(type(error).__name__)
        if body is None:
            return Unknown(f"more than {most} bytes")
        return Reply(
            text=body.decode("utf-8-sig", "replace").strip(" \t\r\n"),
            price=response.headers.get("X-Price"),
            message=_as_utf8(response.headers.get("X-Text")),
        )

    def safe(self, unknown: Unknown) -> Unknown:
        """Shorten what nobody understands, and take the key out of it."""
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
            # Half for the connection: past that, nothing was sent and nothing is in doubt.
            timeout=aiohttp.ClientTimeout(total=self.timeout, connect=self.timeout / 2),
            middlewares=middlewares,
            max_field_size=TEXT_BYTES,
            trust_env=False,
        )


async def _read(content: aiohttp.StreamReader, most: int) -> bytes | None:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)


def _as_utf8(header: str | None) -> str | None:
    """Mend a header whose bytes are not UTF-8: then they are taken for Latin-1."""
    if header is None:
        return None
    raw = header.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
