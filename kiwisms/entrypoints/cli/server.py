"""The HTTP server of one process: where it listens, how it is told to stop, and how it drains."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Final, cast

import click
from aiohttp import web

from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.http.runner import Runner
from kiwisms.entrypoints.settings import Settings

STOPS: Final = (signal.SIGINT, signal.SIGTERM)
UPSTREAM_CALLS: Final = 3
"""The most that one request can wait for, one after another."""
GOODBYE_SECONDS: Final = 0.5
"""How long a request may be on its way when the server ends: who is silent by then is left."""


def run(
    main: Callable[[asyncio.Event], Awaitable[None]], *, ends_when_told_twice: bool = True
) -> None:
    """
    Run *main*, with an event that is set when somebody wants it to end.

    Args:
        main: What to run.
        ends_when_told_twice: Who asks a second time does not want to wait: then the process just
            ends. Otherwise the event is set again, for *main* to make of it what it will.
    """

    async def until_told() -> None:
        told, loop = asyncio.Event(), asyncio.get_running_loop()

        def end() -> None:
            told.set()
            for stop in STOPS if ends_when_told_twice else ():
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
async def serving(
    kiwi: Kiwisms, settings: Settings, listener: socket.socket
) -> AsyncIterator[None]:
    """Answer HTTP requests while the block runs, and all that have come when it is left."""
    runner = Runner(
        kiwi.http(_here(settings, listener)),
        access_log=None,
        shutdown_timeout=UPSTREAM_CALLS * settings.provider_timeout_seconds,
    )
    await runner.setup()
    try:
        site = web.SockSite(runner, listener)
        await site.start()
        yield
        runner.say_goodbye()
        await _close(listener, site, runner)
    finally:
        await runner.cleanup()


async def _close(listener: socket.socket, site: web.SockSite, runner: web.AppRunner) -> None:
    """Take no more connections, and serve those that are there: aiohttp alone resets some."""
    # It is there since the runner was set up.
    server = cast("web.Server", runner.server)
    queue, waiting = listener.dup(), []
    await site.stop()
    with queue, suppress(OSError):
        queue.setblocking(False)
        while True:
            waiting.append(queue.accept()[0])
    for connection in waiting:
        connection.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(server, connection)
    if server.connections:
        await asyncio.sleep(GOODBYE_SECONDS)


def address_of(settings: Settings, listener: socket.socket) -> str:
    """Say at which address the server is reached from this machine."""
    return replace(_here(settings, listener), public_url=None).base_url


def drain_seconds(settings: Settings) -> float:
    """Say how long a server takes to end at most, if nothing is wrong with it."""
    # The requests, then the background work; and time to close the rest.
    return 2 * UPSTREAM_CALLS * settings.provider_timeout_seconds + 10


def _here(settings: Settings, listener: socket.socket) -> Settings:
    return replace(settings, port=listener.getsockname()[1])


def _new_event_loop() -> asyncio.AbstractEventLoop:
    # PyPy has no uvloop.
    module = import_module("uvloop" if find_spec("uvloop") else "asyncio")
    loop: asyncio.AbstractEventLoop = module.new_event_loop()
    return loop
