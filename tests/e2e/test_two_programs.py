"""Two programs on one store: the server, and the operator's commands or another server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

import kiwisms
from kiwisms.domain.ids import AccountId
from kiwisms.domain.money import cents
from kiwisms.domain.rental_state import State
from kiwisms.testing.clock import ManualClock
from kiwisms.testing.provider import FakeProvider
from tests.postgres import database

Two = tuple[kiwisms.Kiwisms, kiwisms.Kiwisms]


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(ManualClock())


@pytest.fixture(params=["sqlite", "postgres"])
async def both(
    request: pytest.FixtureRequest, tmp_path: Path, provider: FakeProvider
) -> AsyncIterator[Two]:
    settings = kiwisms.Settings(secret_key="a secret for tests")
    async with AsyncExitStack() as stack:
        url = f"sqlite:///{tmp_path}/kiwisms.db"
        if request.param == "postgres":
            url = await stack.enter_async_context(database())
        first, second = [
            await stack.enter_async_context(
                kiwisms.open(url, provider=provider, settings=settings, background=False)
            )
            for _ in range(2)
        ]
        yield first, second


async def outcomes(*acts: Awaitable[object]) -> Counter[str]:
    """Do all at once; raises what is no error of ours."""
    done = await asyncio.gather(*acts, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException) and not isinstance(each, kiwisms.KiwismsError):
            raise each
    return Counter(type(each).__name__ for each in done)


async def customer(
    kiwi: kiwisms.Kiwisms, balance: str, email: str = "ada@example.com"
) -> AccountId:
    account = await kiwi.accounts.create(email)
    await kiwi.wallet.credit(account.id, balance, reason="top-up")
    return account.id


async def assert_balanced(kiwi: kiwisms.Kiwisms) -> None:
    assert (await kiwi.wallet.audit()).violations == ()


async def test_the_last_dollar_is_spent_once(both: Two, provider: FakeProvider) -> None:
    first, second = both
    ada = await customer(first, "0.78")
    told = await outcomes(
        *(kiwi.rentals.rent(ada, service="go") for kiwi in (first, second) for _ in range(10))
    )
    assert told == {"Rental": 2, "InsufficientBalance": 18}
    assert len(provider.upstream.activations) == 2
    wallet = await second.wallet.balance(ada)
    assert (wallet.available, wallet.held) == (cents(0), cents(78))
    await assert_balanced(first)


async def test_the_last_place_upstream_is_taken_once(both: Two, provider: FakeProvider) -> None:
    provider.upstream.most_waiting = 1000
    crowd = [await customer(both[0], "1.00", f"{number}@example.com") for number in range(30)]
    told = await outcomes(
        *(both[number % 2].rentals.rent(each, service="go") for number, each in enumerate(crowd))
    )
    assert told == {"Rental": 20, "ServiceUnavailable": 10}
    assert len(provider.upstream.activations) == 20
    await assert_balanced(both[0])


async def test_one_key_rents_one_number(both: Two, provider: FakeProvider) -> None:
    ada = await customer(both[0], "10.00")
    told = await outcomes(
        *(
            kiwi.rentals.rent(ada, service="go", idempotency_key="order-42")
            for kiwi in both
            for _ in range(20)
        )
    )
    assert set(told) <= {"Rental", "IdempotencyConflict"}
    assert told["Rental"] >= 1
    assert len(provider.upstream.activations) == 1
    assert (await both[1].wallet.balance(ada)).held == cents(39)
    await assert_balanced(both[1])


async def test_money_comes_in_while_the_other_rents(both: Two) -> None:
    server, command = both
    ada = await customer(server, "10.00")
    told = await outcomes(
        *(server.rentals.rent(ada, service="go") for _ in range(15)),
        *(command.wallet.credit(ada, "1.00", reason="gift", reference="g-1") for _ in range(5)),
        *(command.wallet.credit(ada, "0.01", reason="drop") for _ in range(10)),
        *(command.wallet.debit(ada, "0.10", reason="fee") for _ in range(5)),
    )
    assert told == {"Rental": 15, "Wallet": 20}
    wallet = await server.wallet.balance(ada)
    assert wallet.held == cents(15 * 39)
    assert wallet.available == cents(1000 + 100 + 10 - 50 - 15 * 39)
    await assert_balanced(command)


Act = Callable[[kiwisms.Kiwisms, kiwisms.Rental], Awaitable[object]]


@pytest.mark.parametrize("delivered", [False, True])
async def test_cancel_against_done_against_a_code(
    both: Two, provider: FakeProvider, delivered: bool
) -> None:
    ada = await customer(both[0], "10.00")
    rental = await both[0].rentals.rent(ada, service="go")
    if delivered:
        provider.deliver("0042", to=rental.activation_id)
    await outcomes(
        *(kiwi.rentals.cancel(ada, rental.id) for kiwi in both),
        *(kiwi.rentals.done(ada, rental.id) for kiwi in both),
        *(kiwi.rentals.get(ada, rental.id) for kiwi in both),
    )
    ended = await both[0].rentals.get(ada, rental.id, sync=False)
    wallet = await both[1].wallet.balance(ada)
    assert wallet.held == cents(0)
    paid = ended.state in {State.RECEIVED, State.COMPLETED}
    assert paid or ended.state is State.CANCELLED
    assert paid or not ended.messages
    assert wallet.available == cents(1000 - 39 if paid else 1000)
    await assert_balanced(both[0])
