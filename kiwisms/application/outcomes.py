"""The outcome of a request for a number: kept, refused, lost, handed back or given up."""

import logging
from collections.abc import Callable
from datetime import datetime

from attrs import frozen

from kiwisms.application.errors import ProviderFailed
from kiwisms.application.incidents import Incidents
from kiwisms.application.outbox import WORK, Outbox
from kiwisms.application.progress import Progress, actor
from kiwisms.application.retry import retry_on_conflict
from kiwisms.domain.actors import WORKER
from kiwisms.domain.catalog import ServiceUnavailable
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.incident import Incident, IncidentKind
from kiwisms.domain.pricing import corrected
from kiwisms.domain.rental import RenewNotFound, Rental
from kiwisms.domain.rental_state import OPEN, State
from kiwisms.domain.terms import Terms
from kiwisms.ports.clock import Clock
from kiwisms.ports.notices import Notices
from kiwisms.ports.provider import Cancelled, Provider, Refusal, Refused, Rented, Unknown
from kiwisms.ports.store import Store, StoreUnavailable
from kiwisms.ports.transaction import NumberTaken, Prefetch, Transaction, TransactionConflict

Answer = Rented | Refused | Unknown

log = logging.getLogger(__name__)

UNAVAILABLE = frozenset(
    {
        Refusal.NO_NUMBERS,
        Refusal.PRICE_EXCEEDED,
        Refusal.TOO_MANY_WAITING,
        Refusal.BAD_SERVICE,
    }
)
"""Refusals that mean "not now" or "not at this price". The operator must fix all others."""


@frozen(kw_only=True, eq=False)
class HeldRequest:
    """
    A request whose price is held.

    Attributes:
        rental: The requested rental.
        phone: The number that it must get, if known.
        transaction: The transaction that held the price, if known.
    """

    rental: Rental
    phone: str | None = None
    transaction: Transaction | None = None

    @property
    def prefetch(self) -> Prefetch:
        """What applying upstream's answer reads. It always writes, unless it is too late."""
        key = self.rental.idempotency_key
        return Prefetch(rental_id=self.rental.id, key=key, after=self.transaction)


