"""A rental in every state, and how it comes there."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from kiwisms.domain.catalog import CountryCode, ServiceCode
from kiwisms.domain.ids import AccountId, ActivationId, RentalId, TransferId
from kiwisms.domain.money import Money, cents
from kiwisms.domain.pace import Pace
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import Event, State
from kiwisms.domain.sms import Code, Message
from kiwisms.domain.wallet import Cause

NOW: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADA: Final = AccountId("01890a5d-ac96-774b-bcce-b302099a8057")
PACE: Final = Pace()
PRICE: Final = cents(39)

Act = Callable[[Rental], Rental]


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def message(code: str = "0042", text: str | None = None, at: datetime = NOW) -> Message:
    return Message(code=Code(code), text=text, at=at)


def top_up(reference: str = "invoice-1") -> Cause:
    return Cause(id=TransferId(f"credit:{reference}"), reason="top-up", at=NOW)


def request(id: str = "r-1", price: Money = PRICE, at: datetime = NOW) -> Rental:
    return Rental.request(
        id=RentalId(id),
        account_id=ADA,
        service=ServiceCode("go"),
        service_name="Google",
        country=CountryCode("187"),
        price=price,
        at=at,
        pace=PACE,
    )


def rent(
    rental: Rental,
    *,
    price: Money | None = None,
    asleep_until: datetime | None = None,
    at: datetime = NOW,
) -> Rental:
    return rental.rent(
        activation_id=ActivationId("999000"),
        phone="12025550123",
        price=rental.price if price is None else price,
        cost=cents(30),
        asleep_until=asleep_until,
        at=at,
        pace=PACE,
    )


def fail(rental: Rental) -> Rental:
    return rental.fail(NOW)


def receive(rental: Rental) -> Rental:
    return rental.receive(message(str(len(rental.messages))), NOW, PACE)


def complete(rental: Rental) -> Rental:
    return rental.complete(NOW)


def cancel(rental: Rental) -> Rental:
    return rental.cancel(NOW)


def run_out(rental: Rental) -> Rental:
    return rental.run_out(NOW)


def give_up(rental: Rental) -> Rental:
    return rental.give_up(NOW + PACE.session + PACE.silent_after, PACE)


ACTS: Final[Mapping[Event, Act]] = MappingProxyType(
    {
        Event.RENT: rent,
        Event.FAIL: fail,
        Event.RECEIVE: receive,
        Event.COMPLETE: complete,
        Event.CANCEL: cancel,
        Event.RUN_OUT: run_out,
        Event.GIVE_UP: give_up,
    }
)

IN_STATE: Final[Mapping[State, Rental]] = MappingProxyType(
    {
        State.REQUESTED: request(),
        State.FAILED: fail(request()),
        State.WAITING: rent(request()),
        State.CANCELLED: cancel(rent(request())),
        State.EXPIRED: run_out(rent(request())),
        State.RECEIVED: receive(rent(request())),
        State.COMPLETED: complete(receive(rent(request()))),
    }
)
