"""Rent a number: hold the price, ask upstream once, and settle what it answered."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from weakref import WeakValueDictionary

from attrs import field, frozen

from kiwisms.application.catalogs import Catalogs
from kiwisms.application.errors import ProviderFailed
from kiwisms.application.incidents import Incidents
from kiwisms.application.outbox import WORK, Outbox
from kiwisms.application.progress import APP, WORKER, Progress
from kiwisms.application.repeat import repeatable
from kiwisms.domain.catalog import ServiceUnavailable
from kiwisms.domain.errors import KiwismsError, RateLimited
from kiwisms.domain.idempotency import (
    Fingerprint,
    IdempotencyRecord,
    KeyState,
    fingerprint,
    replay,
)
from kiwisms.domain.ids import AccountId, ActivationId, IdempotencyKey, KeyPrefix, RentalId
from kiwisms.domain.incident import Incident, IncidentKind
from kiwisms.domain.order import Order
from kiwisms.domain.pricing import Quote, corrected, must_be_within, quote
from kiwisms.domain.rental import (
    OPEN,
    RENEWABLE,
    RenewNotFound,
    Rental,
    State,
    TooManyActiveRentals,
)
from kiwisms.domain.terms import Terms
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.notices import Notices
from kiwisms.ports.provider import (
    Cancelled,
    NumberOrder,
    Provider,
    Refusal,
    Refused,
    Rented,
    Unknown,
)
from kiwisms.ports.store import (
    Ahead,
    Store,
    StoreUnavailable,
    Transaction,
    TransactionOutrun,
    Usage,
    UsageAsked,
)

Answer = Rented | Refused | Unknown

log = logging.getLogger(__name__)

GUARDED: timedelta = timedelta(hours=1)
"""The time over which cancels are counted."""

UNAVAILABLE = frozenset(
    {
        Refusal.NO_NUMBERS,
        Refusal.PRICE_EXCEEDED,
        Refusal.TOO_MANY_WAITING,
        Refusal.BAD_SERVICE,
    }
)
"""Refusals that mean: not now, not at this price. The others are for the operator to mend."""


@frozen(kw_only=True)
class Ordered:
    """A rental that was made; *replayed* when an earlier, equal request made it."""

    rental: Rental
    replayed: bool


@frozen(kw_only=True)
class _Wish:
    """
    What the steps need to know; the fingerprint binds the idempotency key to it.

    *phone* is the number that it must be, where that is known.
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
    """

    store: Store
    provider: Provider
    catalogs: Catalogs
    incidents: Incidents
    outbox: Outbox
    clock: Clock
    ids: Ids
    notices: Notices
    terms: Terms
    _arrivals: WeakValueDictionary[ActivationId, asyncio.Lock] = field(
        factory=WeakValueDictionary, init=False
    )

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
        earlier = await self._replayed(account_id, key, asked)
        if earlier is not None:
            return earlier
        offer = (await self.catalogs.current(order.country)).catalog.offer(order.service)
        quoted = quote(offer, wishes=order.wishes, markup_percent=self.terms.markup_percent)
        must_be_within(quoted.price, order.max_price)
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
        wish = _Wish(rental=rental, fingerprint=asked)
        return await self._hold_and_ask(wish, partial(self.provider.rent, number))

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
        earlier = await self._replayed(account_id, key, asked)
        if earlier is not None:
            return earlier
        old = await self.store.rental(account_id, rental_id)
        if old is None or old.state not in RENEWABLE or old.activation_id is None:
            raise RenewNotFound
        rental = Rental.request(
            id=RentalId(self.ids.new()),
            account_id=account_id,
            service=old.service,
            service_name=old.service_name,
            country=old.country,
            price=(await self._quote_again(old)).price,
            at=self.clock.now(),
            pace=self.terms.pace,
            key_prefix=key_prefix,
            idempotency_key=key,
            renews=old.id,
        )
        wish = _Wish(rental=rental, fingerprint=asked, phone=old.phone)
        return await self._hold_and_ask(wish, partial(self.provider.renew, old.activation_id))

    async def _replayed(
        self, account_id: AccountId, key: IdempotencyKey | None, asked: Fingerprint
    ) -> Ordered | None:
        """Answer from the key alone, before upstream's catalog is asked for anything."""
        if key is None:
            return None
        record = await self.store.idempotency(account_id, key)
        made = replay(record, asked, self.clock.now())
        if made is None:
            return None
        rental = await self.store.rental(account_id, made)
        return None if rental is None else Ordered(rental=rental, replayed=True)

    async def _quote_again(self, old: Rental) -> Quote:
        catalog = (await self.catalogs.current(old.country)).catalog
        offer = catalog.offers.get(old.service)
        if offer is None:
            return Quote(price=old.price, max_cost=old.price)
        return quote(offer, wishes=0, markup_percent=self.terms.markup_percent)

    async def _hold_and_ask(self, wish: _Wish, ask: Callable[[], Awaitable[Answer]]) -> Ordered:
        held = await self._hold(wish)
        if held.id != wish.rental.id:
            return Ordered(rental=held, replayed=True)
        match await ask():
            case Rented() as number:
                return Ordered(rental=await self._keep(wish, number), replayed=False)
            case Refused(reason=reason):
                await self._fail(held, incident=None)
                raise _refusal(held, reason)
            case Unknown(detail=detail):
                raise await self._lost(held, detail)

    @repeatable
    async def _hold(self, wish: _Wish) -> Rental:
        """
        Step one: claim the key, hold the price, take a place upstream.

        Gives an earlier rental if the key has one.
        """
        rental, now = wish.rental, self.clock.now()
        asked = UsageAsked(
            now=now,
            since=now - GUARDED,
            most_cancels=max(self.terms.cancels_per_hour, 1),
        )
        ahead = Ahead(key=rental.idempotency_key, usage=asked)
        async with self.store.transaction(rental.account_id, ahead) as tx:
            (await tx.account()).must_be_active()
            if rental.idempotency_key is not None:
                record = await tx.idempotency(rental.idempotency_key)
                made = replay(record, wish.fingerprint, now)
                earlier = None if made is None else await tx.rental(made)
                if earlier is not None:
                    return earlier
                tx.save(_claim(rental, rental.idempotency_key, wish.fingerprint))
            self._must_have_room(await tx.usage(asked), now)
            progress = Progress(wallet=await tx.wallet(), rental=None, by=_actor(rental))
            progress.to(rental)
            await self.outbox.save(tx, progress)
            tx.take_place(rental.id, most=self.terms.provider_max_waiting)
        return rental

    def _must_have_room(self, usage: Usage, now: datetime) -> None:
        terms = self.terms
        if usage.active >= terms.max_active_rentals:
            raise TooManyActiveRentals(terms.max_active_rentals)
        if terms.cancels_per_hour > 0 and usage.nth_cancel is not None:
            wait = usage.nth_cancel + GUARDED - now
            why = "Too many rentals were cancelled without a code"
            raise RateLimited(int(wait.total_seconds()) + 1, why)

    async def _keep(self, wish: _Wish, number: Rented) -> Rental:
        """Step three for a number: acknowledge it, or hand it back."""
        held, as_asked = wish.rental, wish.phone in {None, number.phone}
        try:
            # Of two that are given one number at once, the second finds it with the first.
            async with self._arrivals.setdefault(number.activation_id, asyncio.Lock()):
                anothers = await self._is_anothers(number)
                keep = as_asked and not anothers
                kept = await self._apply_number(held, number) if keep else None
        except (StoreUnavailable, TransactionOutrun):
            await self._hand_back(held, number, "could not be saved")
            raise
        if anothers:
            raise await self._lost(held, f"activation {number.activation_id} is another's")
        if not as_asked:
            raise await self._hand_back(held, number, "is another one than was asked for")
        if kept is None:
            raise await self._hand_back(held, number, "came too late", is_late=True)
        self.notices.tell(WORK)
        return kept

    async def _is_anothers(self, number: Rented) -> bool:
        other = await self.store.find_rental_by_activation(number.activation_id)
        return other is not None and other.state in OPEN

    async def _lost(self, held: Rental, detail: str) -> ProviderFailed:
        """Give up a request, as upstream's answer never came or is nonsense, and say so."""
        log.warning("rental %s: upstream's answer is lost: %s", held.id, detail)
        await self._fail(held, self.incidents.about(held, IncidentKind.ANSWER_LOST, detail))
        return _failure(detail)

    async def _hand_back(
        self, held: Rental, number: Rented, why: str, *, is_late: bool = False
    ) -> ProviderFailed:
        """Give up a request whose number cannot be acknowledged, and the number with it."""
        answer = await self.provider.cancel(number.activation_id)
        log.warning("rental %s: activation %s %s: %s", held.id, number.activation_id, why, answer)
        is_back = isinstance(answer, Cancelled)
        outcome = "was handed back" if is_back else f"may still be rented: {answer}"
        kind = IncidentKind.ANSWER_TOO_LATE if is_late else IncidentKind.ANSWER_LOST
        detail = f"the number {why}; it {outcome}"
        incident = self.incidents.about(held, kind, detail, number.activation_id)
        # An incident of the request that was given up is there, so tell what became of it.
        await self._fail(held, incident if is_late or not is_back else None)
        return _failure(why)

    @repeatable
    async def _apply_number(self, held: Rental, number: Rented) -> Rental | None:
        async with self.store.transaction(held.account_id, _step_three(held)) as tx:
            rental = await tx.rental(held.id)
            if rental is None or rental.state is not State.REQUESTED:
                return None
            progress = Progress(wallet=await tx.wallet(), rental=rental, by=_actor(rental))
            kept = rental.rent(
                activation_id=number.activation_id,
                phone=number.phone,
                price=corrected(rental.price, number.cost, self.terms.markup_percent),
                cost=number.cost,
                asleep_until=number.asleep_until,
                at=self.clock.now(),
                pace=self.terms.pace,
            )
            progress.to(kept)
            await self.outbox.save(tx, progress)
            await _settle_key(tx, rental, IdempotencyRecord.finish)
        return kept

    async def rescue(self, rental: Rental) -> None:
        """Give up a request that nobody finished: upstream cannot be asked what became of it."""
        log.warning("rental %s: nobody came back with upstream's answer", rental.id)
        kind = IncidentKind.NOBODY_CAME_BACK
        incident = self.incidents.about(rental, kind, "the process ended")
        await self._fail(rental, incident, by=WORKER)

    @repeatable
    async def _fail(self, held: Rental, incident: Incident | None, by: str | None = None) -> None:
        """
        Step three without a number: the money is back and the key is free.

        When that has happened before, only an incident that names a number is news.
        """
        async with self.store.transaction(held.account_id, _step_three(held)) as tx:
            rental = await tx.rental(held.id)
            if rental is None or rental.state is not State.REQUESTED:
                if incident is not None and incident.activation_id is not None:
                    tx.save(incident)
                return
            progress = Progress(wallet=await tx.wallet(), rental=rental, by=by or _actor(rental))
            progress.to(rental.fail(self.clock.now()))
            await self.outbox.save(tx, progress)
            if incident is not None:
                tx.save(incident)
            await _settle_key(tx, rental, IdempotencyRecord.free)


