"""The HTTP server of one process: how it listens, stops and drains."""

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

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
UPSTREAM_CALLS: Final = 3
"""The most calls upstream for which one request waits, one after another."""
GRACE_SECONDS: Final = 0.5
"""How long the server still waits for requests on open connections when it ends."""


def run(
    main: Callable[[asyncio.Event], Awaitable[None]], *, second_signal_ends: bool = True
) -> None:
    """
    Run *main* with an event that is set when the process is asked to end.

    Args:
        main: What to run.
        second_signal_ends: Whether a second signal ends the process at once. Otherwise it sets
            the event again, and *main* decides what that means.
    """

    async def until_stopped() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def end() -> None:
            stop.set()
            for number in STOP_SIGNALS if second_signal_ends else ():
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_DFL)

        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, end)
        await main(stop)

    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        runner.run(until_stopped())


def listen(host: str, port: int) -> socket.socket:
    """
    Listen on one address; port 0 takes a free port.

    Raises:
        click.ClickException: The address cannot be used.
    """
    try:
        # IPv4 before IPv6: some names, such as localhost, have addresses of both.
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
    """Answer HTTP requests while the block runs; its end waits for those that have come."""
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
        runner.stop_keep_alive()
        await _close(listener, site, runner)
    finally:
        await runner.cleanup()


async def _close(listener: socket.socket, site: web.SockSite, runner: web.AppRunner) -> None:
    """Accept no more connections, but serve those in the queue, which aiohttp would reset."""
    # A runner has a server once it is set up.
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
        await asyncio.sleep(GRACE_SECONDS)


def address_of(settings: Settings, listener: socket.socket) -> str:
    """Return the address at which this machine reaches the server."""
    return replace(_here(settings, listener), public_url=None).base_url


def drain_seconds(settings: Settings) -> float:
    """Return how long a server takes to end at most, if nothing is wrong with it."""
    # The requests, then the background work, and time to close everything else.
    return 2 * UPSTREAM_CALLS * settings.provider_timeout_seconds + 10


def _here(settings: Settings, listener: socket.socket) -> Settings:
    return replace(settings, port=listener.getsockname()[1])


def _new_event_loop() -> asyncio.AbstractEventLoop:
    # PyPy has no uvloop.
    module = import_module("uvloop" if find_spec("uvloop") else "asyncio")
    loop: asyncio.AbstractEventLoop = module.new_event_loop()
    return loop
