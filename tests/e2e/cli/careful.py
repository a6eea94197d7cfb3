"""Careful customers: each order has a key, is repeated until it is answered, and is remembered."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random, randrange
from typing import Any, Final

import aiohttp
from attrs import define, field, frozen

import kiwisms
from kiwisms.adapters.system import SystemClock
from kiwisms.domain.delivery import DeliveryStatus
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.rental_state import SHOWN, State
from kiwisms.entrypoints.http.documents import rental_created
from kiwisms.testing.kit import do_all_work
from tests.e2e.books import ALL, BACK, assert_books_agree
from tests.e2e.cli.programs import LONGEST_SECONDS, Kiwi, Upstream
from tests.e2e.receiver import Receiver, receiver

GIVEN: Final = Money.parse("100.00")
AGAIN: Final = frozenset({409, 502, 503})
"""Statuses after which a request may be repeated; 409 says that it is still running."""
PATIENCE: Final = aiohttp.ClientTimeout(total=None, sock_connect=3, sock_read=8)
PAUSE_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 0.3
LANES: Final = 4
"""What one customer does at once."""
MOST_ORDERS: Final = 60
MOST_UNANSWERED: Final = 2 * LANES
"""Who has so many orders without an answer makes no further ones."""
COMES_BACK: Final = 0.3
"""How likely it is that a customer comes back to an order, and does not make another."""


class Wish(StrEnum):
    """What a customer wants with a number."""

    KEEP = "keep"
    CANCEL = "cancel"
    DONE = "done"
    CODE = "code"
    CODE_AND_DONE = "code and done"
    CANCEL_AS_A_CODE_COMES = "cancel as a code comes"


ENDS: Final = {
    Wish.KEEP: {"WAITING"},
    Wish.CANCEL: {"CANCELLED"},
    Wish.DONE: {"COMPLETED"},
    Wish.CODE: {"RECEIVED"},
    Wish.CODE_AND_DONE: {"COMPLETED"},
    Wish.CANCEL_AS_A_CODE_COMES: {"CANCELLED", "RECEIVED"},
}
"""How a number may end of which that was wished."""


@define(kw_only=True)
class Order:
    """One number that a customer wants, and all that the server has acknowledged of it."""

    key: str
    wish: Wish
    code: str
    rented: Any = None
    ended: str | None = None
    sent: bool = False
    codes: list[str] = field(factory=list)

    @property
    def rental_id(self) -> RentalId:
        """Known once it is rented."""
        return RentalId(self.rented["id"])


class NotYet(Exception):
    """No answer that counts: come back later."""


@frozen(kw_only=True)
class Customer:
    """
    Somebody with an API key and a notebook.

    *withdraws* says that a number may be taken back again: one that could not be written down.
    """

    name: str
    account_id: AccountId
    session: aiohttp.ClientSession
    chance: Random
    provider: Upstream
    withdraws: bool
    orders: list[Order] = field(factory=list)

    async def trade(self, over: asyncio.Event) -> None:
        """Order and order again, and come back to what was not answered, until it is *over*."""
        while not over.is_set():
            went_on = await self.pursue(self._next())
            await asyncio.sleep(self.chance.uniform(0, PAUSE_SECONDS if went_on else RETRY_SECONDS))

    async def finish(self) -> None:
        """Come back to every order until it has what was wished, and read how it stands."""
        left = self.orders
        while left:
            have_all = await asyncio.gather(*map(self.pursue, left))
            left = [order for order, has_all in zip(left, have_all, strict=True) if not has_all]
            await asyncio.sleep(RETRY_SECONDS)

    async def pursue(self, order: Order) -> bool:
        """Go on with an order as far as it goes; says whether it has all that was wished."""
        try:
            await self._rent(order)
            if self.withdraws and (await self.read(order))["status"] == "CANCELLED":
                return True
            await self._act(order)
            return (await self.read(order))["status"] in ENDS[order.wish]
        except NotYet:
            return False

    async def _act(self, order: Order) -> None:
        match order.wish:
            case Wish.CANCEL:
                await self._end(order, "cancel")
            case Wish.CANCEL_AS_A_CODE_COMES:
                await asyncio.gather(self._end(order, "cancel"), self._send(order))
            case Wish.DONE:
                await self._end(order, "done")
            case Wish.CODE | Wish.CODE_AND_DONE:
                await self._send(order)
                await self._wait(order)
        if order.wish is Wish.CODE_AND_DONE:
            await self._end(order, "done")

    async def read(self, order: Order) -> Any:
        """Poll; what was told once is told for ever."""
        # Another lane may be told more while this one asks.
        codes, ended = order.codes, order.ended
        _, document = await self._ask("GET", f"/rentals/{order.rental_id}", {200})
        rental = document["rental"]
        assert rental["codes"][: len(codes)] == codes
        assert ended in {None, rental["status"]}
        order.codes = max(order.codes, rental["codes"], key=len)
        return rental

    async def status(self) -> int:
        """Of an answer with the balance."""
        async with self.session.get("/api/v1/balance") as answer:
            return answer.status

    async def assert_told_right(self, kiwi: kiwisms.Kiwisms) -> None:
        """All that was acknowledged is in the store, and nothing else."""
        rentals = await kiwi.rentals.all(account_id=self.account_id, limit=ALL)
        shown = {rental.id: rental for rental in rentals if rental.state in SHOWN}
        assert Counter(each.idempotency_key for each in shown.values()) == Counter(
            order.key for order in self.orders
        )
        spent = ZERO
        for order in self.orders:
            rental = shown[order.rental_id]
            assert rental_created(rental) == order.rented
            assert order.ended in {None, rental.state}
            assert order.codes == [message.code for message in rental.messages]
            is_back = rental.state in BACK
            assert rental.state in ENDS[order.wish] or (is_back and self.withdraws)
            spent += ZERO if is_back else Money.parse(str(order.rented["price"]))
        wallet = await kiwi.wallet.balance(self.account_id)
        assert wallet.available == GIVEN - spent

    async def assert_heard(self, kiwi: kiwisms.Kiwisms, hook: Receiver) -> None:
        """Each code came to the receiver, at least once and as one event."""
        deliveries = await kiwi.webhooks.deliveries(self.account_id, limit=ALL)
        assert {delivery.status for delivery in deliveries} <= {DeliveryStatus.DELIVERED}
        for delivery in deliveries:
            assert set(hook.heard[delivery.id]) == {delivery.body.encode()}
        codes = [(order.rental_id, code) for order in self.orders for code in order.codes]
        told = [json.loads(delivery.body) for delivery in deliveries]
        assert sorted((each["rentalId"], each["otpCode"]) for each in told) == sorted(codes)

    def _next(self) -> Order:
        unanswered = sum(order.rented is None for order in self.orders)
        is_busy = unanswered >= MOST_UNANSWERED or len(self.orders) >= MOST_ORDERS
        if self.orders and (is_busy or self.chance.random() < COMES_BACK):
            return self.chance.choice(self.orders)
        number = len(self.orders)
        order = Order(
            key=f"{self.name}-{number}",
            wish=self.chance.choice(list(Wish)),
            code=f"{self.chance.randrange(10**6):06}",
        )
        self.orders.append(order)
        return order

    async def _rent(self, order: Order) -> None:
        headers = {"Idempotency-Key": order.key}
        _, document = await self._ask("POST", "/rentals", {201}, headers, {"service": "go"})
        assert order.rented in (None, document["rental"])
        order.rented = document["rental"]

    async def _send(self, order: Order) -> None:
        if not order.sent:
            order.sent = True
            # Nothing comes at a number that was cancelled meanwhile.
            with suppress(aiohttp.ClientResponseError):
                await self.provider.post("messages", code=order.code, to=order.rented["phone"])

    async def _wait(self, order: Order) -> None:
        if order.code not in (await self.read(order))["codes"]:
            raise NotYet

    async def _end(self, order: Order, how: str) -> None:
        may_be_gone = how == "cancel" or self.withdraws
        status, document = await self._ask(
            "POST", f"/rentals/{order.rental_id}/{how}", {200, 404} if may_be_gone else {200}
        )
        if status == 200:
            assert order.ended in {None, document["status"]}
            order.ended = document["status"]

    async def _ask(
        self,
        method: str,
        path: str,
        wanted: set[int],
        headers: dict[str, str] | None = None,
        body: object = None,
    ) -> tuple[int, Any]:
        try:
            async with self.session.request(
                method, f"/api/v1{path}", headers=headers, json=body
            ) as answer:
                document = await answer.json()
        except (aiohttp.ClientError, TimeoutError) as lost:
            raise NotYet from lost
        if answer.status in AGAIN:
            raise NotYet
        assert answer.status in wanted, (method, path, answer.status, document)
        return answer.status, document


LATER: Final = timedelta(minutes=1)
"""After this all that a dead process had claimed comes due again."""
WIDE: Final = {
    # A request that nobody came back for is given up after twice this, and five seconds.
    "KIWISMS_PROVIDER_TIMEOUT_SECONDS": "1",
    "KIWISMS_SYNC_SECONDS": "0.1",
    "KIWISMS_WEBHOOK_ALLOW_PRIVATE": "1",
    "KIWISMS_CANCELS_PER_HOUR": "0",
    "KIWISMS_MAX_ACTIVE_RENTALS": "99999",
    "KIWISMS_PROVIDER_MAX_WAITING": "99999",
    "KIWISMS_RATE_READ_PER_MINUTE": "999999",
    "KIWISMS_RATE_RENT_PER_MINUTE": "999999",
}


class LaterClock(SystemClock):
    """The computer's time, and some more."""

    def now(self) -> datetime:
        """Now, but later."""
        return super().now() + LATER


