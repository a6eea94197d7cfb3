"""Commands about rented numbers, with details that only the operator sees."""

from collections.abc import Sequence
from datetime import datetime

import click
from attrs import frozen

from kiwisms.domain.ids import RentalId
from kiwisms.domain.money import Money
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.domain.trail import Line
from kiwisms.entrypoints.cli.options import Group, limit
from kiwisms.entrypoints.cli.run import with_provider, with_store
from kiwisms.entrypoints.engine import Kiwisms

STATES = tuple(state.value for state in State if state is not State.NEW)


@frozen
class RentalLine:
    """A rental as it is listed; *externalId* is the provider's own id."""

    id: str
    account_id: str
    service: str
    country: str
    phone: str
    status: str
    price: Money
    codes: int
    created_at: datetime
    expires_at: datetime


@frozen
class StepView:
    """A line of a rental's history as it is printed."""

    at: datetime
    status: str
    messages: int
    by: str


@frozen
class MessageView:
    """A message as it is printed."""

    at: datetime
    code: str
    text: str | None


@frozen
class RentalView:
    """
    A rental as it is shown; *cost* is what the provider charged, if it reports that.

    *history* has only the rental's steps, and *timeLine* has everything that happened.
    """

    id: str
    account_id: str
    key_prefix: str | None
    external_id: str | None
    renews: str | None
    service: str
    service_name: str
    country: str
    phone: str
    status: str
    price: Money
    cost: Money | None
    created_at: datetime
    expires_at: datetime
    messages: Sequence[MessageView]
    history: Sequence[StepView]
    time_line: Sequence[Line]


@click.group(cls=Group)
def rentals() -> None:
    """List rented numbers, show one with its history, and give one up."""


@rentals.command("list")
@click.option("--account", metavar="ACCOUNT", help="Only those of this account, an id or an email.")
@click.option(
    "--status", type=click.Choice(STATES, case_sensitive=False), help="Only those in this state."
)
@limit
@with_store
async def list_newest(
    kiwi: Kiwisms, account: str | None, status: str | None, limit: int
) -> list[RentalLine]:
    """List the newest rentals of all accounts."""
    found = None if account is None else (await kiwi.accounts.find(account)).id
    state = None if status is None else State(status)
    newest = await kiwi.rentals.all(account_id=found, state=state, limit=limit)
    return [_line(rental) for rental in newest]


@rentals.command("show")
@click.argument("rental", metavar="ID")
@with_store
async def show_one(kiwi: Kiwisms, rental: str) -> RentalView:
    """
    Show one rental, its messages, and its history, the oldest first.

    ID is the rental's id from `rentals list`.
    """
    return await _view(kiwi, await kiwi.rentals.find(RentalId(rental)))


@rentals.command("give-up")
@click.argument("rental", metavar="ID")
@click.option("--reason", required=True, help="Why it is given up; kept in the trail.")
@with_provider
async def give_up(kiwi: Kiwisms, rental: str, reason: str) -> RentalView:
    """
    End a rental whose fate the provider does not report, and show it.

    ID is the rental's id from `rentals list`. The provider is asked one last time; if it answers,
    the answer counts, and nothing is given up. Otherwise the price goes back to the customer, and
    an incident names the number, since the provider may have charged for it. That is refused unless
    a server has recorded a PROVIDER_SILENT incident, ten minutes after the session ended.
    """
    return await _view(kiwi, await kiwi.rentals.give_up(RentalId(rental), reason=reason))


async def _view(kiwi: Kiwisms, found: Rental) -> RentalView:
    history = await kiwi.rentals.history(found)
    return RentalView(
        id=found.id,
        account_id=found.account_id,
        key_prefix=found.key_prefix,
        external_id=found.activation_id,
        renews=found.renews,
        service=found.service,
        service_name=found.service_name,
        country=found.country,
        phone=found.phone,
        status=found.state,
        price=found.price,
        cost=found.cost,
        created_at=found.created_at,
        expires_at=found.expires_at,
        messages=[MessageView(at=m.at, code=m.code, text=m.text) for m in found.messages],
        history=[StepView(at=s.at, status=s.state, messages=s.messages, by=s.by) for s in history],
        time_line=await kiwi.trail.of_rental(found),
    )


def _line(rental: Rental) -> RentalLine:
    return RentalLine(
        id=rental.id,
        account_id=rental.account_id,
        service=rental.service,
        country=rental.country,
        phone=rental.phone,
        status=rental.state,
        price=rental.price,
        codes=len(rental.messages),
        created_at=rental.created_at,
        expires_at=rental.expires_at,
    )
