"""The command that removes old records."""

import click

from kiwisms.entrypoints.cli.options import Command
from kiwisms.entrypoints.cli.run import with_store
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.settings import MAX_DAYS
from kiwisms.ports.store import Pruned


@click.command(cls=Command)
@click.option(
    "--days",
    type=click.IntRange(1, MAX_DAYS),
    metavar="N",
    help="Remove what ended more than N days ago; by default KIWISMS_KEEP_DAYS.",
)
@with_store
async def prune(kiwi: Kiwisms, days: int | None) -> Pruned:
    """
    Remove old records that no money depends on.

    Removes idempotency keys, events that were delivered or given up, resolved incidents, pushed
    messages of ended numbers, and trail entries. Never removes transfers, rentals, or
    anything that is still open.
    """
    days = days or kiwi.pruning.terms.keep_days
    if days is None:
        raise click.UsageError("pass --days N, or set KIWISMS_KEEP_DAYS")
    return await kiwi.pruning.run(days=days)
