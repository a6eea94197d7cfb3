"""The command that runs the provider simulator."""

import asyncio
from functools import partial

import click
from attrs import frozen

from kiwisms.entrypoints.cli.run import read_settings, tell
from kiwisms.entrypoints.cli.server import run
from kiwisms.entrypoints.cli.shape import Command
from kiwisms.entrypoints.wiring import open_simulator


@frozen
class SimulatorView:
    """A running simulator as it is printed: where numbers are rented, and where it is steered."""

    address: str
    key: str
    control: str


@click.command(cls=Command)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Where to listen; without it, or with 0, on a port that is free.",
)
def simulator(port: int) -> None:
    """
    Run a simulated provider alone.

    Give its address and key to `kiwisms serve` as KIWISMS_PROVIDER_URL and KIWISMS_PROVIDER_KEY.
    A code comes when you POST {"code": "1234"} to the control address with /messages after it,
    and is pushed to an address that you POST as {"push_url": "…"} with /settings after it.
    """
    read_settings()
    run(partial(_simulate, port))


async def _simulate(port: int, told: asyncio.Event) -> None:
    async with open_simulator(port=port) as running:
        tell(SimulatorView(running.url, running.key, running.control_url))
        await told.wait()
