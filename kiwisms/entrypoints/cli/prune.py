"""The command that removes old records."""

import click

from kiwisms.entrypoints.cli.run import office
from kiwisms.entrypoints.cli.shape import Command
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.settings import MOST_DAYS
from kiwisms.ports.store import Pruned


@click.command(cls=Command)
@click.option(
    "--days",
    type=click.IntRange(1, MOST_DAYS),
    metavar="N",
    help="Remove what ended more than N days ago; by default KIWISMS_KEEP_DAYS.",
)
@office
async def prune(kiwi: Kiwisms, days: int | None) -> Pruned:
    """
    Remove old records that no money depends on.

    Removes idempotency keys, events that arrived or were given up, incidents that are resolved,
    pushed messages of ended numbers, and entries of the trail. Never removes transfers, rentals, or
    anything that is still open.
    """
    days = days or kiwi.pruning.terms.keep_days
    if days is None:
        raise click.UsageError("pass --days N, or set KIWISMS_KEEP_DAYS")
    return await kiwi.pruning.run(days=days)
