"""A customer: what it asks for, how it tries again, and what it was told."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeVar

from attrs import define, field, frozen

from kiwisms.adapters.memory.records import Records
from kiwisms.application.errors import ProviderFailed
from kiwisms.application.keys import Caller
from kiwisms.application.renting import Ordered
from kiwisms.domain.account import AccountSuspended
from kiwisms.domain.catalog import ServiceUnavailable
from kiwisms.domain.errors import KiwismsError, RateLimited, Unauthorized
from kiwisms.domain.idempotency import IdempotencyConflict
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.money import Money
from kiwisms.domain.order import Order
from kiwisms.domain.rental import CancelNotAllowed, RenewNotFound, Rental, RentalNotFound
from kiwisms.domain.rental_state import State
from kiwisms.domain.usage import TooManyActiveRentals
from kiwisms.domain.wallet import InsufficientBalance
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.ports.provider import Refusal
from kiwisms.ports.store import StoreUnavailable
from kiwisms.ports.transaction import TransactionConflict
from kiwisms.testing.simulation.cluster import Cluster
from kiwisms.testing.simulation.describe import describe
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.plan import Deed
from kiwisms.testing.simulation.process import ConnectionLost
from kiwisms.testing.simulation.world import World

T = TypeVar("T")

ORDERS: Final = tuple(Order.parse(service=code) for code in ("go", "wa", "am"))
PAUSES: Final = (0.5, 3.0, 12.0, 40.0)
"""Seconds before each further try of a request that failed for no fault of the customer's."""
FAILED: Final = (ProviderFailed, StoreUnavailable, TransactionConflict, IdempotencyConflict)
"""Errors after which a client does well to try again."""
REFUSED: Final = (
    AccountSuspended,
    CancelNotAllowed,
    InsufficientBalance,
    RateLimited,
    RenewNotFound,
    RentalNotFound,
    ServiceUnavailable,
    TooManyActiveRentals,
    Unauthorized,
)
"""Errors that tell an honest customer no."""

REACHED: Final = {
    AccountSuspended: Mark.SUSPENDED,
    InsufficientBalance: Mark.TOO_POOR,
    RateLimited: Mark.CANCELS_GUARDED,
    TooManyActiveRentals: Mark.TOO_MANY,
    Unauthorized: Mark.UNAUTHORIZED,
    IdempotencyConflict: Mark.KEY_RUNNING,
}


@frozen(kw_only=True)
class Told:
    """The last that a customer was told of a rental, at which step of the loop."""

    rental: Rental
    at: int


@frozen(kw_only=True)
class Balance:
    """What a customer read of its wallet."""

    available: Money
    held: Money


