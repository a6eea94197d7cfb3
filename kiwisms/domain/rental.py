"""A rental: one session on one number, from the request to its end."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from attrs import evolve, frozen

from kiwisms.domain.catalog import CountryCode, ServiceCode
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId, ActivationId, IdempotencyKey, KeyPrefix, RentalId
from kiwisms.domain.money import Money
from kiwisms.domain.pace import Pace
from kiwisms.domain.rental_state import OPEN, TRANSITIONS, Event, State
from kiwisms.domain.sms import Message
from kiwisms.domain.transitions import next_state


class RentalNotFound(KiwismsError):
    """The account has no such rental."""

    code = "RENTAL_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Rental not found")


class CancelNotAllowed(KiwismsError):
    """The account has no such rental, or it is no longer (or not yet) waiting."""

    code = "CANCEL_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__("Rental not found or cannot be cancelled (only WAITING rentals)")


class GiveUpNotAllowed(KiwismsError):
    """The rental is not waiting for a code, or upstream may still report how it ends."""

    code = "GIVE_UP_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__(
            "Rental cannot be given up (only a WAITING one whose session has long been over,"
            " and about which a server has recorded a PROVIDER_SILENT incident)"
        )


class RenewNotFound(KiwismsError):
    """The account has no such rental, or its number cannot be rented again."""

    code = "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Rental not found")


@frozen(kw_only=True)
class Rental:
    """
    One session on one number.

    *price* is what it costs, or would cost when a code comes. *cost* is what upstream charged, if
    known. *asleep_until* is set for a number that was asleep when the session began, and is never
    cleared. *done_at* is when the customer was done with it, before upstream was asked to finish
    it. *look_after* is the earliest moment at which upstream may be asked again. *due_at* is when
    a worker must look at the rental, if ever.
    """

    id: RentalId
    account_id: AccountId
    key_prefix: KeyPrefix | None = None
    idempotency_key: IdempotencyKey | None = None
    renews: RentalId | None = None
    service: ServiceCode
    service_name: str
    country: CountryCode
    state: State
    price: Money
    cost: Money | None = None
    activation_id: ActivationId | None = None
    phone: str = ""
    messages: tuple[Message, ...] = ()
    created_at: datetime
    changed_at: datetime
    expires_at: datetime
    asleep_until: datetime | None = None
    done_at: datetime | None = None
    look_after: datetime
    due_at: datetime | None

    @classmethod
    def request(
        cls,
        *,
        id: RentalId,
        account_id: AccountId,
        service: ServiceCode,
        service_name: str,
        country: CountryCode,
        price: Money,
        at: datetime,
        pace: Pace,
        key_prefix: KeyPrefix | None = None,
        idempotency_key: IdempotencyKey | None = None,
        renews: RentalId | None = None,
    ) -> Self:
        """Make a requested rental, whose price is to be held before upstream is asked."""
        return cls(
            id=id,
            account_id=account_id,
            key_prefix=key_prefix,
            idempotency_key=idempotency_key,
            renews=renews,
            service=service,
            service_name=service_name,
            country=country,
            state=next_state(TRANSITIONS, State.NEW, Event.REQUEST),
            price=price,
            created_at=at,
            changed_at=at,
            expires_at=at + pace.session,
            look_after=at + pace.request_timeout,
            due_at=at + pace.request_timeout,
        )

    def rent(
        self,
        *,
        activation_id: ActivationId,
        phone: str,
        price: Money,
        cost: Money | None,
        asleep_until: datetime | None,
        at: datetime,
        pace: Pace,
    ) -> Self:
        """Record the number that upstream gave; the session begins now."""
        rented = evolve(
            self,
            state=self._next(Event.RENT),
            changed_at=at,
            activation_id=activation_id,
            phone=phone,
            price=price,
            cost=cost,
            asleep_until=asleep_until,
            expires_at=at + pace.session,
        )
        return rented.looked(at, pace)

    def fail(self, at: datetime) -> Self:
        """Record that upstream refused, or that its answer is lost."""
        return self._end(Event.FAIL, at)

    def receive(self, message: Message, at: datetime, pace: Pace) -> Self:
        """Add a message; one that is already known changes nothing."""
        if self.has_received(message):
            self._must_allow(Event.RECEIVE)
            return self
        return evolve(
            self,
            state=self._next(Event.RECEIVE),
            changed_at=at,
            messages=(*self.messages, message),
        ).looked(at, pace)

    def mark_done(self, at: datetime) -> Self:
        """
        Record that the customer is done with the number, before upstream is asked to finish it.

        The first call counts. From then on the number is `finished_if_gone`.
        """
        self._must_allow(Event.COMPLETE)
        return self if self.done_at is not None else evolve(self, done_at=at)

    def complete(self, at: datetime) -> Self:
        """Record that upstream has finished the number, as the customer was done; it is paid."""
        return self._end(Event.COMPLETE, at)

    def cancel(self, at: datetime) -> Self:
        """Record that upstream has taken the number back without a charge."""
        return self._end(Event.CANCEL, at)

    def run_out(self, at: datetime) -> Self:
        """End the session, which is over, after a last look upstream."""
        return self._end(Event.RUN_OUT, at)

    def give_up(self, at: datetime, pace: Pace) -> Self:
        """
        End a silent rental without the answer of upstream.

        Raises:
            GiveUpNotAllowed: The rental is not silent.
        """
        given_up = self._end(Event.GIVE_UP, at)
        self.must_allow_give_up(at, pace)
        return given_up

    def unanswered(self, at: datetime, pace: Pace) -> Self:
        """
        Record that upstream was asked, and did not answer.

        A paid rental waits as long for a further code as an unpaid one does before it is given up.
        Then it runs out: no price is held for it.
        """
        if self.state is not State.RECEIVED or at < self.expires_at + pace.longest_silence:
            return self
        return self.run_out(at)

    def give_up_on_request(self, at: datetime, pace: Pace) -> Self:
        """Give up for the operator; raises `GiveUpNotAllowed` unless WAITING and silent."""
        self.must_allow_give_up(at, pace)
        return self.give_up(at, pace)

    def confirm_cancel(self, at: datetime, *, gone: bool) -> Self:
        """
        Record that upstream has cancelled the number on request, or no longer knows it (*gone*).

        A cancelled rental is returned unchanged. A number that is gone was finished, not cancelled,
        if the customer was done with it.

        Raises:
            CancelNotAllowed: The rental is no longer waiting.
        """
        if self.state is State.CANCELLED:
            return self
        if self.state is not State.WAITING:
            raise CancelNotAllowed
        return self.complete(at) if gone and self.finished_if_gone else self.cancel(at)

    def confirm_done(self, at: datetime) -> Self:
        """
        Record that upstream has finished the number on request; repeating it changes nothing.

        Raises:
            RentalNotFound: The rental has ended unpaid.
        """
        if self.state is State.COMPLETED:
            return self
        if self.state not in OPEN:
            raise RentalNotFound
        return self.complete(at)

    def gone(self, at: datetime) -> Self:
        """Complete a rental that upstream no longer knows, if the customer was done with it."""
        return self.complete(at) if self.finished_if_gone else self

    def ended_upstream(self, at: datetime, pace: Pace) -> Self:
        """Record that upstream has ended the session: before its time this is a cancel."""
        withdrawn = self.state is State.WAITING and not self.is_ending(at, pace)
        return self.cancel(at) if withdrawn else self.run_out(at)

    def looked(self, at: datetime, pace: Pace) -> Self:
        """Record a look upstream, and set when the next one may, and when it must, follow."""
        pause = pace.look_asleep if self.is_asleep(at) else pace.look
        must = at + (pace.look_received if self._rests(at, pace) else pause)
        if at < self.expires_at < must:
            must = self.expires_at
        if self.is_silent(at, pace):
            pause = pace.look_silent
            must = at + pause
        return evolve(self, look_after=at + pause, due_at=must)

    def looked_in_between(self, at: datetime, pace: Pace) -> Self:
        """Record a look that nobody had to make and that showed nothing: the next stays due."""
        looked = self.looked(at, pace)
        dues = [due for due in (self.due_at, looked.due_at) if due is not None]
        return evolve(looked, due_at=min(dues))

    def _rests(self, now: datetime, pace: Pace) -> bool:
        return self.state is State.RECEIVED and now >= self.messages[-1].at + pace.burst

    def is_asleep(self, now: datetime) -> bool:
        """Whether the number has yet to wake; a message shows that it is awake."""
        asleep = self.asleep_until is not None and now < self.asleep_until
        return asleep and self.state is State.WAITING

    @property
    def finished_if_gone(self) -> bool:
        """
        Whether the number was finished, and is paid, if upstream no longer knows it.

        Upstream forgets a number that was finished, and keeps the money for it. It also forgets a
        number that ran out, and gives the money back. It was finished if the customer was done.
        """
        return self.done_at is not None

    def has_received(self, message: Message) -> bool:
        """Whether *message* is already known."""
        return any(message.repeats(known) for known in self.messages)

    def is_active(self, now: datetime) -> bool:
        """Whether the session is running, so that a code may still come."""
        return self.state in OPEN and now < self.expires_at

    def is_over_time(self, now: datetime) -> bool:
        """Whether the session has run out, and only the last look is missing."""
        return self.state in OPEN and now >= self.expires_at

    def is_silent(self, now: datetime, pace: Pace) -> bool:
        """Whether the session has long been over, and upstream has not reported how it ended."""
        return self.state in OPEN and now >= self.expires_at + pace.silent_after

    def must_allow_give_up(self, now: datetime, pace: Pace) -> None:
        """Raise `GiveUpNotAllowed` unless the rental is WAITING and silent."""
        if self.state is not State.WAITING or not self.is_silent(now, pace):
            raise GiveUpNotAllowed

    def is_ending(self, now: datetime, pace: Pace) -> bool:
        """
        Whether the session has run out, or will before the next look.

        Upstream's session began a moment before ours, and so ends before it.
        """
        return now + pace.look >= self.expires_at

    def may_be_looked_at(self, now: datetime) -> bool:
        """Whether upstream may be asked about the number again."""
        return self.state in OPEN and now >= self.look_after

    def seconds_remaining(self, now: datetime) -> int:
        """Whole seconds until the session ends; zero when the rental is not active."""
        return int((self.expires_at - now).total_seconds()) if self.is_active(now) else 0

    def _next(self, event: Event) -> State:
        return next_state(TRANSITIONS, self.state, event)

    def _must_allow(self, event: Event) -> None:
        """Raise `TransitionRefused` unless *event* can happen now."""
        self._next(event)

    def _end(self, event: Event, at: datetime) -> Self:
        return evolve(self, state=self._next(event), changed_at=at, due_at=None)


def preferred(rentals: Iterable[Rental]) -> Rental | None:
    """Choose one of several rentals: one that is OPEN, if any, and of those the newest."""
    return max(rentals, key=lambda each: (each.state in OPEN, each.created_at), default=None)
