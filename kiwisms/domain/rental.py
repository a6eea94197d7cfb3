"""A rented number from the request to its end: a state machine written as a table."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from attrs import evolve, frozen

from kiwisms.domain.catalog import CountryCode, ServiceCode
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId, ActivationId, IdempotencyKey, KeyPrefix, RentalId
from kiwisms.domain.money import Money
from kiwisms.domain.sms import Message


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


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (State.NEW, Event.REQUEST): State.REQUESTED,
        (State.REQUESTED, Event.RENT): State.WAITING,
        (State.REQUESTED, Event.FAIL): State.FAILED,
        (State.WAITING, Event.RECEIVE): State.RECEIVED,
        (State.WAITING, Event.COMPLETE): State.COMPLETED,
        (State.WAITING, Event.CANCEL): State.CANCELLED,
        (State.WAITING, Event.RUN_OUT): State.EXPIRED,
        (State.RECEIVED, Event.RECEIVE): State.RECEIVED,
        (State.RECEIVED, Event.COMPLETE): State.COMPLETED,
        (State.RECEIVED, Event.RUN_OUT): State.COMPLETED,
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


class TransitionRefused(KiwismsError):
    """The table has no row for this event in this state."""

    code = "TRANSITION_REFUSED"

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event} is not allowed for a rental that is {state}")
        self.state, self.event = state, event


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


class RenewNotFound(KiwismsError):
    """The account has no such rental, or its number cannot be had again."""

    code = "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Rental not found")


class TooManyActiveRentals(KiwismsError):
    """The account has as many numbers as it may have at once."""

    code = "TOO_MANY_ACTIVE_RENTALS"

    def __init__(self, most: int) -> None:
        super().__init__(f"Too many active rentals (at most {most})")
        self.most = most


@frozen(kw_only=True)
class Pace:
    """
    How long things take and how often they are looked at.

    Source: settings, ``KIWISMS_SESSION_SECONDS`` and ``KIWISMS_SYNC_SECONDS``; provider's
    documentation for a sleeping number.
    """

    session: timedelta = timedelta(minutes=20)
    look: timedelta = timedelta(seconds=3)
    hurry: timedelta = timedelta(minutes=1)
    """After a message the next may come at once, and a look shows only the newest."""
    look_asleep: timedelta = timedelta(seconds=15)
    look_received: timedelta = timedelta(seconds=15)
    rescue: timedelta = timedelta(seconds=60)
    """After this long a request that nobody finished is given up."""


def next_state(state: State, event: Event) -> State:
    """
    Look the table up.

    Raises:
        TransitionRefused: *event* cannot happen in *state*.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise TransitionRefused(state, event) from None


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
            state=next_state(State.NEW, Event.REQUEST),
            price=price,
            created_at=at,
            changed_at=at,
            expires_at=at + pace.session,
            look_after=at + pace.rescue,
            due_at=at + pace.rescue,
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
            state=next_state(self.state, Event.RENT),
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
        return evolve(self, state=next_state(self.state, Event.FAIL), changed_at=at, due_at=None)

    def receive(self, message: Message, at: datetime, pace: Pace) -> Self:
        """A message came; one that is already known changes nothing."""
        if self.knows(message):
            next_state(self.state, Event.RECEIVE)
            return self
        return evolve(
            self,
            state=next_state(self.state, Event.RECEIVE),
            changed_at=at,
            messages=(*self.messages, message),
        ).looked(at, pace)

    def be_done(self, at: datetime) -> Self:
        """
        Somebody is done with the number, and upstream is about to be asked to finish it.

        The first time counts. From now on the number is `finished_if_gone`.
        """
        next_state(self.state, Event.COMPLETE)
        return self if self.done_at is not None else evolve(self, done_at=at)

    def complete(self, at: datetime) -> Self:
        """Upstream has finished the number, since somebody was done with it; it is paid."""
        return evolve(
            self, state=next_state(self.state, Event.COMPLETE), changed_at=at, due_at=None
        )

    def cancel(self, at: datetime) -> Self:
        """Upstream has taken the number back without a charge."""
        return evolve(self, state=next_state(self.state, Event.CANCEL), changed_at=at, due_at=None)

    def run_out(self, at: datetime) -> Self:
        """The session is over, and upstream was asked one last time."""
        return evolve(self, state=next_state(self.state, Event.RUN_OUT), changed_at=at, due_at=None)

    def looked(self, at: datetime, pace: Pace) -> Self:
        """Upstream was asked just now: say when it may, and when it must, be asked again."""
        pause = pace.look_asleep if self.sleeps(at) else pace.look
        must = at + (pace.look_received if self._rests(at, pace) else pause)
        if at < self.expires_at < must:
            must = self.expires_at
        return evolve(self, look_after=at + pause, due_at=must)

    def _rests(self, now: datetime, pace: Pace) -> bool:
        return self.state is State.RECEIVED and now >= self.messages[-1].at + pace.hurry

    def sleeps(self, now: datetime) -> bool:
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

    def knows(self, message: Message) -> bool:
        """Whether *message* has been seen before."""
        return any(known.same_as(message) for known in self.messages)

    def is_active(self, now: datetime) -> bool:
        """Whether a code can still be waited for."""
        return self.state in OPEN and now < self.expires_at

    def is_over_time(self, now: datetime) -> bool:
        """Whether the session has run out and only the last look is missing."""
        return self.state in OPEN and now >= self.expires_at

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


@frozen(kw_only=True)
class Step:
    """
    One line of a rental's history: it came into *state* with so many *messages*.

    A rental comes into each such place once. *by* is who brought it there: an API key's prefix,
    or ``worker``.
    """

    rental_id: RentalId
    account_id: AccountId
    state: State
    messages: int
    by: str
    at: datetime


def step(before: Rental | None, after: Rental, by: str) -> Step | None:
    """Say what happened between two versions of a rental; ``None`` when nothing did."""
    if before is not None and _place(before) == _place(after):
        return None
    return Step(
        rental_id=after.id,
        account_id=after.account_id,
        state=after.state,
        messages=len(after.messages),
        by=by,
        at=after.changed_at,
    )


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Sort a history: states are declared in the order in which a rental can come to them."""
    states = list(State)
    return sorted(steps, key=lambda each: (states.index(each.state), each.messages))


def foremost(rentals: Iterable[Rental]) -> Rental | None:
    """Of several rentals choose one that is OPEN, and of those the newest."""
    return max(rentals, key=lambda each: (each.state in OPEN, each.created_at), default=None)


def _place(rental: Rental) -> tuple[State, int]:
    return rental.state, len(rental.messages)
