"""Runs the application so that even invalid HTTP is answered in the contract's form."""

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError

from kiwisms.entrypoints.http.errors import from_aiohttp, generic_error

CLIENT_ERRORS: Final = (HttpProcessingError, web.RequestPayloadError)


class Runner(web.AppRunner):
    """An `aiohttp.web.AppRunner` whose own errors are JSON, and do not name the server."""

    _is_closing = False

    def stop_keep_alive(self) -> None:
        """Close each connection with its next response, and say so in its headers."""
        self._is_closing = True

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            try:
                response = await made.request_handler(request)
            except web.HTTPException as raised:
                # Such as 417, which is raised before any middleware runs.
                response = from_aiohttp(raised)
            if self._is_closing:
                response.force_close()
                response.headers["Connection"] = "close"
            return response

        return _Server(handle, request_factory=made.request_factory, **self._kwargs)


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), **self._kwargs)


class _Connection(web.RequestHandler):
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that could not be read, or that failed before any middleware ran."""
        super().handle_error(request, status, exc, message)
        # Some encodings are known to aiohttp, but need a library that is not installed.
        is_encoding = isinstance(exc, ContentEncodingError)
        response = generic_error(415 if is_encoding else 400 if status == 400 else 500)
        response.force_close()
        return response

    def log_exception(self, *args: object, **kwargs: object) -> None:
        """Log our own errors; those of a client are logged for debugging only."""
        if isinstance(kwargs.get("exc_info"), CLIENT_ERRORS):
            self.log_debug(*args, **kwargs)
        else:
            super().log_exception(*args, **kwargs)
