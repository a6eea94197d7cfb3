"""The command that runs the server."""

import asyncio
import socket
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from attrs import frozen

from kiwisms.domain.errors import ValidationRefused
from kiwisms.entrypoints.cli.options import Command
from kiwisms.entrypoints.cli.run import print_result, read_settings
from kiwisms.entrypoints.cli.server import address_of, drain_seconds, listen, run, serving
from kiwisms.entrypoints.cli.supervisor import Supervisor, Up, run_worker
from kiwisms.entrypoints.http.metrics import share_metrics
from kiwisms.entrypoints.logs import configure_logs
from kiwisms.entrypoints.settings import Settings
from kiwisms.entrypoints.wiring.engines import open_engine
from kiwisms.entrypoints.wiring.providers import open_provider


@frozen
class ServerView:
    """A running server as it is printed."""

    address: str


@click.command(cls=Command)
@click.option("--host", help="The address on which to listen, instead of KIWISMS_HOST.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="The port on which to listen, instead of KIWISMS_PORT; 0 takes a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many processes serve, instead of KIWISMS_WORKERS; more than 1 needs Postgres.",
)
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """
    Run the HTTP server and its background work.

    Needs KIWISMS_PROVIDER_URL and KIWISMS_PROVIDER_KEY; `kiwisms simulator` prints a pair to try.

    SIGTERM or Ctrl-C ends it: it stops taking requests, finishes what is under way, and closes the
    store. With several workers, one that dies is replaced, and a second signal kills them all.
    """
    given = {"host": host, "port": port, "workers": workers}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    settings = read_settings()
    try:
        settings = replace(settings, **changes)
    except ValidationRefused as refused:
        raise click.UsageError(str(refused)) from refused
    # Report missing settings before anything starts.
    open_provider(settings)
    with listen(settings.host, settings.port) as listener:
        up = partial(print_result, ServerView(address_of(settings, listener)))
        if settings.workers == 1:
            run(partial(_serve, settings, listener, up))
        else:
            _supervise(settings, listener, up)


def _supervise(settings: Settings, listener: socket.socket, up: Up) -> None:
    with TemporaryDirectory(prefix="kiwisms-metrics-") as folder:
        supervisor = Supervisor(
            work=partial(_work, settings, listener, Path(folder)),
            count=settings.workers,
            drain_seconds=drain_seconds(settings),
            when_up=up,
            # While it is open here, a new connection waits for a worker instead of being refused.
            when_ending=listener.close,
        )
        run(supervisor.run, second_signal_ends=False)


def _work(
    settings: Settings, listener: socket.socket, folder: Path, number: int, pipe: Connection
) -> None:
    """Run one of several workers, in a process of its own."""
    configure_logs(settings)
    share_metrics(folder, number)
    run_worker(partial(_serve, settings, listener), pipe)


async def _serve(settings: Settings, listener: socket.socket, up: Up, stop: asyncio.Event) -> None:
    provider = open_provider(settings)
    async with (
        open_engine(settings.store_url, provider=provider, settings=settings) as kiwi,
        serving(kiwi, settings, listener),
    ):
        up()
        await stop.wait()
