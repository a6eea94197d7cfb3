"""The whole of kiwisms, in memory and under a clock that only the test moves."""

from datetime import timedelta
from typing import Final

from attrs import field, frozen

from kiwisms.adapters.local_limits import LocalLimits
from kiwisms.adapters.local_notices import LocalNotices
from kiwisms.adapters.memory import MemoryStore
from kiwisms.application.background import Background
from kiwisms.domain.account import Account
from kiwisms.domain.money import Amount
from kiwisms.domain.terms import Terms
from kiwisms.entrypoints.engine import Kiwisms, Ports, join
from kiwisms.ports.ids import Ids
from kiwisms.ports.store import Store
from kiwisms.testing.clock import ManualClock
from kiwisms.testing.ids import CountingIds
from kiwisms.testing.passwords import QuickPasswords
from kiwisms.testing.provider import FakeProvider
from kiwisms.testing.vault import PlainVault
from kiwisms.testing.webhooks import FakeWebhookSender

CATALOG_AGE: Final = timedelta(seconds=30)
PUSH_SECRET: Final = "push-secret"


@frozen(kw_only=True, eq=False)
class Kit:
    """
    The real use cases over stand-ins that a test controls.

    Each part can be replaced, as in ``Kit(terms=kiwisms.Terms(markup_percent=0))``. A provider
    needs the kit's clock: ``Kit(clock=clock, provider=FakeProvider(clock, upstream))``.

    >>> import asyncio
    >>> async def example() -> None:
    ...     kit = Kit()
    ...     ada = await kit.customer("10.00")
    ...     rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    ...     kit.provider.deliver("0042")
    ...     kit.clock.advance(3)
    ...     print((await kit.kiwi.rentals.get(ada.id, rental.id)).messages[0].code)
    >>> asyncio.run(example())
    0042
    """

    terms: Terms = field(factory=Terms)
    store: Store = field(factory=MemoryStore)
    clock: ManualClock = field(factory=ManualClock)
    ids: Ids = field(factory=CountingIds)
    provider: FakeProvider = field()
    sender: FakeWebhookSender = field(factory=FakeWebhookSender)
    kiwi: Kiwisms = field(init=False)

    @provider.default
    def _provider(self) -> FakeProvider:
        return FakeProvider(self.clock)

    @kiwi.default
    def _kiwi(self) -> Kiwisms:
        ports = Ports(
            store=self.store,
            provider=self.provider,
            sender=self.sender,
            limits=LocalLimits(self.clock),
            notices=LocalNotices(self.clock),
            vault=PlainVault(),
            passwords=QuickPasswords(),
            clock=self.clock,
            ids=self.ids,
        )
        return join(ports, self.terms, catalog_age=CATALOG_AGE, push_secrets=[PUSH_SECRET])

    async def customer(self, balance: Amount, email: str = "ada@example.com") -> Account:
        """Create an account that has *balance* dollars."""
        account = await self.kiwi.accounts.create(email)
        await self.kiwi.wallet.credit(account.id, balance, reason="top-up")
        return account

    async def work(self) -> None:
        """Do all the background work that is due now."""
        await do_all_work(self.kiwi.background)


async def do_all_work(background: Background) -> None:
    """Do all the work that is due now, one item after the other, until none is left."""
    while True:
        rentals = await background.claim_rentals(100)
        deliveries = await background.claim_deliveries(100)
        incidents = await background.claim_incidents(100)
        if not rentals and not deliveries and not incidents:
            return
        for rental in rentals:
            await background.process_rental(rental)
        for delivery in deliveries:
            await background.deliver(delivery)
        for incident in incidents:
            await background.trace(incident)
