"""The command that runs the server."""

import asyncio
from functools import partial
from typing import Any

import click
from attrs import evolve, frozen

from kiwisms.entrypoints.cli.run import read_settings, tell
from kiwisms.entrypoints.cli.server import listen, run, serving
from kiwisms.entrypoints.cli.shape import Command
from kiwisms.entrypoints.settings import Settings
from kiwisms.entrypoints.wiring import open_engine, open_provider


@frozen
class ServerView:
    """A running server as it is printed."""

    address: str


@click.command(cls=Command)
@click.option("--host", help="Where to listen, instead of what the settings say.")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a port that is free.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes; SQLite can have one.")
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """
    Run the HTTP server and its background work.

    SIGTERM or Ctrl-C ends it: it takes no more requests, finishes what is under way, and closes
    the store.
    """
    given = {"host": host, "port": port, "workers": workers}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    run(partial(_serve, evolve(read_settings(), **changes)))


async def _serve(settings: Settings, told: asyncio.Event) -> None:
    provider = open_provider(settings)
    with listen(settings.host, settings.port) as listener:
        async with (
            open_engine(settings.store_url, provider=provider, settings=settings) as kiwi,
            serving(kiwi, settings, listener) as address,
        ):
            tell(ServerView(address))
            await told.wait()
