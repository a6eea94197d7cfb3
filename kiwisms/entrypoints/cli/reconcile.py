"""The command that compares the provider's balance with the books."""

from collections.abc import Sequence
from datetime import datetime

import click
from attrs import frozen

from kiwisms.application.reconciling import Reconciled
from kiwisms.domain.money import ZERO, Money
from kiwisms.entrypoints.cli.amounts import ANY_AMOUNT
from kiwisms.entrypoints.cli.incidents import IncidentView, incident_view
from kiwisms.entrypoints.cli.options import Command
from kiwisms.entrypoints.cli.output import Failed
from kiwisms.entrypoints.cli.run import with_provider
from kiwisms.entrypoints.engine import Kiwisms


@frozen
class ReconcileView:
    """
    What the comparison found, as it is printed.

    *spent* is what numbers have cost since the previous reading, less what was given back.
    *difference* is how much higher the balance is than it should be; it is negative if money is
    missing. *uncosted* counts all numbers whose cost the provider never reported.
    """

    balanced: bool
    at: datetime
    since: datetime | None
    balance: Money
    balance_before: Money | None
    spent: Money
    topped_up: Money
    difference: Money
    uncosted: int
    incidents: Sequence[IncidentView]


@click.command(cls=Command)
@click.option(
    "--topped-up",
    type=ANY_AMOUNT,
    default="0",
    help="Dollars that you paid in at the provider since the last run, such as 50.00.",
)
@with_provider
async def reconcile(kiwi: Kiwisms, topped_up: Money) -> ReconcileView | Failed:
    """
    Compare the provider's balance with the books.

    The balance should have changed by what the books say was bought and given back since the last
    run. The first run only records the balance. Fails if there is a difference, and lists the
    incidents that may explain it. Takes a second or more: it needs a second in which no number is
    bought.
    """
    found = await kiwi.reconciling.run(topped_up=topped_up)
    view = _view(found)
    return view if view.balanced else Failed(view, _sentence(found))


def _view(found: Reconciled) -> ReconcileView:
    earlier, reading = found.earlier, found.reading
    return ReconcileView(
        balanced=not found.difference,
        at=reading.at,
        since=None if earlier is None else earlier.at,
        balance=reading.balance,
        balance_before=None if earlier is None else earlier.balance,
        spent=ZERO if earlier is None else reading.spent - earlier.spent,
        topped_up=reading.topped_up,
        difference=found.difference,
        uncosted=found.uncosted,
        incidents=[incident_view(incident) for incident in found.incidents],
    )


def _sentence(found: Reconciled) -> str:
    missing = found.difference < ZERO
    amount = ZERO - found.difference if missing else found.difference
    what = "less" if missing else "more"
    names = ", ".join(incident.id for incident in found.incidents)
    why = f"these incidents may explain it: {names}" if names else "no incident explains it"
    return f"the provider has {amount} {what} than the books say; {why}"
