"""Commands about requests whose outcome at the provider is unknown."""

from datetime import datetime

import click
from attrs import frozen

from kiwisms.domain.ids import IncidentId
from kiwisms.domain.incident import Incident
from kiwisms.domain.money import Money
from kiwisms.domain.push import PushedMessage
from kiwisms.entrypoints.cli.options import Group
from kiwisms.entrypoints.cli.run import with_store
from kiwisms.entrypoints.engine import Kiwisms


@frozen
class IncidentView:
    """
    An incident as it is printed.

    The balances are the provider's, if it reported them; *externalId* is the provider's own id of
    the number, if it is known.
    """

    id: str
    at: datetime
    kind: str
    account_id: str
    rental_id: str
    external_id: str | None
    price: Money
    balance_before: Money | None
    balance_before_at: datetime | None
    balance_after: Money | None
    balance_after_at: datetime | None
    detail: str
    resolved_at: datetime | None
    resolution: str | None


@frozen
class OrphanView:
    """A pushed message for an unknown number, as it is printed."""

    external_id: str
    message_id: str
    service: str
    arrived_at: datetime
    received_at: datetime | None


def incident_view(incident: Incident) -> IncidentView:
    """Convert an incident to the form in which it is printed."""
    before, after = incident.before, incident.after
    return IncidentView(
        id=incident.id,
        at=incident.at,
        kind=incident.kind,
        account_id=incident.account_id,
        rental_id=incident.rental_id,
        external_id=incident.activation_id,
        price=incident.price,
        balance_before=None if before is None else before.amount,
        balance_before_at=None if before is None else before.at,
        balance_after=None if after is None else after.amount,
        balance_after_at=None if after is None else after.at,
        detail=incident.detail,
        resolved_at=incident.resolved_at,
        resolution=incident.resolution,
    )


def _orphan(pushed: PushedMessage) -> OrphanView:
    return OrphanView(
        external_id=pushed.activation_id,
        message_id=pushed.id,
        service=pushed.service,
        arrived_at=pushed.arrived_at,
        received_at=pushed.received_at,
    )


@click.group(cls=Group)
def incidents() -> None:
    """List requests whose outcome at the provider is unknown, and record how each was settled."""


@incidents.command("list")
@click.option("--open", "open_only", is_flag=True, help="Only those that are not resolved.")
@with_store
async def list_newest(kiwi: Kiwisms, *, open_only: bool) -> list[IncidentView]:
    """List the newest 100 incidents."""
    return [incident_view(each) for each in await kiwi.incidents.all(open_only=open_only)]


@incidents.command("show")
@click.argument("incident", metavar="ID")
@with_store
async def show_one(kiwi: Kiwisms, incident: str) -> IncidentView:
    """Show one incident. ID is its id from `incidents list`."""
    return incident_view(await kiwi.incidents.find(IncidentId(incident)))


@incidents.command()
@click.argument("incident", metavar="ID")
@click.option("--note", required=True, help="How it was settled; this cannot be changed later.")
@with_store
async def resolve(kiwi: Kiwisms, incident: str, note: str) -> IncidentView:
    """Record how an incident was settled, and close it. ID is its id from `incidents list`."""
    return incident_view(await kiwi.incidents.resolve(IncidentId(incident), note=note))


@incidents.command()
@with_store
async def orphans(kiwi: Kiwisms) -> list[OrphanView]:
    """
    List pushed messages of unknown numbers.

    These are the newest 100 that belong to no rental and no incident.
    """
    return [_orphan(pushed) for pushed in await kiwi.incidents.orphans()]
