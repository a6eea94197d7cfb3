"""A pushed message is a hint: kept once, looked after at once, and never believed by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from attrs import evolve

from kiwisms.adapters.memory import MemoryStore
from kiwisms.domain.account import Account
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.ports.provider import Unknown
from kiwisms.testing.kit import Kit


@pytest.fixture
async def rental(kit: Kit, ada: Account) -> Rental:
    return await kit.kiwi.rentals.rent(ada.id, service="go")


async def push(kit: Kit, rental: Rental, code: str, *, message_id: int = 1) -> None:
    await kit.kiwi.pushes.accept(
        PushedMessage.parse(
            message_id=message_id,
            activation_id=rental.activation_id,
            service=rental.service,
            code=code,
            text=f"{code} is your Google verification code",
            at=kit.clock.now(),
        )
    )


async def codes(kit: Kit, rental: Rental) -> list[str]:
    return [message.code for message in (await kit.kiwi.rentals.find(rental.id)).messages]


async def test_a_push_is_looked_after_without_waiting_for_the_next_look(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("0042")
    await push(kit, rental, "0042")
    assert await codes(kit, rental) == []
    await kit.work()
    assert await codes(kit, rental) == ["0042"]
    assert str((await kit.kiwi.wallet.balance(ada.id)).available) == "9.61"


async def test_a_poll_that_comes_sees_it(kit: Kit, ada: Account, rental: Rental) -> None:
    kit.provider.deliver("0042")
    assert (await kit.kiwi.rentals.get(ada.id, rental.id)).messages == ()
    await push(kit, rental, "0042")
    seen = await kit.kiwi.rentals.get(ada.id, rental.id)
    assert [message.code for message in seen.messages] == ["0042"]


async def test_who_waits_for_codes_is_woken(kit: Kit, ada: Account, rental: Rental) -> None:
    codes = kit.kiwi.rentals.codes(ada.id, rental.id)
    waiting = asyncio.ensure_future(anext(codes))
    for _ in range(100):
        await asyncio.sleep(0)
    assert kit.clock.sleepers == 1
    kit.provider.deliver("0042")
    await push(kit, rental, "0042")
    async with asyncio.timeout(5):
        assert await waiting == "0042"
    assert kit.clock.now() == rental.created_at


async def test_a_thousand_pushes_of_one_message_are_one(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    await kit.kiwi.webhooks.set(ada.id, "https://ada.example.com/hook")
    kit.provider.deliver("0042")
    await asyncio.gather(*(push(kit, rental, "0042") for _ in range(1000)))
    await kit.work()
    await asyncio.gather(*(push(kit, rental, "0042") for _ in range(100)))
    await kit.work()
    assert rental.activation_id is not None
    assert len(await kit.store.pushes(rental.activation_id)) == 1
    assert kit.provider.on_look.calls == 1
    assert await codes(kit, rental) == ["0042"]
    assert len(kit.sender.tries) == 1
    wallet = await kit.kiwi.wallet.balance(ada.id)
    assert (str(wallet.available), str(wallet.held)) == ("9.61", "0.00")


async def test_nothing_is_believed_that_no_look_confirms(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    await push(kit, rental, "0042")
    await kit.work()
    assert await codes(kit, rental) == []
    kit.provider.on_look.next(Unknown("lost"))
    kit.clock.advance(3)
    await kit.work()
    assert (await kit.kiwi.rentals.find(rental.id)).state is State.WAITING
    assert str((await kit.kiwi.wallet.balance(ada.id)).held) == "0.39"


async def test_of_two_quick_messages_the_first_is_not_lost(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    await kit.kiwi.webhooks.set(ada.id, "https://ada.example.com/hook")
    for number, code in enumerate(("111", "222")):
        kit.provider.deliver(code)
        await push(kit, rental, code, message_id=number)
    await kit.work()
    assert await codes(kit, rental) == ["111", "222"]
    kit.clock.advance(60)
    await kit.work()
    assert await codes(kit, rental) == ["111", "222"]
    assert len(kit.sender.tries) == 2
    places = [(step.state, step.messages) for step in await kit.kiwi.rentals.history(rental)]
    assert places[-2:] == [(State.RECEIVED, 1), (State.RECEIVED, 2)]
    assert (await kit.kiwi.wallet.audit()).balanced


async def test_a_push_that_comes_after_its_look_adds_nothing(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("0042", text="other   spelling")
    kit.clock.advance(3)
    await kit.kiwi.rentals.get(ada.id, rental.id)
    await push(kit, rental, "0042")
    await kit.work()
    kit.clock.advance(60)
    await kit.work()
    assert await codes(kit, rental) == ["0042"]


async def test_a_further_message_is_seen_at_once_too(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    kit.provider.deliver("1")
    kit.clock.advance(3)
    await kit.kiwi.rentals.get(ada.id, rental.id)
    kit.provider.deliver("2")
    await push(kit, rental, "2")
    await kit.work()
    assert await codes(kit, rental) == ["1", "2"]


async def test_a_message_that_is_pushed_before_its_number_is_known_waits_for_it(
    kit: Kit, ada: Account
) -> None:
    async def meanwhile() -> None:
        number = list(kit.provider.upstream.activations)[-1]
        for code in ("111", "222"):
            kit.provider.deliver(code)
            await kit.kiwi.pushes.accept(
                PushedMessage.parse(
                    message_id=code,
                    activation_id=number,
                    service="go",
                    code=code,
                    at=kit.clock.now(),
                )
            )

    kit.provider.on_rent.next(meanwhile=meanwhile)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.clock.advance(3)
    await kit.work()
    assert await codes(kit, rental) == ["111", "222"]


async def test_a_push_for_a_number_that_ended_changes_nothing(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    ended = await kit.kiwi.rentals.cancel(ada.id, rental.id)
    await push(kit, rental, "0042")
    await kit.work()
    assert await kit.kiwi.rentals.find(rental.id) == ended
    assert kit.provider.on_look.calls == 0


async def test_a_look_under_way_is_followed_by_another(
    kit: Kit, ada: Account, rental: Rental
) -> None:
    async def meanwhile() -> None:
        kit.provider.deliver("222")
        await push(kit, rental, "222")

    kit.provider.deliver("111")
    kit.provider.on_look.next(meanwhile=meanwhile)
    kit.clock.advance(3)
    await kit.kiwi.rentals.get(ada.id, rental.id)
    await kit.work()
    assert await codes(kit, rental) == ["111", "222"]


def test_only_the_provider_knows_the_secret(kit: Kit) -> None:
    assert kit.kiwi.pushes.knows("push-secret")
    assert not kit.kiwi.pushes.knows("push-secre")
    assert "push-secret" not in repr(kit.kiwi.pushes)


def test_the_address_of_an_old_key_goes_on_working(kit: Kit) -> None:
    pushes = evolve(kit.kiwi.pushes, secrets=("new", "old"))
    assert pushes.secret == "new"
    assert [pushes.knows(each) for each in ("new", "old", "other", "")] == [
        True,
        True,
        False,
        False,
    ]


class SlowStore(MemoryStore):
    """A store that may be read long before the answer is used."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def pushes(self, activation_id: ActivationId) -> Sequence[PushedMessage]:
        read = await super().pushes(activation_id)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return read


async def test_a_look_that_read_no_push_yet_does_not_repeat_what_another_had_from_it() -> None:
    store = SlowStore()
    kit = Kit(store=store)
    ada = await kit.customer("10.00")
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.deliver("0042", text="0042: never share it")

    async def another_look() -> None:
        await push(kit, rental, "0042")
        await kit.kiwi.rentals.looks.look(rental)

    store.meanwhile = another_look
    await kit.kiwi.rentals.looks.look(rental)
    assert await codes(kit, rental) == ["0042"]