@frozen(kw_only=True, eq=False)
class Outcomes:
    """
    The last of the three steps of a rent or a renewal: see `Renting`.

    One transaction applies upstream's answer. A number is returned only after that is durable.
    """

    store: Store
    provider: Provider
    incidents: Incidents
    outbox: Outbox
    clock: Clock
    notices: Notices
    terms: Terms

    async def apply(self, held: HeldRequest, answer: Answer) -> Rental:
        """
        Apply upstream's answer to a request.

        Raises:
            KiwismsError: No number was rented; the money is back and the key is free.
        """
        match answer:
            case Rented() as number:
                return await self._keep(held, number)
            case Refused(reason=reason):
                await self._fail(held, incident=None)
                raise _refusal(held.rental, reason)
            case Unknown(detail=detail):
                raise await self._lost(held, detail)

    async def _keep(self, held: HeldRequest, number: Rented) -> Rental:
        """Acknowledge a number, or hand it back."""
        if held.phone not in {None, number.phone}:
            raise await self._hand_back(held, number, "is not the one that was requested")
        try:
            kept = await self._save(held, number)
        except NumberTaken:
            raise await self._lost(held, _taken(number)) from None
        except (StoreUnavailable, TransactionConflict):
            await self._hand_back(held, number, "could not be saved")
            raise
        if kept is None:
            raise await self._hand_back(held, number, "came too late", is_late=True)
        self.notices.notify(WORK)
        return kept

    async def _lost(self, held: HeldRequest, detail: str) -> ProviderFailed:
        """Give up a request whose answer never came or is nonsense; returns the error to raise."""
        log.warning("rental %s: upstream's answer is lost: %s", held.rental.id, detail)
        incident = self.incidents.about(held.rental, IncidentKind.ANSWER_LOST, detail)
        await self._fail(held, incident)
        return _failure(detail)

    async def _hand_back(
        self, held: HeldRequest, number: Rented, why: str, *, is_late: bool = False
    ) -> ProviderFailed:
        """Give up a request whose number cannot be kept; returns the error to raise."""
        if await self._belongs_to_another(held, number):
            return await self._lost(held, _taken(number))
        answer = await self.provider.cancel(number.activation_id)
        activation_id = number.activation_id
        log.warning("rental %s: activation %s %s: %s", held.rental.id, activation_id, why, answer)
        is_back = isinstance(answer, Cancelled)
        outcome = "was handed back" if is_back else f"may still be rented: {answer}"
        kind = IncidentKind.ANSWER_TOO_LATE if is_late else IncidentKind.ANSWER_LOST
        detail = f"the number {why}; it {outcome}"
        incident = self.incidents.about(held.rental, kind, detail, activation_id)
        # A request that was given up before has an incident; this one reports what became of it.
        reported = incident if is_late or not is_back else None
        await self._fail(held, reported, handed_back=number if is_back else None)
        return _failure(why)

    async def _belongs_to_another(self, held: HeldRequest, number: Rented) -> bool:
        try:
            other = await self.store.find_rental_by_activation(number.activation_id)
        except StoreUnavailable:
            # It hardly ever is, and a number that is not handed back would be paid for.
            return False
        return other is not None and other.id != held.rental.id and other.state in OPEN

    async def _save(self, held: HeldRequest, number: Rented) -> Rental | None:
        try:
            return await self._apply_number(held, number)
        except StoreUnavailable:
            # It may have been saved, and only the answer was lost.
            return await self._apply_number(held, number)

    @retry_on_conflict
    async def _apply_number(self, held: HeldRequest, number: Rented) -> Rental | None:
        async with self.store.transaction(held.rental.account_id, held.prefetch) as tx:
            rental = await tx.rental(held.rental.id)
            if rental is None:
                return None
            if rental.state is not State.REQUESTED:
                return rental if rental.activation_id == number.activation_id else None
            progress = Progress(wallet=await tx.wallet(), rental=rental, by=actor(rental))
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

    async def give_up(self, rental: Rental) -> None:
        """Give up an unfinished request: upstream cannot be asked what became of it."""
        log.warning("rental %s: the process ended before it saved upstream's answer", rental.id)
        kind = IncidentKind.NOBODY_CAME_BACK
        incident = self.incidents.about(rental, kind, "the process ended")
        await self._fail(HeldRequest(rental=rental), incident, by=WORKER)

    @retry_on_conflict
    async def _fail(
        self,
        held: HeldRequest,
        incident: Incident | None,
        *,
        by: str | None = None,
        handed_back: Rented | None = None,
    ) -> None:
        """
        Save that no number was rented: the money is back and the key is free.

        A number that was *handed_back* may have been saved although the store reported a failure.
        Then the rental is cancelled, but keeps its key, as a replay may have shown it. If the
        request was given up before, an incident is saved only when it names a number.
        """
        async with self.store.transaction(held.rental.account_id, held.prefetch) as tx:
            rental = await tx.rental(held.rental.id)
            end = None if rental is None else _end(rental, handed_back)
            if rental is None or end is None:
                if incident is not None and incident.activation_id is not None:
                    tx.save(incident)
                return
            progress = Progress(wallet=await tx.wallet(), rental=rental, by=by or actor(rental))
            progress.to(end(self.clock.now()))
            await self.outbox.save(tx, progress)
            if incident is not None:
                tx.save(incident)
            if rental.state is State.REQUESTED:
                await _settle_key(tx, rental, IdempotencyRecord.free)


def _taken(number: Rented) -> str:
    return f"activation {number.activation_id} belongs to another rental"


def _end(rental: Rental, handed_back: Rented | None) -> Callable[[datetime], Rental] | None:
    if rental.state is State.REQUESTED:
        return rental.fail
    number = None if handed_back is None else handed_back.activation_id
    if rental.state is State.WAITING and rental.activation_id == number:
        return rental.cancel
    return None


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
