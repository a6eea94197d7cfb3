"""The simulated upstream on a loopback address."""

from typing import Final, Self

from aiohttp import web

from kiwisms.adapters.simulator.control import Control
from kiwisms.adapters.simulator.handler_api import HandlerApi
from kiwisms.adapters.simulator.pusher import Pusher
from kiwisms.adapters.simulator.upstream import Upstream
from kiwisms.ports.clock import Clock

PATH: Final = "/stubs/handler_api.php"


def application(upstream: Upstream, clock: Clock) -> web.Application:
    """Make the aiohttp application of a simulated upstream, with its control interface."""
    return _application(HandlerApi(upstream=upstream, clock=clock))


class Simulator:
    """
    A simulated upstream behind real HTTP.

    >>> async def demo(clock: Clock) -> str:
    ...     async with Simulator(clock) as simulator:
    ...         return simulator.url
    """

    def __init__(
        self, clock: Clock, upstream: Upstream | None = None, *, host: str = "127.0.0.1"
    ) -> None:
        self.upstream = Upstream() if upstream is None else upstream
        self.api = HandlerApi(upstream=self.upstream, clock=clock)
        self._host = host
        self._runner: web.AppRunner | None = None
        self._base = ""

    @property
    def key(self) -> str:
        """The account's key."""
        return self.upstream.key

    @property
    def url(self) -> str:
        """The address to set as the provider's; empty before `start`."""
        return self._base and self._base + PATH

    @property
    def control_url(self) -> str:
        """The base address of the control interface; empty before `start`."""
        return self._base and self._base + "/control"

    async def start(self, port: int = 0) -> None:
        """Listen on *port*; 0 takes a free one."""
        # A handler that never answers ends with its connection, and does not delay `stop`.
        self._runner = web.AppRunner(
            _application(self.api),
            handler_cancellation=True,
            shutdown_timeout=0.1,
            access_log=None,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, port).start()
        self._base = f"http://{self._host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()


def _application(api: HandlerApi) -> web.Application:
    pusher = Pusher(upstream=api.upstream, clock=api.clock)
    app = web.Application()
    app.router.add_get(PATH, api.answer)
    app.add_routes(Control(api, pusher).routes())
    app.cleanup_ctx.append(pusher.run)
    return app
