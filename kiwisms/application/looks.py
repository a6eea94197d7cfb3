"""Looks: ask upstream for the status of a number, and apply the answer to its rental."""

import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from attrs import define, field, frozen

from kiwisms.application.answers import answer_of
from kiwisms.application.incidents import Incidents
from kiwisms.application.outbox import WORK
from kiwisms.application.progress import Progress
from kiwisms.application.retry import retry_on_conflict
from kiwisms.application.silence import Silence
from kiwisms.application.single_flight import SingleFlight
from kiwisms.domain.actors import WORKER
from kiwisms.domain.ids import AccountId, ActivationId, RentalId
from kiwisms.domain.incident import Incident, IncidentKind
from kiwisms.domain.push import PushedMessage, confirmed_messages
from kiwisms.domain.rental import Rental, RentalNotFound
from kiwisms.domain.rental_state import OPEN, UNPAID
from kiwisms.domain.sms import Message
from kiwisms.domain.terms import Terms
from kiwisms.ports.clock import Clock
from kiwisms.ports.notices import Notices
from kiwisms.ports.provider import (
    Ambiguous,
    CancelAnswer,
    Cancelled,
    Gone,
    Look,
    NoAnswer,
    Provider,
    Received,
    Unknown,
    Waiting,
)
from kiwisms.ports.store import Store
from kiwisms.ports.transaction import Prefetch, Transaction

log = logging.getLogger(__name__)


@frozen(kw_only=True)
class _LookResult:
    """
    What a look has *shown* that began at *began_at*, and what was *pushed* for the number.

    *had* is how many messages the rental had then.
    """

    shown: Look
    pushed: Sequence[PushedMessage]
    began_at: datetime
    had: int

    def messages(self, rental: Rental, now: datetime) -> Sequence[Message]:
        """The messages that *rental* must receive."""
        if not isinstance(self.shown, Received):
            return ()
        newest = Message(code=self.shown.code, text=self.shown.text, at=now)
        found = confirmed_messages(
            newest, self.pushed, known=rental.messages, asked_at=self.began_at
        )
        # Another look may have added it already, with another text, from a push after this look.
        learnt = {message.code for message in rental.messages[self.had :]}
        return [message for message in found if message.code not in learnt]


