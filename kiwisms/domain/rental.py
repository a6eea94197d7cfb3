"""A rented number from the request to its end: a state machine written as a table."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from attrs import evolve, frozen

from kiwisms.domain.catalog import CountryCode, ServiceCode
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId, ActivationId, IdempotencyKey, KeyPrefix, RentalId
from kiwisms.domain.money import Money
from kiwisms.domain.pace import Pace
from kiwisms.domain.sms import Message
from kiwisms.domain.transitions import next_state


class State(StrEnum):
    """Where a rental stands. NEW is before the first row is written and is never stored."""

    NEW = "NEW"
    REQUESTED = "REQUESTED"
    WAITING = "WAITING"
    RECEIVED = "RECEIVED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"


class Event(StrEnum):
    """What can happen to a rental."""

    REQUEST = "REQUEST"
    RENT = "RENT"
    FAIL = "FAIL"
    RECEIVE = "RECEIVE"
    COMPLETE = "COMPLETE"
    CANCEL = "CANCEL"
    RUN_OUT = "RUN_OUT"
    GIVE_UP = "GIVE_UP"


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (State.NEW, Event.REQUEST): State.REQUESTED,
        (State.REQUESTED, Event.RENT): State.WAITING,
        (State.REQUESTED, Event.FAIL): State.FAILED,
        (State.WAITING, Event.RECEIVE): State.RECEIVED,
        (State.WAITING, Event.COMPLETE): State.COMPLETED,
        (State.WAITING, Event.CANCEL): State.CANCELLED,
        (State.WAITING, Event.RUN_OUT): State.EXPIRED,
        (State.WAITING, Event.GIVE_UP): State.EXPIRED,
        (State.RECEIVED, Event.RECEIVE): State.RECEIVED,
        (State.RECEIVED, Event.COMPLETE): State.COMPLETED,
        (State.RECEIVED, Event.RUN_OUT): State.COMPLETED,
        (State.RECEIVED, Event.GIVE_UP): State.COMPLETED,
    }
)

FINAL: Final = frozenset(State) - {state for state, _ in TRANSITIONS}
"""States that nothing leaves."""
OPEN: Final = frozenset({State.WAITING, State.RECEIVED})
"""States of a number that the customer has."""
UNDECIDED: Final = frozenset({State.REQUESTED, State.WAITING})
"""States in which the price is held, and upstream may hold a slot for the number."""
SHOWN: Final = frozenset(State) - {State.NEW, State.REQUESTED, State.FAILED}
"""States of rentals that the customer ever sees."""
UNPAID: Final = frozenset({State.CANCELLED, State.EXPIRED})
"""States of a number that ended without a charge."""
RENEWABLE: Final = frozenset({State.RECEIVED, State.COMPLETED})
"""States after which upstream gives the same number again."""


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
    """The rental has ended, or upstream may still report how it does."""

    code = "GIVE_UP_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__(
            "Rental cannot be given up (only one whose session has long been over,"
            " while the provider does not report how it ended)"
        )


class RenewNotFound(KiwismsError):
    """The account has no such rental, or its number cannot be had again."""

    code = "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Rental not found")


@frozen(kw_only=True)
class Rental:
    """
    One session on one number.

    *price* is what it costs, or would cost when a code comes. *cost* is what upstream charged,
    where known. *asleep_until* is set for a number that was asleep when the session began, and
    stays. *done_at* is the moment at which somebody was done with it, before upstream was asked to
    finish it. *look_after* is the earliest moment at which upstream may be asked again, and
    *due_at* the moment at which somebody must look at the rental, if ever.
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
        """Begin: the price is to be held, and upstream is about to be asked."""
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
        """Upstream gave the number; the session begins now."""
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
        """Upstream refused, or its answer is lost."""
        return self._end(Event.FAIL, at)

    def receive(self, message: Message, at: datetime, pace: Pace) -> Self:
        """A message came; one that is already known changes nothing."""
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
        Somebody is done with the number, and upstream is about to be asked to finish it.

        The first time counts. From now on the number is `finished_if_gone`.
        """
        self._must_allow(Event.COMPLETE)
        return self if self.done_at is not None else evolve(self, done_at=at)

    def complete(self, at: datetime) -> Self:
        """Upstream has finished the number, since somebody was done with it; it is paid."""
        return self._end(Event.COMPLETE, at)

    def cancel(self, at: datetime) -> Self:
        """Upstream has taken the number back without a charge."""
        return self._end(Event.CANCEL, at)

    def run_out(self, at: datetime) -> Self:
        """The session is over, and upstream was asked one last time."""
        return self._end(Event.RUN_OUT, at)

    def give_up(self, at: datetime, pace: Pace) -> Self:
        """
        Nobody waits any longer for upstream to report how it ended; it is paid if a code came.

        Raises:
            GiveUpNotAllowed: It is not silent.
        """
        given_up = self._end(Event.GIVE_UP, at)
        self.must_be_silent(at, pace)
        return given_up

    def confirm_cancel(self, at: datetime, *, gone: bool) -> Self:
        """
        Upstream has taken the number back as was asked, or knows it no more (*gone*).

        Of two cancels at once the second finds what it wanted. A number that is gone was finished
        if somebody was done with it.

        Raises:
            CancelNotAllowed: It is not waiting any more.
        """
        if self.state is State.CANCELLED:
            return self
        if self.state is not State.WAITING:
            raise CancelNotAllowed
        return self.complete(at) if gone and self.finished_if_gone else self.cancel(at)

    def confirm_done(self, at: datetime) -> Self:
        """
        Upstream has finished the number as was asked; a second time changes nothing.

        Raises:
            RentalNotFound: It has ended unpaid.
        """
        if self.state is State.COMPLETED:
            return self
        if self.state not in OPEN:
            raise RentalNotFound
        return self.complete(at)

    def gone(self, at: datetime) -> Self:
        """Upstream knows the number no more: it may come to its end if nobody was done with it."""
        return self.complete(at) if self.finished_if_gone else self

    def ended_upstream(self, at: datetime, pace: Pace) -> Self:
        """Upstream has ended the session: it took the number back before the time, or at it."""
        withdrawn = self.state is State.WAITING and not self.is_ending(at, pace)
        return self.cancel(at) if withdrawn else self.run_out(at)

    def looked(self, at: datetime, pace: Pace) -> Self:
        """Upstream was asked just now: say when it may, and when it must, be asked again."""
        pause = pace.look_asleep if self.is_asleep(at) else pace.look
        must = at + (pace.look_received if self._rests(at, pace) else pause)
        if at < self.expires_at < must:
            must = self.expires_at
        if self.is_silent(at, pace):
            must = at + pace.look_silent
        return evolve(self, look_after=at + pause, due_at=must)

    def _rests(self, now: datetime, pace: Pace) -> bool:
        return self.state is State.RECEIVED and now >= self.messages[-1].at + pace.burst

    def is_asleep(self, now: datetime) -> bool:
        """Whether the number has still to wake; a message shows that it has."""
        asleep = self.asleep_until is not None and now < self.asleep_until
        return asleep and self.state is State.WAITING

    @property
    def finished_if_gone(self) -> bool:
        """
        Whether the number was finished, and is paid, when upstream knows it no more.

        Upstream knows neither a number that was finished, for which it keeps its money, nor one
        that ran out, for which it gives it back. It was finished if somebody was done with it.
        """
        return self.done_at is not None

    def has_received(self, message: Message) -> bool:
        """Whether *message* has been seen before."""
        return any(message.repeats(known) for known in self.messages)

    def is_active(self, now: datetime) -> bool:
        """Whether a code can still be waited for."""
        return self.state in OPEN and now < self.expires_at

    def is_over_time(self, now: datetime) -> bool:
        """Whether the session has run out and only the last look is missing."""
        return self.state in OPEN and now >= self.expires_at

    def is_silent(self, now: datetime, pace: Pace) -> bool:
        """Whether the session has long run out, and upstream has not reported how it ended."""
        return self.state in OPEN and now >= self.expires_at + pace.silent_after

    def must_be_silent(self, now: datetime, pace: Pace) -> None:
        """Raise `GiveUpNotAllowed` unless it is silent."""
        if not self.is_silent(now, pace):
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
    """Of several rentals choose one that is OPEN, and of those the newest."""
    return max(rentals, key=lambda each: (each.state in OPEN, each.created_at), default=None)
