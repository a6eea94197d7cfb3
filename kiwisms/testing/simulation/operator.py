"""The operator's hand in an account, and the world's."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

from attrs import define, evolve, field

from kiwisms.adapters.simulator.activation import Activation
from kiwisms.application.errors import ProviderFailed
from kiwisms.application.keys import CACHE_LIFETIME
from kiwisms.application.looks import number_of
from kiwisms.domain.delivery import DeliveryNotFound
from kiwisms.domain.ids import IncidentId
from kiwisms.domain.incident import IncidentResolved
from kiwisms.domain.money import cents
from kiwisms.domain.rental import GiveUpNotAllowed, Rental
from kiwisms.domain.rental_state import OPEN, State
from kiwisms.domain.wallet import InsufficientBalance
from kiwisms.domain.webhook import WebhookNotFound
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.ports.provider import NumberOrder
from kiwisms.ports.store import StoreUnavailable
from kiwisms.ports.transaction import TransactionConflict
from kiwisms.testing.simulation.cluster import Cluster
from kiwisms.testing.simulation.customer import Customer
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.plan import Deed
from kiwisms.testing.simulation.process import ConnectionLost
from kiwisms.testing.simulation.pusher import Pusher
from kiwisms.testing.simulation.world import SERVICES, World

T = TypeVar("T")

BY_HAND: Final = "refunded"
"""With this word what an operator says of an incident begins."""
FAILED = (ConnectionLost, ProviderFailed, StoreUnavailable, TransactionConflict)
REFUSED = (
    InsufficientBalance,
    WebhookNotFound,
    DeliveryNotFound,
    GiveUpNotAllowed,
    IncidentResolved,
)


@define(kw_only=True, eq=False)
class Operator:
    """Who runs the service: credits, debits, suspends, revokes, and minds the webhooks."""

    world: World
    cluster: Cluster
    pusher: Pusher
    resolved: dict[IncidentId, str] = field(factory=dict, init=False)
    """What was said of incidents, as far as that was acknowledged."""

    async def credit(self, customer: Customer, deed: Deed) -> None:
        """Put money in, under a reference, until that is acknowledged; sometimes twice."""
        reference, amount = f"invoice-{deed.place}", cents(1 + int(deed.luck * 200))
        for _ in range(1 if deed.keyed else 2):
            wallet = await self._ask(
                deed,
                lambda kiwi: kiwi.wallet.credit(
                    customer.account_id, amount, reason="top-up", reference=reference
                ),
            )
            if wallet is not None:
                if reference in customer.credits:
                    self.world.reach(Mark.REFERENCE_REPEATED)
                customer.credits[reference] = amount

    async def debit(self, customer: Customer, deed: Deed) -> None:
        """Take money out."""
        await self._ask(
            deed,
            lambda kiwi: kiwi.wallet.debit(
                customer.account_id,
                cents(1 + int(deed.luck * 60)),
                reason="payout",
                reference=f"payout-{deed.place}",
            ),
        )

    async def suspend(self, customer: Customer, deed: Deed) -> None:
        """Suspend for a while."""
        suspended = await self._ask(
            deed, lambda kiwi: kiwi.accounts.suspend(customer.account_id, reason="abuse")
        )
        # Another deed's reinstatement that is still under way may come after it.
        if suspended and not customer.reinstatements:
            customer.suspended_since = self.world.loop.steps
        await asyncio.sleep(deed.luck * 20)
        customer.suspended_since = None
        customer.reinstatements += 1
        await self._ask(deed, lambda kiwi: kiwi.accounts.reinstate(customer.account_id))
        customer.reinstatements -= 1

    async def revoke(self, customer: Customer, deed: Deed) -> None:
        """Give the customer a new key and revoke the old one."""
        old = customer.key
        issued = await self._ask(deed, lambda kiwi: kiwi.keys.create(customer.account_id))
        if issued is None:
            return
        if deed.keyed:
            customer.key = issued[1]
        prefix = old.split("_")[1]
        if await self._ask(deed, lambda kiwi: kiwi.keys.revoke(prefix)):
            customer.revoked[old] = self.world.loop.time() + CACHE_LIFETIME.total_seconds()
        await asyncio.sleep(2)
        customer.key = issued[1]

    async def set_webhook(self, customer: Customer, deed: Deed) -> None:
        """Send events to another address."""
        customer.steady_webhook = False
        url = f"https://new/{deed.place}"

        async def set_it(kiwi: Kiwisms) -> None:
            try:
                await kiwi.webhooks.set(customer.account_id, url)
            finally:
                # A try of which nobody heard is made again, and begins afresh after a 410.
                self.world.receivers.forgive(url)

        await self._ask(deed, set_it)

    async def clear_webhook(self, customer: Customer, deed: Deed) -> None:
        """Send no events any more."""
        customer.steady_webhook = False
        await self._ask(deed, lambda kiwi: kiwi.webhooks.clear(customer.account_id))

    async def rotate_webhook(self, customer: Customer, deed: Deed) -> None:
        """Sign with a new secret."""
        await self._ask(deed, lambda kiwi: kiwi.webhooks.rotate(customer.account_id))

    async def test_webhook(self, customer: Customer, deed: Deed) -> None:
        """Send a test event."""
        await self._ask(deed, lambda kiwi: kiwi.webhooks.test(customer.account_id), tries=1)

    async def resend(self, customer: Customer, deed: Deed) -> None:
        """Send an event again."""
        events = list(self.world.disk.records[customer.account_id].deliveries)
        if events:
            chosen = events[int(deed.luck * len(events))]
            if await self._ask(deed, lambda kiwi: kiwi.webhooks.resend(chosen)):
                self.world.reach(Mark.RESENT)

    async def resolve(self, _customer: Customer, deed: Deed) -> None:
        """Say what became of an incident."""
        incidents = [
            each
            for records in self.world.disk.records.values()
            for each in records.incidents.values()
            if each.is_open
        ]
        if incidents:
            chosen, note = incidents[int(deed.luck * len(incidents))].id, f"{BY_HAND} {deed.place}"
            if await self._ask(deed, lambda kiwi: kiwi.incidents.resolve(chosen, note=note)):
                self.resolved[chosen] = note
                self.world.reach(Mark.RESOLVED)

    async def give_up(self, customer: Customer, deed: Deed) -> None:
        """Give a rental up that its provider is silent about; of any other that is refused."""
        open_rentals = self._open_rentals(customer)
        if open_rentals:
            chosen = min(open_rentals, key=lambda each: each.expires_at).id
            reason = f"given up {deed.place}"
            await self._ask(deed, lambda kiwi: kiwi.rentals.give_up(chosen, reason=reason))

    async def fall_silent(self, customer: Customer, deed: Deed) -> None:
        """Upstream tells nothing more of a number, and the operator may lose patience with it."""
        numbers = [number_of(each) for each in self._open_rentals(customer)]
        if not numbers:
            return
        chosen = numbers[int(deed.luck * len(numbers))]
        self.world.silent.add(chosen)
        self.world.reach(Mark.FELL_SILENT)
        self.world.tell("upstream", f"fell silent about {chosen}")
        if deed.keyed:
            pace = self.world.terms.pace
            await asyncio.sleep((pace.session + pace.silent_after).total_seconds() + 60 * deed.luck)
            await self.give_up(customer, deed)

    async def withdraw(self, _customer: Customer, deed: Deed) -> None:
        """Upstream takes a number back by itself."""
        sold = list(self.world.upstream.activations)
        if sold:
            chosen = sold[int(deed.luck * len(sold))]
            if self.world.upstream.withdraw(chosen, self.world.clock.now()):
                self.world.reach(Mark.WITHDRAWN)
                self.world.tell("upstream", f"took {chosen} back")

    async def release_by_hand(self, customer: Customer, deed: Deed) -> None:
        """Somebody releases a number upstream, without us, that a customer waits with."""
        rentals = self.world.disk.records[customer.account_id].rentals.values()
        waiting = [number_of(each) for each in rentals if each.state is State.WAITING]
        if waiting:
            chosen = waiting[int(deed.luck * len(waiting))]
            self.world.upstream.finish(chosen, self.world.clock.now())
            self.world.tell("upstream", f"{chosen} was released by hand")

    async def reprice(self, _customer: Customer, deed: Deed) -> None:
        """Upstream changes a price, or sells out."""
        service = SERVICES[deed.place % len(SERVICES)]
        cost = cents(1 + int(deed.luck * 80))
        self.world.upstream.stock(evolve(service, cost=cost, count=0 if deed.luck < 0.1 else 100))
        self.world.tell("upstream", f"asks {cost} for {service.code}")

    async def upstream_away(self, _customer: Customer, deed: Deed) -> None:
        """Upstream cannot be reached for a while, at most for an hour."""
        self.world.reach(Mark.UPSTREAM_AWAY)
        seconds = 3600 * deed.luck**8
        self.world.away_until = self.world.clock.now() + timedelta(seconds=seconds)
        self.world.tell("upstream", f"away for {seconds:.0f} s")

    async def receiver_dies(self, customer: Customer, _deed: Deed) -> None:
        """Nobody will ever answer at the account's address again."""
        for webhook in self.world.disk.records[customer.account_id].webhooks.values():
            self.world.receivers.dead.add(webhook.url)

    async def rent_by_hand(self, _customer: Customer, deed: Deed) -> None:
        """Somebody rents a number of the same account upstream without us."""
        service = SERVICES[deed.place % len(SERVICES)]
        order = NumberOrder(service=service.code, country=service.country, max_cost=cents(1000))
        sold = self.world.upstream.rent(order, self.world.clock.now())
        if isinstance(sold, Activation):
            self.world.reach(Mark.RENTED_BY_HAND)
            self.world.by_hand.add(sold.id)
            self.world.number_sold(sold.id)
            self.world.tell("upstream", f"{sold.id} was rented by hand")

    async def forge_push(self, _customer: Customer, deed: Deed) -> None:
        """Somebody who has learnt the address pushes what upstream never had."""
        sold = list(self.world.upstream.activations.values())
        code = f"{int(deed.luck * 10**6):06d}"
        if sold and deed.keyed:
            chosen = sold[int(deed.luck * len(sold))]
            self.pusher.forge(chosen.id, chosen.service, code)
        else:
            self.pusher.forge(f"{deed.place}", SERVICES[deed.place % len(SERVICES)].code, code)

    async def stop(self, _customer: Customer, deed: Deed) -> None:
        """A server is stopped, as for an upgrade, and another is started."""
        await self.cluster.stop_one(deed.luck)

    async def crash(self, _customer: Customer, deed: Deed) -> None:
        """A server dies."""
        self.cluster.crash_one(deed.luck)

    def _open_rentals(self, customer: Customer) -> list[Rental]:
        rentals = self.world.disk.records[customer.account_id].rentals.values()
        return [rental for rental in rentals if rental.state in OPEN]

    async def _ask(
        self, deed: Deed, request: Callable[[Kiwisms], Awaitable[T]], *, tries: int = 4
    ) -> T | None:
        for number in range(tries):
            if number:
                await asyncio.sleep(number)
            try:
                answer = await self.cluster.ask((deed.luck * (number + 7)) % 1, request)
            except FAILED as error:
                self.world.tell("operator", f"{deed}: {error!r}")
            except REFUSED as error:
                self.world.tell("operator", f"{deed}: {error!r}")
                return None
            else:
                self.world.tell("operator", f"{deed}: done")
                return answer
        return None