@define(kw_only=True, eq=False)
class Looks:
    """Asks upstream no more often than allowed, once for all callers at a time."""

    store: Store
    provider: Provider
    incidents: Incidents
    silence: Silence
    clock: Clock
    notices: Notices
    terms: Terms
    _flights: SingleFlight[RentalId, Rental] = field(factory=SingleFlight, init=False)

    async def refresh(self, rental: Rental) -> Rental:
        """
        Bring a rental up to date, if upstream may be asked now; never fails because of upstream.

        A call during another look at the same rental waits for that look's result.
        """
        under_way = self._flights.is_under_way(rental.id)
        if not under_way and not rental.may_be_looked_at(self.clock.now()):
            return rental
        return await self._flights.do(rental.id, partial(self._claim_and_look, rental))

    async def look_claimed(self, rental: Rental) -> Rental:
        """Look at a rental that the caller has claimed; a `refresh` meanwhile waits for it."""
        return await self._flights.lead(rental.id, partial(self._looked, rental, is_due=True))

    async def look(
        self, rental: Rental, by: str = WORKER, *, is_due: bool = False
    ) -> tuple[Rental, Look]:
        """
        Ask upstream now, and save the answer.

        After the session's end this is the last look: without a message the number is handed back
        upstream, so that no later message can be charged for, and the rental expires.

        Args:
            rental: The rental.
            by: The actor.
            is_due: Whether the rental was due for this look. `Silence` counts no other look, so a
                customer's request never gives a rental up.

        Returns:
            The rental afterwards, and upstream's answer.
        """
        activation_id, began_at = number_of(rental), self.clock.now()
        over = rental.is_over_time(began_at)
        seen = await answer_of(self.provider.look(activation_id), Look)
        if over and isinstance(seen, Waiting):
            seen = await self._hand_back(activation_id)
        if isinstance(seen, NoAnswer) and seen.asked:
            log.warning("look at %s failed: %s", rental.id, seen.detail)
        result = await self._result_of(rental, seen, began_at)
        looked = await self._apply(
            rental.account_id, rental.id, result, over=over, by=by, is_due=is_due
        )
        if isinstance(seen, Received) and self.provider.asks_for_next and looked.state in OPEN:
            await self.provider.ask_next(activation_id)
        return looked, seen

    async def look_for_code(self, rental: Rental, by: str = WORKER) -> None:
        """Look once more for a code that came just before the end; other answers change nothing."""
        activation_id, began_at = number_of(rental), self.clock.now()
        seen = await answer_of(self.provider.look(activation_id), Look)
        if isinstance(seen, Received):
            result = await self._result_of(rental, seen, began_at)
            await self._apply(rental.account_id, rental.id, result, over=False, by=by)

    def unknown_end(self, rental: Rental) -> Incident:
        """
        Make the incident of a number that ends unpaid here and that upstream does not know.

        It was not marked as done here. So it ran out, or it was cancelled and the answer was lost:
        most likely upstream has not charged for it.
        """
        detail = "upstream no longer knows the number, and may have charged for it"
        return self.incidents.about(rental, IncidentKind.ANSWER_LOST, detail, rental.activation_id)

    async def _claim_and_look(self, rental: Rental) -> Rental:
        now = self.clock.now()
        claimed = await self.store.claim_rental(
            rental.account_id,
            rental.id,
            now=now,
            look_after=rental.looked(now, self.terms.pace).look_after,
            until=now + self.terms.lease,
        )
        if claimed:
            return await self._looked(rental, is_due=False)
        return await self.store.rental(rental.account_id, rental.id) or rental

    async def _looked(self, rental: Rental, *, is_due: bool) -> Rental:
        looked, _ = await self.look(rental, is_due=is_due)
        return looked

    async def _hand_back(self, activation_id: ActivationId) -> Look:
        answer = await answer_of(self.provider.cancel(activation_id), CancelAnswer)
        if isinstance(answer, Cancelled | Gone):
            return answer
        seen: Look = Waiting()
        if isinstance(answer, Ambiguous):
            seen = await answer_of(self.provider.look(activation_id), Look)
        if not isinstance(seen, Waiting):
            return seen
        # Upstream may still have the number, and charge for a later code: ask again later.
        asked = not isinstance(answer, NoAnswer) or answer.asked
        return Unknown(f"not handed back: {answer}", asked=asked)

    async def _result_of(self, rental: Rental, shown: Look, began_at: datetime) -> _LookResult:
        # A look shows only the newest message; an earlier one may have been pushed.
        has_message = isinstance(shown, Received)
        pushed = await self.store.pushes(number_of(rental)) if has_message else ()
        return _LookResult(shown=shown, pushed=pushed, began_at=began_at, had=len(rental.messages))

    @retry_on_conflict
    async def _apply(
        self,
        account_id: AccountId,
        rental_id: RentalId,
        seen: _LookResult,
        *,
        over: bool,
        by: str,
        is_due: bool = False,
    ) -> Rental:
        async with self.store.transaction(account_id, Prefetch(rental_id=rental_id)) as tx:
            rental = await tx.rental(rental_id)
            if rental is None:
                raise RentalNotFound
            if rental.state not in OPEN:
                return rental
            progress = Progress(wallet=await tx.wallet(), rental=rental, by=by)
            if isinstance(seen.shown, NoAnswer):
                after = await self._unanswered(tx, progress, rental, seen.shown, is_due=is_due)
            else:
                after = self._decide(progress, rental, seen, over=over)
            await self.silence.save(tx, progress)
            if isinstance(seen.shown, Gone) and after.state in UNPAID:
                tx.save(self.unknown_end(after))
        if after.messages != rental.messages or after.state is not rental.state:
            self.notices.notify(rental_id)
            self.notices.notify(WORK)
        return after

    async def _unanswered(
        self,
        tx: Transaction,
        progress: Progress,
        rental: Rental,
        answer: NoAnswer,
        *,
        is_due: bool,
    ) -> Rental:
        now, pace = self.clock.now(), self.terms.pace
        after = rental.looked(now, pace) if is_due else rental.looked_in_between(now, pace)
        progress.to(after)
        return await self.silence.record_silence(tx, progress, after, answer) if is_due else after

    def _decide(
        self, progress: Progress, rental: Rental, seen: _LookResult, *, over: bool
    ) -> Rental:
        now, pace = self.clock.now(), self.terms.pace
        after = rental.looked(now, pace)
        progress.to(after)
        for message in seen.messages(rental, now):
            after = after.receive(message, now, pace)
            progress.to(after)
        shown = seen.shown
        if isinstance(shown, Gone):
            after = after.gone(now)
        has_ended = over or isinstance(shown, Cancelled)
        if has_ended and after.state in OPEN:
            after = after.ended_upstream(now, pace)
        progress.to(after)
        return after


def number_of(rental: Rental) -> ActivationId:
    """The activation of a rental; only a requested or failed one has none."""
    if rental.activation_id is None:
        raise ValueError(f"rental {rental.id} is {rental.state} and has no number")
    return rental.activation_id
