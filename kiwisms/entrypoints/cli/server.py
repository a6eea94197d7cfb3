"""The HTTP server of one process: where it listens, how it is told to stop, and how it drains."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import click
from aiohttp import web
from attrs import evolve

from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.http.runner import Runner
from kiwisms.entrypoints.settings import Settings

STOPS: Final = (signal.SIGINT, signal.SIGTERM)
UPSTREAM_CALLS: Final = 3
"""The most that one request can wait for, one after another."""


def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """
    Run *main*, with an event that is set when somebody wants it to end.

    Who asks a second time does not want to wait for that: then the process just ends.
    """

    async def until_told() -> None:
        told, loop = asyncio.Event(), asyncio.get_running_loop()

        def end() -> None:
            told.set()
            for stop in STOPS:
                loop.remove_signal_handler(stop)
                signal.signal(stop, signal.SIG_DFL)

        for stop in STOPS:
            loop.add_signal_handler(stop, end)
        await main(told)

    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        runner.run(until_told())


def listen(host: str, port: int) -> socket.socket:
    """
    Listen on one address; port 0 takes a port that is free.

    Raises:
        click.ClickException: The address cannot be had.
    """
    try:
        # IPv4 before IPv6: many a name, such as localhost, stands for both.
        family, *_, address = min(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        return socket.create_server((address[0], port), family=family)
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port"
        ) from error


@asynccontextmanager
async def serving(kiwi: Kiwisms, settings: Settings, listener: socket.socket) -> AsyncIterator[str]:
    """
    Answer HTTP requests while the block runs, and finish those under way when it is left.

    Yields:
        The address at which this process is reached.
    """
    here = evolve(settings, port=listener.getsockname()[1])
    runner = Runner(
        kiwi.http(here),
        access_log=None,
        shutdown_timeout=UPSTREAM_CALLS * settings.provider_timeout_seconds,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield evolve(here, public_url=None).base_url
    finally:
        await runner.cleanup()


def _new_event_loop() -> asyncio.AbstractEventLoop:
    # PyPy has no uvloop.
    module = import_module("uvloop" if find_spec("uvloop") else "asyncio")
    loop: asyncio.AbstractEventLoop = module.new_event_loop()
    return loop
