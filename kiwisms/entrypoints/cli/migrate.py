"""The command that brings the store's schema up to date."""

import asyncio

import click
from attrs import frozen

from kiwisms.entrypoints.cli.options import Command
from kiwisms.entrypoints.cli.run import print_result, read_settings
from kiwisms.entrypoints.settings import Settings
from kiwisms.entrypoints.wiring.stores import open_store


@frozen
class VersionView:
    """The schema's version as it is printed."""

    version: int


@click.command(cls=Command)
def migrate() -> None:
    """
    Create the store's schema, or bring it up to date.

    It is safe to run this twice, and in two processes at once.
    """
    print_result(asyncio.run(_migrate(read_settings())))


async def _migrate(settings: Settings) -> VersionView:
    async with open_store(settings.store_url, settings) as store:
        return VersionView(await store.schema_version())
