"""What the operator, upstream and strangers do in a life."""

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
from kiwisms.testing.simulation.plan import Action
from kiwisms.testing.simulation.process import ConnectionLost
from kiwisms.testing.simulation.pusher import Pusher
from kiwisms.testing.simulation.world import SERVICES, World

T = TypeVar("T")

BY_HAND: Final = "refunded"
"""The first word of an operator's note on an incident."""
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
    """Runs the service, and triggers what happens to its servers and to upstream."""

    world: World
    cluster: Cluster
    pusher: Pusher
    resolved: dict[IncidentId, str] = field(factory=dict, init=False)
    """The acknowledged notes on incidents."""

    async def credit(self, customer: Customer, action: Action) -> None:
        """Credit a payment with a reference until it is acknowledged; sometimes twice."""
        reference, amount = f"invoice-{action.place}", cents(1 + int(action.luck * 200))
        for _ in range(1 if action.keyed else 2):
            wallet = await self._ask(
                action,
                lambda kiwi: kiwi.wallet.credit(
                    customer.account_id, amount, reason="top-up", reference=reference
                ),
            )
            if wallet is not None:
                if reference in customer.credits:
                    self.world.reach(Mark.REFERENCE_REPEATED)
                customer.credits[reference] = amount

    async def debit(self, customer: Customer, action: Action) -> None:
        """Debit a payout."""
        await self._ask(
            action,
            lambda kiwi: kiwi.wallet.debit(
                customer.account_id,
                cents(1 + int(action.luck * 60)),
                reason="payout",
                reference=f"payout-{action.place}",
            ),
        )

    async def suspend(self, customer: Customer, action: Action) -> None:
        """Suspend the account for a while, then reinstate it."""
        suspended = await self._ask(
            action, lambda kiwi: kiwi.accounts.suspend(customer.account_id, reason="abuse")
        )
        # A reinstatement by another action may still be in progress, and end the suspension.
        if suspended and not customer.reinstatements:
            customer.suspended_since = self.world.loop.steps
        await asyncio.sleep(action.luck * 20)
        customer.suspended_since = None
        customer.reinstatements += 1
        await self._ask(action, lambda kiwi: kiwi.accounts.reinstate(customer.account_id))
        customer.reinstatements -= 1

    async def revoke(self, customer: Customer, action: Action) -> None:
        """Give the customer a new key and revoke the old one."""
        old = customer.key
        issued = await self._ask(action, lambda kiwi: kiwi.keys.create(customer.account_id))
        if issued is None:
            return
        if action.keyed:
            customer.key = issued[1]
        prefix = old.split("_")[1]
        if await self._ask(action, lambda kiwi: kiwi.keys.revoke(prefix)):
            customer.revoked[old] = self.world.loop.time() + CACHE_LIFETIME.total_seconds()
        await asyncio.sleep(2)
        customer.key = issued[1]

    async def set_webhook(self, customer: Customer, action: Action) -> None:
        """Send events to another address."""
        customer.steady_webhook = False
        url = f"https://new/{action.place}"

        async def set_it(kiwi: Kiwisms) -> None:
            try:
                await kiwi.webhooks.set(customer.account_id, url)
            finally:
                # A try without an answer is retried, and starts afresh after a 410.
                self.world.receivers.forgive(url)

        await self._ask(action, set_it)

    async def clear_webhook(self, customer: Customer, action: Action) -> None:
        """Remove the webhook address."""
        customer.steady_webhook = False
        await self._ask(action, lambda kiwi: kiwi.webhooks.clear(customer.account_id))

    async def rotate_webhook(self, customer: Customer, action: Action) -> None:
        """Sign with a new secret."""
        await self._ask(action, lambda kiwi: kiwi.webhooks.rotate(customer.account_id))

    async def test_webhook(self, customer: Customer, action: Action) -> None:
        """Send a test event."""
        await self._ask(action, lambda kiwi: kiwi.webhooks.test(customer.account_id), tries=1)

    async def resend(self, customer: Customer, action: Action) -> None:
        """Send an event again."""
        events = list(self.world.disk.records[customer.account_id].deliveries)
        if events:
            chosen = events[int(action.luck * len(events))]
            if await self._ask(action, lambda kiwi: kiwi.webhooks.resend(chosen)):
                self.world.reach(Mark.RESENT)

    async def resolve(self, _customer: Customer, action: Action) -> None:
        """Resolve an incident with a note."""
        incidents = [
            each
            for records in self.world.disk.records.values()
            for each in records.incidents.values()
            if each.is_open
        ]
        if incidents:
            chosen = incidents[int(action.luck * len(incidents))].id
            note = f"{BY_HAND} {action.place}"
            if await self._ask(action, lambda kiwi: kiwi.incidents.resolve(chosen, note=note)):
                self.resolved[chosen] = note
                self.world.reach(Mark.RESOLVED)

    async def give_up(self, customer: Customer, action: Action) -> None:
        """Give up a rental whose provider is silent; for any other rental this is refused."""
        open_rentals = self._open_rentals(customer)
        if open_rentals:
            chosen = min(open_rentals, key=lambda each: each.expires_at).id
            reason = f"given up {action.place}"
            await self._ask(action, lambda kiwi: kiwi.rentals.give_up(chosen, reason=reason))

    async def fall_silent(self, customer: Customer, action: Action) -> None:
        """Upstream no longer answers about a number; the operator may give it up later."""
        numbers = [number_of(each) for each in self._open_rentals(customer)]
        if not numbers:
            return
        chosen = numbers[int(action.luck * len(numbers))]
        self.world.silent.add(chosen)
        self.world.reach(Mark.FELL_SILENT)
        self.world.log("upstream", f"fell silent about {chosen}")
        if action.keyed:
            pace = self.world.terms.pace
            await asyncio.sleep(
                (pace.session + pace.silent_after).total_seconds() + 60 * action.luck
            )
            await self.give_up(customer, action)

    async def withdraw(self, _customer: Customer, action: Action) -> None:
        """Upstream takes a number back of its own accord."""
        sold = list(self.world.upstream.activations)
        if sold:
            chosen = sold[int(action.luck * len(sold))]
            if self.world.upstream.withdraw(chosen, self.world.clock.now()):
                self.world.reach(Mark.WITHDRAWN)
                self.world.log("upstream", f"took {chosen} back")

    async def release_by_hand(self, customer: Customer, action: Action) -> None:
        """A person releases the number of a waiting rental upstream, without kiwisms."""
        rentals = self.world.disk.records[customer.account_id].rentals.values()
        waiting = [number_of(each) for each in rentals if each.state is State.WAITING]
        if waiting:
            chosen = waiting[int(action.luck * len(waiting))]
            self.world.upstream.finish(chosen, self.world.clock.now())
            self.world.log("upstream", f"{chosen} was released by hand")

    async def reprice(self, _customer: Customer, action: Action) -> None:
        """Upstream changes a price, or sells out."""
        service = SERVICES[action.place % len(SERVICES)]
        cost = cents(1 + int(action.luck * 80))
        self.world.upstream.stock(evolve(service, cost=cost, count=0 if action.luck < 0.1 else 100))
        self.world.log("upstream", f"asks {cost} for {service.code}")

    async def upstream_away(self, _customer: Customer, action: Action) -> None:
        """Upstream cannot be reached for a while, for an hour at most."""
        self.world.reach(Mark.UPSTREAM_AWAY)
        seconds = 3600 * action.luck**8
        self.world.away_until = self.world.clock.now() + timedelta(seconds=seconds)
        self.world.log("upstream", f"away for {seconds:.0f} s")

    async def receiver_dies(self, customer: Customer, _action: Action) -> None:
        """The account's webhook addresses never answer again."""
        for webhook in self.world.disk.records[customer.account_id].webhooks.values():
            self.world.receivers.dead.add(webhook.url)

    async def rent_by_hand(self, _customer: Customer, action: Action) -> None:
        """A person rents a number of the same upstream account, without kiwisms."""
        service = SERVICES[action.place % len(SERVICES)]
        order = NumberOrder(service=service.code, country=service.country, max_cost=cents(1000))
        sold = self.world.upstream.rent(order, self.world.clock.now())
        if isinstance(sold, Activation):
            self.world.reach(Mark.RENTED_BY_HAND)
            self.world.by_hand.add(sold.id)
            self.world.schedule_messages(sold.id)
            self.world.log("upstream", f"{sold.id} was rented by hand")

    async def forge_push(self, _customer: Customer, action: Action) -> None:
        """A stranger who knows the secret address pushes a message that upstream never had."""
        sold = list(self.world.upstream.activations.values())
        code = f"{int(action.luck * 10**6):06d}"
        if sold and action.keyed:
            chosen = sold[int(action.luck * len(sold))]
            self.pusher.forge(chosen.id, chosen.service, code)
        else:
            self.pusher.forge(f"{action.place}", SERVICES[action.place % len(SERVICES)].code, code)

    async def stop(self, _customer: Customer, action: Action) -> None:
        """Stop a server, as for an upgrade, and start another."""
        await self.cluster.stop_one(action.luck)

    async def stop_all(self, _customer: Customer, action: Action) -> None:
        """Stop every server for longer than a silent rental is looked at before it is given up."""
        pace = self.world.terms.pace
        await asyncio.sleep((pace.session + pace.silent_after).total_seconds() * action.luck)
        await self.cluster.stop_all(2 * pace.give_up_after * pace.look_silent)

    async def crash(self, _customer: Customer, action: Action) -> None:
        """Kill a server."""
        self.cluster.crash_one(action.luck)

    def _open_rentals(self, customer: Customer) -> list[Rental]:
        rentals = self.world.disk.records[customer.account_id].rentals.values()
        return [rental for rental in rentals if rental.state in OPEN]

    async def _ask(
        self, action: Action, request: Callable[[Kiwisms], Awaitable[T]], *, tries: int = 4
    ) -> T | None:
        for number in range(tries):
            if number:
                await asyncio.sleep(number)
            try:
                answer = await self.cluster.ask((action.luck * (number + 7)) % 1, request)
            except FAILED as error:
                self.world.log("operator", f"{action}: {error!r}")
            except REFUSED as error:
                self.world.log("operator", f"{action}: {error!r}")
                return None
            else:
                self.world.log("operator", f"{action}: done")
                return answer
        return None
