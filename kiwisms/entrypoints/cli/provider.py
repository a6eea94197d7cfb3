"""Commands about the operator's account upstream."""

import click
from attrs import frozen

from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.catalog import DEFAULT_COUNTRY
from kiwisms.domain.money import Money
from kiwisms.entrypoints.cli.run import with_provider
from kiwisms.entrypoints.cli.shape import Group
from kiwisms.entrypoints.engine import Kiwisms


@frozen
class ProviderView:
    """What the provider says now, as it is printed."""

    balance: Money
    services: int
    catalog_age: float


@click.group(cls=Group)
def provider() -> None:
    """Ask the provider about the operator's account."""


@provider.command()
@with_provider
async def show(kiwi: Kiwisms) -> ProviderView:
    """Show the balance upstream, and how many services it has in the usual country."""
    balance = await kiwi.ports.provider.balance()
    if not isinstance(balance, Money):
        raise ProviderFailed(f"the provider does not tell its balance: {balance}", "")
    known = await kiwi.catalog.current(DEFAULT_COUNTRY)
    age = kiwi.ports.clock.now() - known.catalog.fetched_at
    return ProviderView(
        balance=balance,
        services=len(known.catalog.offers),
        catalog_age=round(max(0.0, age.total_seconds()), 1),
    )
