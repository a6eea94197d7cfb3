"""Runs the application so that even what is no HTTP request gets an answer as the contract says."""

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError

from kiwisms.entrypoints.http.errors import from_aiohttp, ours

CLIENTS_FAULTS: Final = (HttpProcessingError, web.RequestPayloadError)


class Runner(web.AppRunner):
    """An `aiohttp.web.AppRunner` whose own answers are JSON, and name no program."""

    _is_leaving = False

    def stop_keep_alive(self) -> None:
        """Close each connection with its next answer, and say so in it."""
        self._is_leaving = True

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            try:
                answer = await made.request_handler(request)
            except web.HTTPException as raised:
                # Such as 417: raised before any middleware is asked.
                answer = from_aiohttp(raised)
            if self._is_leaving:
                answer.force_close()
                answer.headers["Connection"] = "close"
            return answer

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
        """Answer what could not be read, or what no middleware was asked about."""
        super().handle_error(request, status, exc, message)
        # aiohttp knows some codings that it can only unpack with a library that is not there.
        packed = isinstance(exc, ContentEncodingError)
        answer = ours(415 if packed else 400 if status == 400 else 500)
        answer.force_close()
        return answer

    def log_exception(self, *args: object, **kwargs: object) -> None:
        """Log what is an error; what a client did wrong is none of ours."""
        if isinstance(kwargs.get("exc_info"), CLIENTS_FAULTS):
            self.log_debug(*args, **kwargs)
        else:
            super().log_exception(*args, **kwargs)