@frozen(kw_only=True)
class Market:
    """Customers of one server, which always listens on the same port."""

    kiwi: Kiwi
    provider: Upstream
    hook: Receiver
    chance: Random
    port: int
    customers: list[Customer]

    @property
    def serve(self) -> tuple[str, ...]:
        """The command that runs the server."""
        return "serve", "--port", str(self.port)

    @asynccontextmanager
    async def trading(self) -> AsyncIterator[None]:
        """Have all customers trade during the block."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for customer in self.customers * LANES:
                group.create_task(customer.trade(over))
            try:
                yield
            finally:
                over.set()

    async def finish(self) -> None:
        """Have every customer come back to all that was not answered."""
        async with asyncio.timeout(LONGEST_SECONDS):
            await asyncio.gather(*(customer.finish() for customer in self.customers))
        orders = [order for customer in self.customers for order in customer.orders]
        assert {order.wish for order in orders} == set(Wish)

    async def statuses(self) -> set[int]:
        """What customers are told now, who ask for their balances."""
        answers = [customer.status() for customer in self.customers for _ in range(LANES)]
        return set(await asyncio.gather(*answers))

    async def give_up_requests(self) -> None:
        """Give up what nobody will come back for, without waiting until it or a lease is over."""
        async with self._later() as kiwi:
            for rental in await kiwi.rentals.all(state=State.REQUESTED, limit=ALL):
                await kiwi.background.process_rental(rental)

    async def assert_nothing_was_lost(self) -> None:
        """Compare what was told with both books, when no server runs any more."""
        async with self._later() as kiwi:
            await do_all_work(kiwi.background)
            for customer in self.customers:
                await customer.assert_told_right(kiwi)
                await customer.assert_heard(kiwi, self.hook)
            funded = {customer.account_id: GIVEN for customer in self.customers}
            await assert_books_agree(kiwi, await self.provider.state(), funded)

    @asynccontextmanager
    async def _later(self) -> AsyncIterator[kiwisms.Kiwisms]:
        settings = kiwisms.Settings(
            secret_key=self.kiwi.settings["KIWISMS_SECRET_KEY"], webhook_allow_private=True
        )
        async with kiwisms.open(
            self.kiwi.store_url,
            provider=kiwisms.DaisySMS(self.provider.url, self.provider.key),
            clock=LaterClock(),
            settings=settings,
            background=False,
        ) as kiwi:
            yield kiwi


@asynccontextmanager
async def market(
    kiwi: Kiwi, provider: Upstream, *, withdraws: bool = False
) -> AsyncIterator[Market]:
    """Open accounts for some customers, over a store that can be used now."""
    seed = randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it when the test fails
    chance, port = Random(seed), free_port()
    await provider.post("settings", balance="9999", most_waiting=99_999, latency=0.02)
    async with AsyncExitStack() as stack:
        hook = await stack.enter_async_context(receiver())
        customers = []
        for name in ("ada", "bob", "eve"):
            account_id, key = await _account(kiwi, name, hook)
            session = await stack.enter_async_context(
                aiohttp.ClientSession(
                    f"http://127.0.0.1:{port}",
                    headers={"X-API-Key": key},
                    timeout=PATIENCE,
                    connector=aiohttp.TCPConnector(force_close=True, limit=2 * LANES),
                )
            )
            customers.append(
                Customer(
                    name=name,
                    account_id=account_id,
                    session=session,
                    chance=chance,
                    provider=provider,
                    withdraws=withdraws,
                )
            )
        yield Market(
            kiwi=kiwi,
            provider=provider,
            hook=hook,
            chance=chance,
            port=port,
            customers=customers,
        )


async def _account(kiwi: Kiwi, name: str, hook: Receiver) -> tuple[AccountId, str]:
    async with kiwi.office() as office:
        account = await office.accounts.create(f"{name}@example.com")
        await office.wallet.credit(account.id, GIVEN, reason="top-up")
        await office.webhooks.set(account.id, hook.url)
        _, key = await office.keys.create(account.id)
    return account.id, key


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
