"""The command that runs the provider simulator."""

import asyncio
from functools import partial

import click
from attrs import frozen

from kiwisms.entrypoints.cli.options import Command
from kiwisms.entrypoints.cli.run import print_result, read_settings
from kiwisms.entrypoints.cli.server import run
from kiwisms.entrypoints.wiring.providers import open_simulator


@frozen
class SimulatorView:
    """A running simulator as it is printed: its address and key, and its control address."""

    address: str
    key: str
    control: str


@click.command(cls=Command)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=0,
    help="The port on which to listen; by default, or with 0, a free one.",
)
def simulator(port: int) -> None:
    """
    Run a simulated provider alone.

    Give its address and key to `kiwisms serve` as KIWISMS_PROVIDER_URL and KIWISMS_PROVIDER_KEY.
    CONTROL below is the control address that is printed.

    To send a code to the newest number:

        curl -d '{"code": "1234"}' CONTROL/messages

    To have messages pushed as well, to the push_url of `kiwisms provider show`:

        curl -d '{"push_url": "…"}' CONTROL/settings
    """
    read_settings()
    run(partial(_simulate, port))


async def _simulate(port: int, stop: asyncio.Event) -> None:
    async with open_simulator(port=port) as running:
        print_result(SimulatorView(running.url, running.key, running.control_url))
        await stop.wait()
