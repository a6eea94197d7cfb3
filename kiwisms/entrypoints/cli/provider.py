"""Commands about the operator's account upstream."""

import click
from attrs import field, frozen

from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.catalog import DEFAULT_COUNTRY
from kiwisms.domain.money import Money
from kiwisms.entrypoints.cli.options import Group
from kiwisms.entrypoints.cli.output import JSON_NAME
from kiwisms.entrypoints.cli.run import with_provider
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.http.pushes import push_url
from kiwisms.entrypoints.settings import Settings
from kiwisms.ports.provider import Refusal, Refused, Unknown


@frozen
class ProviderView:
    """What the provider reports now, as it is printed; give *push_url* to the provider only."""

    balance: Money
    services: int
    catalog_age: float
    push_url: str = field(repr=False, metadata={JSON_NAME: "push_url"})


def balance_problem(answer: Refused | Unknown) -> str:
    """Say why there is no balance, and how to fix that."""
    match answer:
        case Refused(Refusal.BAD_KEY):
            return "the provider refuses the key; set KIWISMS_PROVIDER_KEY to the account's API key"
        case Refused(Refusal.UNREACHABLE):
            return "the provider cannot be reached; check KIWISMS_PROVIDER_URL and the network"
        case Refused(reason):
            return f"the provider refused to report its balance ({reason}); contact its support"
        case Unknown(detail):
            return f"the provider gives no sensible answer ({detail}); check KIWISMS_PROVIDER_URL"


@click.group(cls=Group)
def provider() -> None:
    """Show the operator's account at the provider."""


@provider.command()
@with_provider
async def show(kiwi: Kiwisms) -> ProviderView:
    """
    Show the balance, the number of services, and the push address.

    The balance is in US dollars, and catalogAge in seconds. The push_url is a secret: set it at the
    provider, which then pushes each message there.
    """
    balance = await kiwi.ports.provider.balance()
    if not isinstance(balance, Money):
        raise ProviderFailed(balance_problem(balance), "")
    known = await kiwi.catalog.current(DEFAULT_COUNTRY)
    age = kiwi.ports.clock.now() - known.fetched_at
    return ProviderView(
        balance=balance,
        services=len(known.catalog.offers),
        catalog_age=round(max(0.0, age.total_seconds()), 1),
        push_url=push_url((kiwi.settings or Settings()).base_url, kiwi.pushes.secret),
    )
