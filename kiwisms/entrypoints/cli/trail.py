"""The command that lists what was done to an account."""

from datetime import datetime

import click
from attrs import frozen

from kiwisms.domain.account import Account
from kiwisms.domain.trail import TrailEntry
from kiwisms.entrypoints.cli.options import Command, limit
from kiwisms.entrypoints.cli.run import with_account
from kiwisms.entrypoints.engine import Kiwisms


@frozen
class EntryView:
    """An entry of the trail as it is printed."""

    at: datetime
    by: str
    action: str
    subject: str
    detail: str


def _view(entry: TrailEntry) -> EntryView:
    return EntryView(
        at=entry.at,
        by=entry.by,
        action=entry.action,
        subject=entry.subject,
        detail=entry.detail,
    )


@click.command(cls=Command)
@click.argument("account")
@limit
@with_account
async def trail(kiwi: Kiwisms, account: Account, limit: int) -> list[EntryView]:
    """
    List who changed an account, what and when.

    The newest change comes first. ACCOUNT is an id or an email. For changes of its rentals see
    `rentals show`.
    """
    return [_view(entry) for entry in await kiwi.trail.of(account.id, limit=limit)]