@define(kw_only=True, eq=False)
class Customer:
    """
    One account and whoever uses it, perhaps several programs at once.

    Attributes:
        told: Every rental that was acknowledged, as it was last shown.
        answers: Which rentals each idempotency key was answered with.
        dones: When each rental was first said to be done with.
        balances: What was read of the wallet.
        credits: The references of payments that were acknowledged, and their amounts.
        steady_webhook: Whether the account's address was the same all the time.
        suspended_since: Step at which a suspension was acknowledged that still holds.
        reinstatements: How many are under way.
        revoked: Texts of keys that are useless from this time on.
    """

    world: World
    cluster: Cluster
    account_id: AccountId
    name: str
    key: str
    told: dict[RentalId, Told] = field(factory=dict)
    answers: dict[str, set[RentalId]] = field(factory=dict)
    dones: dict[RentalId, datetime] = field(factory=dict)
    balances: list[Balance] = field(factory=list)
    credits: dict[str, Money] = field(factory=dict)
    steady_webhook: bool = True
    suspended_since: int | None = None
    reinstatements: int = 0
    revoked: dict[str, float] = field(factory=dict)
    _keys: int = 0

    async def rent(self, deed: Deed) -> None:
        """Rent a number, with a key of its own or without one."""
        await self._order(deed, self._new_key(deed))

    async def rent_twice(self, deed: Deed) -> None:
        """Two programs send one request with one key."""
        key = self._new_key(deed, always=True)
        await asyncio.gather(self._order(deed, key), self._order(deed, key))

    async def renew(self, deed: Deed) -> None:
        """Rent the number of an earlier rental again."""
        old = self._choose(deed)
        if old is None:
            return
        key = self._new_key(deed)

        async def renew(kiwi: Kiwisms, caller: Caller) -> Ordered:
            return await kiwi.rentals.order_renewal(
                caller.account_id, old.id, idempotency_key=key, key_prefix=caller.key_prefix
            )

        await self._rented(deed, key, renew, renews=old)

    async def poll(self, deed: Deed) -> None:
        """Read one rental."""
        rental = self._choose(deed)
        if rental is not None:
            await self._about(
                deed, lambda kiwi, caller: kiwi.rentals.get(caller.account_id, rental.id)
            )

    async def list_all(self, deed: Deed) -> None:
        """Read all that is active."""
        began = self.world.loop.steps
        rentals = await self._ask(
            deed, lambda kiwi, caller: kiwi.rentals.active(caller.account_id), tries=1
        )
        for rental in rentals or ():
            self.is_told(rental, began)

    async def follow(self, deed: Deed) -> None:
        """Wait for codes as they come."""
        rental = self._choose(deed)
        if rental is None:
            return

        async def follow(kiwi: Kiwisms, caller: Caller) -> Rental:
            codes = [code async for code in kiwi.rentals.codes(caller.account_id, rental.id)]
            after = await kiwi.rentals.get(caller.account_id, rental.id, sync=False)
            if [message.code for message in after.messages] != codes:
                self.world.break_law(f"{rental.id}: codes gave {codes}, get {after.messages}")
            return after

        began = self.world.loop.steps
        after = await self._ask(deed, follow, tries=1)
        if after is not None:
            self.is_told(after, began)

    async def cancel(self, deed: Deed) -> None:
        """Give a number back."""
        rental = self._choose(deed)
        if rental is None:
            return
        after = await self._about(
            deed,
            lambda kiwi, caller: kiwi.rentals.cancel(
                caller.account_id, rental.id, by=caller.key_prefix
            ),
        )
        if after is not None:
            self.world.reach(Mark.CANCELLED)
            if after.state is not State.CANCELLED:
                self.world.break_law(f"{rental.id}: a cancel answered {after.state}")
        elif rental.state is State.WAITING and self._stored(rental).messages:
            self.world.reach(Mark.CODE_WON)

    async def cancel_twice(self, deed: Deed) -> None:
        """Two programs give one number back."""
        self.world.reach(Mark.CANCEL_DOUBLED)
        await asyncio.gather(self.cancel(deed), self.cancel(deed))

    async def done(self, deed: Deed) -> None:
        """Release a number."""
        rental = self._choose(deed)
        if rental is None:
            return
        self.dones.setdefault(rental.id, self.world.clock.now())
        after = await self._about(
            deed,
            lambda kiwi, caller: kiwi.rentals.done(
                caller.account_id, rental.id, by=caller.key_prefix
            ),
        )
        if after is not None:
            self.world.reach(Mark.COMPLETED)
            if after.state is not State.COMPLETED:
                self.world.break_law(f"{rental.id}: a done answered {after.state}")

    async def read_balance(self, deed: Deed) -> None:
        """Read the wallet."""
        wallet = await self._ask(
            deed, lambda kiwi, caller: kiwi.wallet.balance(caller.account_id), tries=1
        )
        if wallet is not None:
            self.balances.append(Balance(available=wallet.available, held=wallet.held))

    def is_told(self, rental: Rental, began: int) -> None:
        """
        Hear what a rental is now, from an answer to a question asked at step *began*.

        What was acknowledged before that step can never be otherwise again.
        """
        known = self.told.get(rental.id)
        if known is not None:
            self._must_follow(known, rental, began)
        if known is None or began >= known.at:
            self.told[rental.id] = Told(rental=rental, at=self.world.loop.steps)
        if rental.messages:
            self.world.reach(Mark.CODE_READ)

    def _must_follow(self, known: Told, rental: Rental, began: int) -> None:
        before = known.rental
        if (before.phone, before.price, before.activation_id, before.service) != (
            rental.phone,
            rental.price,
            rental.activation_id,
            rental.service,
        ):
            self.world.break_law(f"{rental.id} was acknowledged as {before}, and is {rental}")
        if began >= known.at and rental.messages[: len(before.messages)] != before.messages:
            self.world.break_law(f"{rental.id} lost a message that was shown")

    async def _order(self, deed: Deed, key: str | None) -> None:
        order = ORDERS[int(deed.luck * len(ORDERS))]

        async def rent(kiwi: Kiwisms, caller: Caller) -> Ordered:
            return await kiwi.rentals.order(
                caller.account_id, order, idempotency_key=key, key_prefix=caller.key_prefix
            )

        await self._rented(deed, key, rent, renews=None)

    async def _rented(
        self,
        deed: Deed,
        key: str | None,
        request: Callable[[Kiwisms, Caller], Awaitable[Ordered]],
        *,
        renews: Rental | None,
    ) -> None:
        began = self.world.loop.steps
        ordered = await self._ask(deed, request, tries=1 if key is None else len(PAUSES) + 1)
        if ordered is None:
            return
        rental = ordered.rental
        self.world.reach(Mark.REPLAYED if ordered.replayed else Mark.RENTED)
        if renews is not None:
            self.world.reach(Mark.RENEWED)
            if rental.phone != renews.phone:
                self.world.break_law(f"{rental.id} renews {renews.id} with another number")
        if rental.asleep_until is not None:
            self.world.reach(Mark.ASLEEP)
        self.is_told(rental, began)
        if key is not None:
            self.answers.setdefault(key, set()).add(rental.id)
            if any(
                each.idempotency_key == key and each.state is State.FAILED
                for each in self._records.rentals.values()
            ):
                self.world.reach(Mark.KEY_FREE_AGAIN)

    async def _about(
        self, deed: Deed, request: Callable[[Kiwisms, Caller], Awaitable[Rental]]
    ) -> Rental | None:
        began = self.world.loop.steps
        rental = await self._ask(deed, request, tries=2)
        if rental is not None:
            self.is_told(rental, began)
        return rental

    async def _ask(
        self, deed: Deed, request: Callable[[Kiwisms, Caller], Awaitable[T]], *, tries: int
    ) -> T | None:
        """Ask, and ask again when the answer is no answer; None when that came to nothing."""

        async def authenticated(kiwi: Kiwisms) -> T:
            began, text = self.world.loop.time(), self.key
            caller = await kiwi.keys.authenticate(text)
            if began > self.revoked.get(text, began):
                self.world.break_law(f"{self.name}: a key revoked long ago was accepted")
            return await request(kiwi, caller)

        for number in range(tries):
            if number:
                await asyncio.sleep(PAUSES[number - 1])
            began = self.world.loop.steps
            self.world.tell(self.name, f"{deed}: asks")
            try:
                answer = await self.cluster.ask((deed.luck * (number + 7)) % 1, authenticated)
            except ConnectionLost as error:
                self.world.tell(self.name, f"{deed}: {error}")
            except FAILED as error:
                self._reached(error)
                self.world.tell(self.name, f"{deed}: {error!r}")
            except REFUSED as error:
                self._reached(error)
                self.world.tell(self.name, f"{deed}: {error!r}")
                return None
            except KiwismsError as error:
                self.world.break_law(f"{self.name}: {deed} raised {error!r}")
                return None
            else:
                self._answered(deed, answer, began)
                return answer
        return None

    def _answered(self, deed: Deed, answer: object, began: int) -> None:
        if self.world.history is not None:
            self.world.tell(self.name, f"{deed}: {describe(answer)}")
        made = isinstance(answer, Ordered) and not answer.replayed
        if made and self.suspended_since is not None and began > self.suspended_since + 1:
            self.world.break_law(f"{self.name}: rented while suspended")

    def _reached(self, error: KiwismsError) -> None:
        mark = REACHED.get(type(error))
        if isinstance(error, ServiceUnavailable) and Refusal.PRICE_EXCEEDED in error.why:
            mark = Mark.PRICED_OUT
        if mark is not None:
            self.world.reach(mark)

    def _stored(self, rental: Rental) -> Rental:
        return self._records.rentals[rental.id]

    @property
    def _records(self) -> Records:
        return self.world.disk.records[self.account_id]

    def _choose(self, deed: Deed) -> Rental | None:
        known = list(self.told.values())
        return known[int(deed.luck * len(known))].rental if known else None

    def _new_key(self, deed: Deed, *, always: bool = False) -> str | None:
        if not always and not deed.keyed:
            return None
        self._keys += 1
        return f"key-{deed.place}-{self._keys}"
