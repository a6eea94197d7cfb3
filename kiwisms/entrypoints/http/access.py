"""Authentication and rate limits: who may call an operation, and how often."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler
from attrs import frozen

from kiwisms.application.keys import Caller
from kiwisms.domain.errors import RateLimited, Unauthorized
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.ports.limits import Limit

Operation = Callable[[Kiwisms, Caller, web.Request], Awaitable[web.Response]]
PublicOperation = Callable[[Kiwisms], Awaitable[web.Response]]

BEARER = "bearer "


@frozen(kw_only=True)
class Access:
    """
    Authenticates requests, and enforces the rate limits.

    *public_limit* applies to operations without a key, and *failed_limit* to wrong keys, both for
    each client address. A key is checked before it is counted as wrong: a valid key is never held
    up by wrong ones.
    """

    kiwi: Kiwisms
    public_limit: Limit
    failed_limit: Limit

    def authenticated(self, limit: Limit, operation: Operation) -> Handler:
        """Make a handler that requires an API key, and applies *limit* to each key."""

        async def handler(request: web.Request) -> web.Response:
            try:
                caller = await self.kiwi.keys.authenticate(_key(request))
            except Unauthorized:
                await self._count(self.failed_limit, _address(request))
                raise
            await self._count(limit, caller.key_prefix)
            return await operation(self.kiwi, caller, request)

        return handler

    def public(self, operation: PublicOperation) -> Handler:
        """Make a handler that requires no key, and applies the limit for each client address."""

        async def handler(request: web.Request) -> web.Response:
            await self._count(self.public_limit, _address(request))
            return await operation(self.kiwi)

        return handler

    async def _count(self, limit: Limit, caller: str) -> None:
        wait = await self.kiwi.ports.limits.hit(limit, caller)
        if wait:
            raise RateLimited(wait)


def _key(request: web.Request) -> str:
    key = _header(request, "X-API-Key")
    if key is not None:
        return key
    authorization = _header(request, "Authorization") or ""
    if authorization[: len(BEARER)].lower() != BEARER:
        raise Unauthorized
    return authorization[len(BEARER) :].strip()


def _header(request: web.Request, name: str) -> str | None:
    given: Sequence[str] = request.headers.getall(name, ())
    if any(value != given[0] for value in given):
        raise Unauthorized
    return given[0] if given else None


def _address(request: web.Request) -> str:
    return request.remote or ""
