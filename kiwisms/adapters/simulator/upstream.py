"""The state of a simulated upstream account; time is always passed in."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from heapq import heappop, heappush
from typing import Final

from attrs import Factory, define, evolve, field

from kiwisms.adapters.simulator.activation import Activation, ActivationState
from kiwisms.adapters.simulator.services import DIAL_CODES, Service, usual_services
from kiwisms.domain.catalog import CountryCode, ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.sms import Code, Message
from kiwisms.ports.provider import (
    Ambiguous,
    Cancelled,
    Finished,
    Gone,
    NumberOrder,
    Phone,
    Received,
    Refusal,
    TooEarly,
    Waiting,
)

SURCHARGE_FACTOR: Final = Decimal("1.2")
FIRST_ID: Final = 999_000
CAP: Final = 100
"""The highest stock that the price table shows."""
BALANCE: Final = Money.parse(100)


@define(kw_only=True)
class Upstream:
    """
    An account with a provider: its money, its stock and its activations.

    Args:
        key: The account's key.
        balance: The money left.
        session: How long a number is rented.
        sleep: How long a renewed number sleeps; its session begins when it wakes. Zero makes it
            ready at once.
        code_after: Every new number receives a code after this long; None delivers nothing.
        cancel_after: A number younger than this cannot be cancelled.
        asks_for_next: Whether a further message comes only when it is asked for.
        lists_active: Whether it lists the numbers that are rented now.
        most_waiting: How many numbers may wait at once.
        on_message: Called with each message that arrives.
    """

    key: str = field(default="simulated-upstream-key", repr=False)
    balance: Money = BALANCE
    session: timedelta = timedelta(minutes=20)
    sleep: timedelta = timedelta(0)
    code_after: timedelta | None = None
    cancel_after: timedelta = timedelta(0)
    asks_for_next: bool = False
    lists_active: bool = False
    most_waiting: int = 20
    on_message: Callable[[Activation, Message], None] = field(default=lambda *_: None, repr=False)
    charged: Money = ZERO
    refunded: Money = ZERO
    activations: dict[ActivationId, Activation] = Factory(dict)
    _services: dict[tuple[CountryCode, ServiceCode], Service] = Factory(dict)
    _waiting: set[ActivationId] = Factory(set)
    _due: list[tuple[datetime, ActivationId]] = Factory(list)

    def __attrs_post_init__(self) -> None:
        self.stock(*usual_services())

    def stock(self, *services: Service) -> None:
        """Sell *services*; each replaces the one with its code and country."""
        self._services.update({(service.country, service.code): service for service in services})

    def service(self, code: str, country: str = "187") -> Service | None:
        """The service with this code in this country."""
        return self._services.get((CountryCode(country), ServiceCode(code)))

    def services(self, country: str | None = None) -> list[Service]:
        """All services, or those of one country."""
        return [s for s in self._services.values() if country in {None, s.country}]

    def money(self, now: datetime) -> Money:
        """The balance, including the refunds up to now."""
        self._catch_up(now)
        return self.balance

    def waiting(self, now: datetime) -> int:
        """How many numbers wait for their first message."""
        self._catch_up(now)
        return len(self._waiting)

    def active(self, now: datetime) -> list[Activation]:
        """Every number that is rented now."""
        self._catch_up(now)
        return [each for each in self.activations.values() if each.is_open(now)]

    def rent(self, order: NumberOrder, now: datetime) -> Activation | Refusal:
        """Sell a number."""
        self._catch_up(now)
        service = self.service(order.service, order.country)
        if service is None:
            return Refusal.BAD_SERVICE
        if service.count <= 0:
            return Refusal.NO_NUMBERS
        price = _with_surcharges(service.cost, bool(order.areas) + bool(order.carrier))
        if price > order.max_cost:
            return Refusal.PRICE_EXCEEDED
        phone = _phone(len(self.activations), order.country, order.areas)
        activation = self._charge(service, phone, price, now, sleep=timedelta(0))
        if isinstance(activation, Activation):
            self.stock(evolve(service, count=service.count - 1))
        return activation

    def renew(self, activation_id: ActivationId, now: datetime) -> Activation | Refusal:
        """Sell a new session on the number of an activation that had a message."""
        self._catch_up(now)
        earlier = self.activations.get(activation_id)
        if earlier is None or not earlier.messages:
            return Refusal.NOT_RENEWABLE
        service = self.service(earlier.service, earlier.country)
        if service is None:
            return Refusal.NOT_RENEWABLE
        return self._charge(service, earlier.phone, service.cost, now, sleep=self.sleep)

    def look(
        self, activation_id: ActivationId, now: datetime
    ) -> Received | Waiting | Cancelled | Gone:
        """Read the state of an activation, with its last message."""
        self._catch_up(now)
        activation = self.activations.get(activation_id)
        if activation is None:
            return Gone()
        if activation.messages and not activation.asked:
            return Received(code=activation.messages[-1].code, text=activation.messages[-1].text)
        if activation.state is ActivationState.CANCELLED:
            return Cancelled()
        return Waiting() if activation.is_open(now) else Gone()

    def ask_next(self, activation_id: ActivationId, now: datetime) -> bool:
        """Ask for a further message; return whether the activation is open."""
        self._catch_up(now)
        activation = self.activations.get(activation_id)
        if activation is None or not activation.is_open(now):
            return False
        if activation.unseen:
            activation.messages.append(activation.unseen.pop(0))
        else:
            activation.asked = bool(activation.messages)
        return True

    def finish(self, activation_id: ActivationId, now: datetime) -> Finished | Gone:
        """Release a number; it stays paid for."""
        self._catch_up(now)
        activation = self.activations.get(activation_id)
        if activation is None or activation.state is ActivationState.CANCELLED:
            return Gone()
        activation.state = ActivationState.DONE
        self._waiting.discard(activation_id)
        return Finished()

    def cancel(
        self, activation_id: ActivationId, now: datetime
    ) -> Cancelled | Ambiguous | Gone | TooEarly:
        """Cancel a number and refund it."""
        self._catch_up(now)
        activation = self.activations.get(activation_id)
        if activation is None:
            return Gone()
        if activation.state is ActivationState.CANCELLED:
            return Cancelled()
        if activation.state is not ActivationState.WAITING:
            return Ambiguous()
        if now < activation.rented_at + self.cancel_after:
            return TooEarly()
        self._refund(activation)
        return Cancelled()

    def withdraw(self, activation_id: ActivationId, now: datetime) -> bool:
        """Take a waiting number back and refund it; return whether it was waiting."""
        self._catch_up(now)
        if activation_id not in self._waiting:
            return False
        self._refund(self.activations[activation_id])
        return True

    def deliver(
        self, code: str, now: datetime, *, text: str | None = None, to: str | None = None
    ) -> Activation | None:
        """
        Deliver a message.

        Args:
            code: The code in the message.
            now: The moment of arrival.
            text: The whole message; without it, a text is generated.
            to: The id or phone of an activation; without it, the newest open one.

        Returns:
            The activation that received it; None when no such activation is open.
        """
        self._catch_up(now)
        for activation in reversed(self.activations.values()):
            if activation.is_open(now) and to in {None, activation.id, activation.phone}:
                self._receive(activation, code, text, now)
                return activation
        return None

    def _charge(
        self, service: Service, phone: Phone, price: Money, now: datetime, *, sleep: timedelta
    ) -> Activation | Refusal:
        if len(self._waiting) >= self.most_waiting:
            return Refusal.TOO_MANY_WAITING
        if price > self.balance:
            return Refusal.NO_MONEY
        awake = now + sleep
        activation = Activation(
            id=ActivationId(str(FIRST_ID + len(self.activations))),
            service=service.code,
            country=service.country,
            phone=phone,
            price=price,
            rented_at=now,
            ends_at=awake + self.session,
            asleep_until=awake if sleep else None,
        )
        self.balance -= price
        self.charged += price
        self.activations[activation.id] = activation
        self._waiting.add(activation.id)
        heappush(self._due, (activation.ends_at, activation.id))
        if self.code_after is not None and self.code_after < self.session:
            heappush(self._due, (awake + self.code_after, activation.id))
        return activation

    def _refund(self, activation: Activation) -> None:
        activation.state = ActivationState.CANCELLED
        self._waiting.discard(activation.id)
        self.balance += activation.price
        self.refunded += activation.price

    def _catch_up(self, now: datetime) -> None:
        while self._due and self._due[0][0] <= now:
            at, activation_id = heappop(self._due)
            activation = self.activations[activation_id]
            if activation.state is not ActivationState.WAITING:
                continue
            if at >= activation.ends_at:
                self._refund(activation)
            else:
                self._receive(activation, _code(activation_id), None, at)

    def _receive(self, activation: Activation, code: str, text: str | None, at: datetime) -> None:
        service = self.service(activation.service, activation.country)
        name = service.name if service else activation.service
        whole = text if text is not None else f"{code} is your {name} verification code"
        message = Message(code=Code(code), text=whole, at=at)
        self.on_message(activation, message)
        if self.asks_for_next and activation.messages and not activation.asked:
            activation.unseen.append(message)
            return
        activation.messages.append(message)
        activation.asked = False
        activation.state = ActivationState.RECEIVED
        activation.asleep_until = None
        self._waiting.discard(activation.id)


def _with_surcharges(cost: Money, surcharges: int) -> Money:
    return Money.nearest(cost.dollars * SURCHARGE_FACTOR**surcharges)


def _phone(number: int, country: CountryCode, areas: tuple[str, ...]) -> Phone:
    area = areas[0] if areas else f"{201 + number % 700}"
    return Phone(f"{DIAL_CODES.get(country, '1')}{area}{2_000_000 + number * 7_919 % 8_000_000}")


def _code(activation_id: ActivationId) -> str:
    return f"{int(sha256(activation_id.encode()).hexdigest(), 16) % 1_000_000:06d}"