def _step_three(held: Rental) -> Ahead:
    return Ahead(rental_id=held.id, key=held.idempotency_key)


def _claim(rental: Rental, key: IdempotencyKey, asked: Fingerprint) -> IdempotencyRecord:
    return IdempotencyRecord(
        key=key,
        account_id=rental.account_id,
        fingerprint=asked,
        rental_id=rental.id,
        state=KeyState.RUNNING,
        claimed_at=rental.created_at,
    )


async def _settle_key(
    tx: Transaction, rental: Rental, settle: Callable[[IdempotencyRecord], IdempotencyRecord]
) -> None:
    if rental.idempotency_key is None:
        return
    record = await tx.idempotency(rental.idempotency_key)
    if record is not None and record.rental_id == rental.id:
        tx.save(settle(record))


def _refusal(rental: Rental, reason: Refusal) -> KiwismsError:
    if reason in UNAVAILABLE:
        return ServiceUnavailable(f"upstream: {reason}")
    if reason is Refusal.NOT_RENEWABLE:
        return RenewNotFound()
    if reason is not Refusal.UNREACHABLE:
        log.error("rental %s: upstream refused: %s", rental.id, reason)
    return _failure(reason)


def _failure(detail: str) -> ProviderFailed:
    return ProviderFailed("Could not rent a number from the provider", detail)


def _actor(rental: Rental) -> str:
    return rental.key_prefix or APP
