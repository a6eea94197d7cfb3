"""A customer: what it asks for, and what the answers showed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeVar

from attrs import define, field, frozen

from kiwisms.adapters.memory.records import Records
from kiwisms.application.keys import Caller
from kiwisms.application.renting import Ordered
from kiwisms.domain.ids import RentalId
from kiwisms.domain.money import Money
from kiwisms.domain.order import Order
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.testing.simulation.client import PAUSES, Client
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.plan import Action

T = TypeVar("T")

ORDERS: Final = tuple(Order.parse(service=code) for code in ("go", "wa", "am"))


@frozen(kw_only=True)
class LastShown:
    """A rental as a customer last saw it, and the step of the loop at which that was."""

    rental: Rental
    at: int


@frozen(kw_only=True)
class Balance:
    """A wallet as a customer read it."""

    available: Money
    held: Money


@define(kw_only=True, eq=False)
class Customer(Client):
    """
    A customer, with a record of all that the servers have acknowledged to it.

    Attributes:
        shown: Every rental that was acknowledged, as it was last shown.
        answers: For each idempotency key, the rentals that were answers to it.
        dones: When the customer first asked to complete each rental.
        balances: Every balance that the customer has read.
        credits: The references of the acknowledged payments, with their amounts.
        steady_webhook: Whether the account's webhook address has never changed.
    """

    shown: dict[RentalId, LastShown] = field(factory=dict)
    answers: dict[str, set[RentalId]] = field(factory=dict)
    dones: dict[RentalId, datetime] = field(factory=dict)
    balances: list[Balance] = field(factory=list)
    credits: dict[str, Money] = field(factory=dict)
    steady_webhook: bool = True
    _keys: int = 0

    async def rent(self, action: Action) -> None:
        """Rent a number, with a new idempotency key or without one."""
        await self._order(action, self._new_key(action))

    async def rent_twice(self, action: Action) -> None:
        """Send one request with one key from two programs at once."""
        key = self._new_key(action, always=True)
        await asyncio.gather(self._order(action, key), self._order(action, key))

    async def renew(self, action: Action) -> None:
        """Rent the number of an earlier rental again."""
        old = self._choose(action)
        if old is None:
            return
        key = self._new_key(action)

        async def renew(kiwi: Kiwisms, caller: Caller) -> Ordered:
            return await kiwi.rentals.order_renewal(
                caller.account_id, old.id, idempotency_key=key, key_prefix=caller.key_prefix
            )

        await self._rent(action, key, renew, renews=old)

    async def poll(self, action: Action) -> None:
        """Read one rental."""
        rental = self._choose(action)
        if rental is not None:
            await self._ask_about(
                action, lambda kiwi, caller: kiwi.rentals.get(caller.account_id, rental.id)
            )

    async def list_all(self, action: Action) -> None:
        """List the active rentals."""
        began = self.world.loop.steps
        rentals = await self.ask(
            action, lambda kiwi, caller: kiwi.rentals.active(caller.account_id)
        )
        for rental in rentals or ():
            self.record_rental(rental, began)

    async def follow(self, action: Action) -> None:
        """Read the codes of a rental until it ends."""
        rental = self._choose(action)
        if rental is None:
            return

        async def follow(kiwi: Kiwisms, caller: Caller) -> Rental:
            codes = [code async for code in kiwi.rentals.codes(caller.account_id, rental.id)]
            after = await kiwi.rentals.get(caller.account_id, rental.id, sync=False)
            if [message.code for message in after.messages] != codes:
                self.world.law_broken(f"{rental.id}: codes gave {codes}, get {after.messages}")
            return after

        began = self.world.loop.steps
        after = await self.ask(action, follow)
        if after is not None:
            self.record_rental(after, began)

    async def cancel(self, action: Action) -> None:
        """Cancel a rental."""
        rental = self._choose(action)
        if rental is None:
            return
        after = await self._ask_about(
            action,
            lambda kiwi, caller: kiwi.rentals.cancel(
                caller.account_id, rental.id, by=caller.key_prefix
            ),
        )
        if after is not None:
            self.world.reach(Mark.CANCELLED)
            if after.state is not State.CANCELLED:
                self.world.law_broken(f"{rental.id}: a cancel answered {after.state}")
        elif rental.state is State.WAITING and self._stored(rental).messages:
            self.world.reach(Mark.CODE_WON)

    async def cancel_twice(self, action: Action) -> None:
        """Cancel one rental from two programs at once."""
        self.world.reach(Mark.CANCEL_DOUBLED)
        await asyncio.gather(self.cancel(action), self.cancel(action))

    async def done(self, action: Action) -> None:
        """Complete a rental."""
        rental = self._choose(action)
        if rental is None:
            return
        self.dones.setdefault(rental.id, self.world.clock.now())
        after = await self._ask_about(
            action,
            lambda kiwi, caller: kiwi.rentals.done(
                caller.account_id, rental.id, by=caller.key_prefix
            ),
        )
        if after is not None:
            self.world.reach(Mark.COMPLETED)
            if after.state is not State.COMPLETED:
                self.world.law_broken(f"{rental.id}: a done answered {after.state}")

    async def read_balance(self, action: Action) -> None:
        """Read the wallet."""
        wallet = await self.ask(action, lambda kiwi, caller: kiwi.wallet.balance(caller.account_id))
        if wallet is not None:
            self.balances.append(Balance(available=wallet.available, held=wallet.held))

    def record_rental(self, rental: Rental, began: int) -> None:
        """
        Record a rental from the answer to a request that was sent at step *began*.

        The answer must agree with everything that was acknowledged before that step.
        """
        known = self.shown.get(rental.id)
        if known is not None:
            self._must_agree(known, rental, began)
        if known is None or began >= known.at:
            self.shown[rental.id] = LastShown(rental=rental, at=self.world.loop.steps)
        if rental.messages:
            self.world.reach(Mark.CODE_READ)

    def _must_agree(self, known: LastShown, rental: Rental, began: int) -> None:
        before = known.rental
        if (before.phone, before.price, before.activation_id, before.service) != (
            rental.phone,
            rental.price,
            rental.activation_id,
            rental.service,
        ):
            self.world.law_broken(f"{rental.id} was acknowledged as {before}, and is {rental}")
        if began >= known.at and rental.messages[: len(before.messages)] != before.messages:
            self.world.law_broken(f"{rental.id} lost a message that was shown")

    async def _order(self, action: Action, key: str | None) -> None:
        order = ORDERS[int(action.luck * len(ORDERS))]

        async def rent(kiwi: Kiwisms, caller: Caller) -> Ordered:
            return await kiwi.rentals.order(
                caller.account_id, order, idempotency_key=key, key_prefix=caller.key_prefix
            )

        await self._rent(action, key, rent, renews=None)

    async def _rent(
        self,
        action: Action,
        key: str | None,
        request: Callable[[Kiwisms, Caller], Awaitable[Ordered]],
        *,
        renews: Rental | None,
    ) -> None:
        began = self.world.loop.steps
        ordered = await self.ask(action, request, tries=1 if key is None else len(PAUSES) + 1)
        if ordered is None:
            return
        rental = ordered.rental
        self.world.reach(Mark.REPLAYED if ordered.replayed else Mark.RENTED)
        if renews is not None:
            self.world.reach(Mark.RENEWED)
            if rental.phone != renews.phone:
                self.world.law_broken(f"{rental.id} renews {renews.id} with another number")
        if rental.asleep_until is not None:
            self.world.reach(Mark.ASLEEP)
        self.record_rental(rental, began)
        if key is not None:
            self.answers.setdefault(key, set()).add(rental.id)
            if any(
                each.idempotency_key == key and each.state is State.FAILED
                for each in self._records.rentals.values()
            ):
                self.world.reach(Mark.KEY_FREE_AGAIN)

    async def _ask_about(
        self, action: Action, request: Callable[[Kiwisms, Caller], Awaitable[Rental]]
    ) -> Rental | None:
        began = self.world.loop.steps
        rental = await self.ask(action, request, tries=2)
        if rental is not None:
            self.record_rental(rental, began)
        return rental

    def _stored(self, rental: Rental) -> Rental:
        return self._records.rentals[rental.id]

    @property
    def _records(self) -> Records:
        return self.world.disk.records[self.account_id]

    def _choose(self, action: Action) -> Rental | None:
        known = list(self.shown.values())
        return known[int(action.luck * len(known))].rental if known else None

    def _new_key(self, action: Action, *, always: bool = False) -> str | None:
        if not always and not action.keyed:
            return None
        self._keys += 1
        return f"key-{action.place}-{self._keys}"
