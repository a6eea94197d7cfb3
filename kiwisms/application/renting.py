"""Rent a number: hold the price, ask upstream once, and apply its answer."""

from collections.abc import Awaitable, Callable
from functools import partial

from attrs import field, frozen

from kiwisms.application.answers import answer_of
from kiwisms.application.catalogs import Catalogs
from kiwisms.application.in_flight import InFlight
from kiwisms.application.outbox import Outbox
from kiwisms.application.outcomes import Answer, HeldRequest, Outcomes
from kiwisms.application.progress import Progress, actor
from kiwisms.application.retry import retry_on_conflict
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.idempotency import (
    Fingerprint,
    IdempotencyRecord,
    fingerprint,
    replay,
)
from kiwisms.domain.ids import AccountId, IdempotencyKey, KeyPrefix, RentalId
from kiwisms.domain.order import Order
from kiwisms.domain.pricing import Quote, must_be_within, quote
from kiwisms.domain.rental import RenewNotFound, Rental
from kiwisms.domain.rental_state import RENEWABLE
from kiwisms.domain.terms import Terms
from kiwisms.domain.usage import must_have_room, usage_query
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.provider import NumberOrder, Provider
from kiwisms.ports.store import Store
from kiwisms.ports.transaction import Prefetch


@frozen(kw_only=True)
class Ordered:
    """A rental that was made; *replayed* when an earlier, equal request made it."""

    rental: Rental
    replayed: bool


@frozen(kw_only=True)
class _Request:
    """
    A request for a number; the fingerprint binds the idempotency key to it.

    *phone* is the number that it must get, if known.
    """

    rental: Rental
    fingerprint: Fingerprint
    phone: str | None = None


@frozen(kw_only=True, eq=False)
class Renting:
    """
    The three steps of a rent or a renewal.

    One transaction holds the price; then upstream is asked, once and outside any transaction;
    then one transaction applies the answer. A number is returned only after that one is durable.
    The steps run to their end even when the caller is cancelled: between two of them the price is
    held, and upstream may have rented the number out.
    """

    store: Store
    provider: Provider
    catalogs: Catalogs
    outcomes: Outcomes
    outbox: Outbox
    clock: Clock
    ids: Ids
    terms: Terms
    calls: InFlight = field(factory=InFlight, init=False)

    async def rent(
        self,
        account_id: AccountId,
        order: Order,
        *,
        key: IdempotencyKey | None,
        key_prefix: KeyPrefix | None,
    ) -> Ordered:
        """Rent a number; see `Rentals.rent`."""
        asked = fingerprint(
            "rent",
            account_id,
            order.service,
            order.country,
            order.max_price and order.max_price.micros,
            order.areas,
            order.carrier,
        )
        try:
            offer = (await self.catalogs.current(order.country)).catalog.offer(order.service)
            quoted = quote(
                offer, surcharges=order.surcharges, markup_percent=self.terms.markup_percent
            )
            must_be_within(quoted.price, order.max_price)
        except KiwismsError as why:
            return await self._replayed(account_id, key, asked, otherwise=why)
        rental = Rental.request(
            id=RentalId(self.ids.new()),
            account_id=account_id,
            service=order.service,
            service_name=offer.name,
            country=order.country,
            price=quoted.price,
            at=self.clock.now(),
            pace=self.terms.pace,
            key_prefix=key_prefix,
            idempotency_key=key,
        )
        number = NumberOrder(
            service=order.service,
            country=order.country,
            max_cost=quoted.max_cost,
            areas=order.areas,
            carrier=order.carrier,
        )
        request = _Request(rental=rental, fingerprint=asked)
        return await self.calls.run(
            self._hold_and_ask(request, partial(self.provider.rent, number))
        )

    async def renew(
        self,
        account_id: AccountId,
        rental_id: RentalId,
        *,
        key: IdempotencyKey | None,
        key_prefix: KeyPrefix | None,
    ) -> Ordered:
        """Rent the number of an earlier rental again; see `Rentals.renew`."""
        asked = fingerprint("renew", account_id, rental_id)
        old = await self.store.rental(account_id, rental_id)
        if old is None or old.state not in RENEWABLE or old.activation_id is None:
            return await self._replayed(account_id, key, asked, otherwise=RenewNotFound())
        try:
            quoted = await self._quote_again(old)
        except KiwismsError as why:
            return await self._replayed(account_id, key, asked, otherwise=why)
        rental = Rental.request(
            id=RentalId(self.ids.new()),
            account_id=account_id,
            service=old.service,
            service_name=old.service_name,
            country=old.country,
            price=quoted.price,
            at=self.clock.now(),
            pace=self.terms.pace,
            key_prefix=key_prefix,
            idempotency_key=key,
            renews=old.id,
        )
        request = _Request(rental=rental, fingerprint=asked, phone=old.phone)
        return await self.calls.run(
            self._hold_and_ask(request, partial(self.provider.renew, old.activation_id))
        )

    async def _replayed(
        self,
        account_id: AccountId,
        key: IdempotencyKey | None,
        asked: Fingerprint,
        *,
        otherwise: KiwismsError,
    ) -> Ordered:
        """
        Replay the answer of an earlier, equal request when this one cannot be made now.

        Raises:
            KiwismsError: *otherwise*, when there is nothing to replay.
        """
        record = None if key is None else await self.store.idempotency(account_id, key)
        made = replay(record, asked, self.clock.now())
        rental = None if made is None else await self.store.rental(account_id, made)
        if rental is None:
            raise otherwise
        return Ordered(rental=rental, replayed=True)

    async def _quote_again(self, old: Rental) -> Quote:
        catalog = (await self.catalogs.current(old.country)).catalog
        offer = catalog.offers.get(old.service)
        if offer is None:
            return Quote(price=old.price, max_cost=old.price)
        return quote(offer, surcharges=0, markup_percent=self.terms.markup_percent)

    async def _hold_and_ask(
        self, request: _Request, ask: Callable[[], Awaitable[Answer]]
    ) -> Ordered:
        held = await self._hold(request)
        if held.rental.id != request.rental.id:
            return Ordered(rental=held.rental, replayed=True)
        rental = await self.outcomes.apply(held, await answer_of(ask(), Answer))
        return Ordered(rental=rental, replayed=False)

    @retry_on_conflict
    async def _hold(self, request: _Request) -> HeldRequest:
        """
        Step one: claim the key, hold the price, take a place upstream.

        Returns the earlier rental if the key has one.
        """
        rental, now = request.rental, self.clock.now()
        asked, key = usage_query(self.terms, now), rental.idempotency_key
        prefetch = Prefetch(key=key, usage=asked)
        async with self.store.transaction(rental.account_id, prefetch) as tx:
            if key is not None:
                record = await tx.idempotency(key)
                made = replay(record, request.fingerprint, now)
                earlier = None if made is None else await tx.rental(made)
                if earlier is not None:
                    return HeldRequest(rental=earlier)
                claimed = IdempotencyRecord.claim(
                    record,
                    key=key,
                    account_id=rental.account_id,
                    fingerprint=request.fingerprint,
                    rental_id=rental.id,
                    at=now,
                )
                tx.save(claimed)
            (await tx.account()).must_be_active()
            must_have_room(await tx.usage(asked), self.terms, now)
            progress = Progress(wallet=await tx.wallet(), rental=None, by=actor(rental))
            progress.to(rental)
            await self.outbox.save(tx, progress)
            tx.take_place(rental.id, most=self.terms.provider_max_waiting)
        return HeldRequest(rental=rental, phone=request.phone, transaction=tx)
