"""What a customer does with rentals: rent, read, wait for codes, cancel, complete."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from attrs import frozen

from kiwisms.application.errors import ProviderFailed
from kiwisms.application.looks import Looks, number_of
from kiwisms.application.outbox import WORK
from kiwisms.application.progress import Progress
from kiwisms.application.renting import Ordered, Renting
from kiwisms.application.retry import retry_on_conflict
from kiwisms.application.silence import Silence
from kiwisms.application.trail import Trail
from kiwisms.domain.actors import APP
from kiwisms.domain.catalog import DEFAULT_COUNTRY
from kiwisms.domain.history import Step, in_order
from kiwisms.domain.idempotency import parse_idempotency_key
from kiwisms.domain.ids import AccountId, KeyPrefix, RentalId
from kiwisms.domain.incident import LONGEST_NOTE, silence_id
from kiwisms.domain.money import Amount
from kiwisms.domain.order import Order
from kiwisms.domain.rental import (
    CancelNotAllowed,
    GiveUpNotAllowed,
    Rental,
    RentalNotFound,
)
from kiwisms.domain.rental_state import OPEN, SHOWN, UNPAID, State
from kiwisms.domain.sms import Code
from kiwisms.domain.terms import Terms
from kiwisms.domain.text import printable
from kiwisms.ports.clock import Clock
from kiwisms.ports.notices import Notices
from kiwisms.ports.provider import Cancelled, Gone, Look, NoAnswer, Provider, Waiting
from kiwisms.ports.store import Store
from kiwisms.ports.transaction import Fact, Prefetch


@frozen(kw_only=True, eq=False)
class Rentals:
    """The customer's use cases about rented numbers."""

    store: Store
    provider: Provider
    renting: Renting
    looks: Looks
    silence: Silence
    trail: Trail
    clock: Clock
    notices: Notices
    terms: Terms

    async def rent(
        self,
        account_id: AccountId,
        *,
        service: str,
        country: str = DEFAULT_COUNTRY,
        max_price: Amount | None = None,
        areas: str | Iterable[str] | None = None,
        carrier: str | None = None,
        idempotency_key: str | None = None,
    ) -> Rental:
        """
        Rent a number.

        The arguments are those of `Order.parse`. With an *idempotency_key*, the same call made
        again within 24 hours returns the rental that the first call made.

        Raises:
            ValidationRefused: An argument cannot be used.
            InvalidCountry: There is no such country.
            AccountNotFound: There is no such account.
            AccountSuspended: The operator has suspended the account.
            InsufficientBalance: The wallet does not cover the price.
            ServiceUnavailable: Unknown service, no stock, or more expensive than *max_price*.
            TooManyActiveRentals: The account already has its maximum of active rentals.
            RateLimited: The account has cancelled too many numbers without a code.
            IdempotencyConflict: The same call is still running.
            IdempotencyKeyReused: The key belongs to another call.
            ProviderFailed: Upstream failed; no money moved and the key is free.
            kiwisms.StoreUnavailable: The store failed. If the price is still held, it is released
                and the key is freed when the request is given up.
            kiwisms.TransactionConflict: Other processes wrote to the account first at every try.
        """
        order = Order.parse(
            service=service, country=country, max_price=max_price, areas=areas, carrier=carrier
        )
        return (await self.order(account_id, order, idempotency_key=idempotency_key)).rental

    async def order(
        self,
        account_id: AccountId,
        order: Order,
        *,
        idempotency_key: str | None = None,
        key_prefix: KeyPrefix | None = None,
    ) -> Ordered:
        """Like `rent`, but names the API key, and reports whether the answer is a replay."""
        key = parse_idempotency_key(idempotency_key)
        return await self.renting.rent(account_id, order, key=key, key_prefix=key_prefix)

    async def renew(
        self,
        account_id: AccountId,
        rental_id: RentalId,
        *,
        idempotency_key: str | None = None,
    ) -> Rental:
        """
        Begin a new session on the number of an earlier rental; raises what `rent` raises.

        Raises:
            RenewNotFound: There is no such rental, or its number cannot be had again.
        """
        ordered = await self.order_renewal(account_id, rental_id, idempotency_key=idempotency_key)
        return ordered.rental

    async def order_renewal(
        self,
        account_id: AccountId,
        rental_id: RentalId,
        *,
        idempotency_key: str | None = None,
        key_prefix: KeyPrefix | None = None,
    ) -> Ordered:
        """Like `renew`, but names the API key, and reports whether the answer is a replay."""
        key = parse_idempotency_key(idempotency_key)
        return await self.renting.renew(account_id, rental_id, key=key, key_prefix=key_prefix)

    async def get(self, account_id: AccountId, rental_id: RentalId, *, sync: bool = True) -> Rental:
        """
        Read a rental; with *sync*, upstream is asked first if it may be asked again.

        Raises:
            RentalNotFound: The account has no such rental.
        """
        rental = await self.store.rental(account_id, rental_id)
        if rental is None or rental.state not in SHOWN:
            raise RentalNotFound
        return await self.looks.refresh(rental) if sync else rental

    async def active(self, account_id: AccountId, *, sync: bool = True) -> Sequence[Rental]:
        """
        Read all rentals that are active, the newest first; *sync* as in `get`.

        The account itself is not read, as this is polled; an unknown one has no rentals.
        """
        rentals = await self.store.active_rentals(account_id, self.clock.now())
        if sync:
            rentals = await asyncio.gather(*map(self.looks.refresh, rentals))
        now = self.clock.now()
        return [rental for rental in rentals if rental.is_active(now)]

    async def codes(self, account_id: AccountId, rental_id: RentalId) -> AsyncIterator[Code]:
        """Yield each code as it comes, until the rental ends; raises `RentalNotFound`."""
        seen = 0
        while True:
            rental = await self.get(account_id, rental_id)
            for message in rental.messages[seen:]:
                yield message.code
            seen = len(rental.messages)
            if rental.state not in OPEN:
                return
            await self.notices.wait(rental_id, self.terms.pace.look.total_seconds())

    async def cancel(self, account_id: AccountId, rental_id: RentalId, *, by: str = APP) -> Rental:
        """
        Give a number back before a code came; the price is released.

        A code that came meanwhile wins: then the rental is RECEIVED, and paid. A `done` that has
        reached upstream wins too: then the rental is COMPLETED, and paid.

        Raises:
            CancelNotAllowed: There is no such rental, or it is not WAITING.
            ProviderFailed: Upstream failed, or does not take the number back; nothing changed.
        """
        rental = await self.store.rental(account_id, rental_id)
        if rental is None or rental.state is not State.WAITING:
            raise CancelNotAllowed
        answer = await self.provider.cancel(number_of(rental))
        seen: Look = Cancelled()
        if not isinstance(answer, Cancelled):
            # Only a look shows whether a code came, whatever upstream answered: a code wins.
            rental, seen = await self.looks.look(rental, by)
            if rental.state is State.CANCELLED:
                return rental
            if isinstance(seen, Waiting | NoAnswer):
                raise ProviderFailed("Could not cancel rental on provider", f"{answer}, {seen}")
        gone = isinstance(seen, Gone)
        end = partial(Rental.confirm_cancel, gone=gone)
        records = (lambda unpaid: [self.looks.unknown_end(unpaid)]) if gone else None
        ended = await self._end(account_id, rental_id, end, by, records)
        if ended.state is not State.CANCELLED:
            raise CancelNotAllowed
        return ended

    async def done(self, account_id: AccountId, rental_id: RentalId, *, by: str = APP) -> Rental:
        """
        Release a number; its price is paid even without a code.

        A completed rental is returned unchanged.

        Raises:
            RentalNotFound: There is no such rental, or it ended unpaid.
            ProviderFailed: Upstream failed, or did not confirm that it has finished the number.
                Once that shows, it is paid. Until then it may still receive codes, or be cancelled.
        """
        rental = await self.store.rental(account_id, rental_id)
        if rental is None or rental.state not in SHOWN:
            raise RentalNotFound
        if rental.state is State.WAITING:
            await self._look_or_fail(rental, by)
            rental = await self._mark_done(account_id, rental_id)
        elif rental.state is State.RECEIVED:
            await self.looks.look_for_code(rental, by)
        if rental.state is State.COMPLETED:
            return rental
        if rental.state not in OPEN:
            raise RentalNotFound
        answer = await self.provider.finish(number_of(rental))
        if isinstance(answer, NoAnswer):
            raise ProviderFailed("Could not complete rental on provider", answer.detail)
        if rental.state is State.WAITING:
            # Between the look and the release a code may have come.
            if isinstance(answer, Gone):
                await self._look_or_fail(rental, by)
            else:
                await self.looks.look_for_code(rental, by)
        return await self._end(account_id, rental_id, Rental.confirm_done, by)

    async def find(self, rental_id: RentalId) -> Rental:
        """Read any account's rental, for the operator; raises `RentalNotFound`."""
        rental = await self.store.find_rental(rental_id)
        if rental is None:
            raise RentalNotFound
        return rental

    async def all(
        self, *, account_id: AccountId | None = None, state: State | None = None, limit: int = 100
    ) -> Sequence[Rental]:
        """The newest rentals, in any state, for the operator."""
        return await self.store.rentals(account_id=account_id, state=state, limit=limit)

    async def history(self, rental: Rental) -> list[Step]:
        """What happened to a rental, in order, for the operator."""
        return in_order(await self.store.steps(rental.account_id, rental.id))

    async def give_up(self, rental_id: RentalId, *, reason: str) -> Rental:
        """
        End a silent rental: one whose end upstream does not report; for the operator.

        Upstream is asked one last time. If it answers, the answer counts, and nothing is given up.
        If not, the price goes back to the customer, and an incident names the number, as upstream
        may have charged for it.

        Raises:
            RentalNotFound: There is no such rental.
            GiveUpNotAllowed: It is not WAITING, its session is not long over, or upstream did not
                answer and no background work has reported the silence yet.
            ProviderFailed: Upstream could not even be asked; nothing changed.
            ValidationRefused: *reason* does not have 1 to 500 printable characters.
        """
        said = printable("reason", reason.strip(), longest=LONGEST_NOTE)
        rental, pace, by = await self.find(rental_id), self.terms.pace, self.trail.by
        rental.must_allow_give_up(self.clock.now(), pace)
        looked, seen = await self.looks.look(rental, by)
        if looked.state not in OPEN:
            return looked
        # The key of this process may be wrong; the incident shows that the servers got no answer.
        if await self.store.find_incident(silence_id(rental_id)) is None:
            raise GiveUpNotAllowed
        if isinstance(seen, NoAnswer) and not seen.asked:
            raise ProviderFailed("Could not ask the provider one last time", seen.detail)
        end = partial(Rental.give_up_on_request, pace=pace)
        records = partial(self.silence.records_of_give_up, reason=said, by=by)
        return await self._end(rental.account_id, rental_id, end, by, records)

    async def _look_or_fail(self, rental: Rental, by: str) -> Rental:
        looked, seen = await self.looks.look(rental, by)
        if isinstance(seen, NoAnswer):
            raise ProviderFailed("Could not complete rental on provider", seen.detail)
        return looked

    @retry_on_conflict
    async def _mark_done(self, account_id: AccountId, rental_id: RentalId) -> Rental:
        """Save that the customer is done, before upstream is asked to finish the number."""
        async with self.store.transaction(account_id) as tx:
            rental = await tx.rental(rental_id)
            if rental is None:
                raise RentalNotFound
            if rental.state is State.WAITING:
                rental = rental.mark_done(self.clock.now())
                tx.save(rental)
        return rental

    @retry_on_conflict
    async def _end(
        self,
        account_id: AccountId,
        rental_id: RentalId,
        end: Callable[[Rental, datetime], Rental],
        by: str,
        records: Callable[[Rental], Iterable[Fact]] | None = None,
    ) -> Rental:
        """End a rental; the *records* of one that ends unpaid are saved with it."""
        async with self.store.transaction(account_id, Prefetch(rental_id=rental_id)) as tx:
            rental = await tx.rental(rental_id)
            if rental is None:
                raise RentalNotFound
            progress = Progress(wallet=await tx.wallet(), rental=rental, by=by)
            ended = end(rental, self.clock.now())
            progress.to(ended)
            if records is not None and rental.state is State.WAITING and ended.state in UNPAID:
                tx.save(*records(ended))
            await self.silence.save(tx, progress)
        self.notices.notify(rental_id)
        self.notices.notify(WORK)
        return ended
