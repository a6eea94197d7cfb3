"""Authentication and rate limits: who may come in, and how often."""

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
    Asks everybody for their API key, and counts.

    *public* is for those who need no key and *failed* for keys that are wrong, each by client
    address. Wrong keys are counted after they were found wrong: a right one is never held up.
    """

    kiwi: Kiwisms
    public: Limit
    failed: Limit

    def customers(self, limit: Limit, operation: Operation) -> Handler:
        """Make a handler that gives *operation* to who has a key, as often as *limit* says."""

        async def handler(request: web.Request) -> web.Response:
            try:
                caller = await self.kiwi.keys.authenticate(_key(request))
            except Unauthorized:
                await self._count(self.failed, _address(request))
                raise
            await self._count(limit, caller.key_prefix)
            return await operation(self.kiwi, caller, request)

        return handler

    def everybody(self, operation: PublicOperation) -> Handler:
        """Make a handler that gives *operation* to all, as often as the public limit says."""

        async def handler(request: web.Request) -> web.Response:
            await self._count(self.public, _address(request))
            return await operation(self.kiwi)

        return handler

    async def _count(self, limit: Limit, who: str) -> None:
        wait = await self.kiwi.ports.limits.hit(limit, who)
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
