"""What a transaction did is told by the events that are asked for, and by no others."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.account import Account
from kiwisms.domain.delivery import FailedTry
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.events import DEFAULT_EVENTS, WebhookEvent
from kiwisms.domain.money import cents
from kiwisms.domain.order import Order
from kiwisms.domain.rental import CancelNotAllowed, Rental
from kiwisms.domain.wallet import InsufficientBalance
from kiwisms.ports.provider import Unknown
from kiwisms.ports.store import StoreUnavailable
from kiwisms.ports.transaction import TransactionConflict
from kiwisms.ports.webhooks import Answered
from kiwisms.testing.kit import Kit
from tests.unit.application.test_renting import FailingStore

URL = "https://example.com/hook"
ENDS = "rental.expired,rental.cancelled,rental.completed"


def told(kit: Kit) -> list[Mapping[str, Any]]:
    return [json.loads(sent.body) for sent in kit.sender.tries]


async def cancel(kit: Kit, rental: Rental) -> None:
    await kit.kiwi.rentals.cancel(rental.account_id, rental.id)


async def mark_done(kit: Kit, rental: Rental) -> None:
    await kit.kiwi.rentals.done(rental.account_id, rental.id)


async def run_out(kit: Kit, _: Rental) -> None:
    kit.clock.advance(kit.terms.pace.session.total_seconds())
    await kit.work()


async def run_out_after_a_code(kit: Kit, rental: Rental) -> None:
    kit.provider.deliver("0042", to=rental.activation_id)
    kit.clock.advance(3)
    await kit.work()
    await run_out(kit, rental)


End = Callable[[Kit, Rental], Awaitable[None]]
EVENTS: dict[End, str] = {
    cancel: "rental.cancelled",
    mark_done: "rental.completed",
    run_out: "rental.expired",
    run_out_after_a_code: "rental.completed",
}


@pytest.mark.parametrize("end", EVENTS)
async def test_an_end_that_is_asked_for_is_told_once(kit: Kit, ada: Account, end: End) -> None:
    await kit.kiwi.webhooks.set(ada.id, URL, events=ENDS)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    await end(kit, rental)
    await kit.work()
    ended = await kit.kiwi.rentals.get(ada.id, rental.id)
    [body] = told(kit)
    assert body == {
        "event": EVENTS[end],
        "rentalId": rental.id,
        "serviceCode": "go",
        "serviceName": rental.service_name,
        "phone": rental.phone,
        "status": ended.state.value,
        "price": 0.39,
        "at": ended.changed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    [delivery] = await kit.kiwi.webhooks.deliveries(ada.id)
    assert (delivery.event, delivery.rental_id) == (EVENTS[end], rental.id)


@pytest.mark.parametrize("end", EVENTS)
async def test_what_nobody_asked_for_is_not_written(kit: Kit, ada: Account, end: End) -> None:
    await kit.kiwi.webhooks.set(ada.id, URL)
    await end(kit, await kit.kiwi.rentals.rent(ada.id, service="go"))
    assert {each.event for each in await kit.kiwi.webhooks.deliveries(ada.id)} <= DEFAULT_EVENTS


async def test_two_cancels_at_once_are_told_once(kit: Kit, ada: Account) -> None:
    await kit.kiwi.webhooks.set(ada.id, URL, events=ENDS)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    await asyncio.gather(cancel(kit, rental), cancel(kit, rental), return_exceptions=True)
    with pytest.raises(CancelNotAllowed):
        await cancel(kit, rental)
    assert len(await kit.kiwi.webhooks.deliveries(ada.id)) == 1


async def test_what_could_not_be_saved_is_not_told_and_what_was_is_told_once() -> None:
    store = FailingStore()
    kit = Kit(store=store)
    ada = await kit.customer("10.00")
    await kit.kiwi.webhooks.set(ada.id, URL, events=f"{ENDS},wallet.low", low="10.00")
    store.fail(StoreUnavailable, times=1)
    with pytest.raises(StoreUnavailable):
        await kit.kiwi.wallet.debit(ada.id, "1.00", reason="fee")
    assert not await kit.kiwi.webhooks.deliveries(ada.id)
    store.fail(TransactionConflict, times=1)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    store.fail(TransactionConflict, times=1)
    await cancel(kit, rental)
    await kit.work()
    assert [body["event"] for body in told(kit)] == ["wallet.low", "rental.cancelled"]


async def test_a_request_that_came_to_nothing_is_not_told(kit: Kit, ada: Account) -> None:
    await kit.kiwi.webhooks.set(ada.id, URL, events=ENDS)
    kit.provider.on_rent.next(Unknown("timed out"))
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    assert not await kit.kiwi.webhooks.deliveries(ada.id)


async def test_messages_can_be_left_out(kit: Kit, ada: Account) -> None:
    await kit.kiwi.webhooks.set(ada.id, URL, events=[WebhookEvent.RENTAL_COMPLETED])
    await run_out_after_a_code(kit, await kit.kiwi.rentals.rent(ada.id, service="go"))
    assert [body["event"] for body in told(kit)] == ["rental.completed"]


async def test_a_keys_own_address_says_what_is_told_of_its_rentals(kit: Kit, ada: Account) -> None:
    key, _ = await kit.kiwi.keys.create(ada.id)
    await kit.kiwi.webhooks.set(ada.id, URL, events=ENDS)
    await kit.kiwi.webhooks.set(ada.id, f"{URL}/key", key_prefix=key.prefix, events=ENDS)
    order = Order.parse(service="go")
    for _ in range(2):
        made = await kit.kiwi.rentals.order(ada.id, order, key_prefix=key.prefix)
        await cancel(kit, made.rental)
        await kit.kiwi.webhooks.set(
            ada.id, f"{URL}/key", key_prefix=key.prefix, events="sms.received"
        )
    await kit.work()
    assert [sent.url for sent in kit.sender.tries] == [f"{URL}/key"]


async def test_an_address_that_is_changed_keeps_its_events(kit: Kit, ada: Account) -> None:
    await kit.kiwi.webhooks.set(ada.id, URL, events="wallet.low,rental.expired", low="5.00")
    changed, _ = await kit.kiwi.webhooks.set(ada.id, f"{URL}/2")
    assert changed.events == {"wallet.low", "rental.expired"}
    assert changed.low == cents(500)
    changed, _ = await kit.kiwi.webhooks.set(ada.id, URL, events="sms.received")
    assert (changed.events, changed.low) == (DEFAULT_EVENTS, None)
    with pytest.raises(ValidationRefused, match="low: must say"):
        await kit.kiwi.webhooks.set(ada.id, URL, events="wallet.low")
    assert (await kit.kiwi.webhooks.show(ada.id))[0] == changed


async def test_a_wallet_is_told_to_be_low_once_per_fall(kit: Kit) -> None:
    ada = await kit.customer("5.39")
    await kit.kiwi.webhooks.set(ada.id, URL, events="wallet.low", low="5.00")
    first = await kit.kiwi.rentals.rent(ada.id, service="go")
    assert (await kit.kiwi.wallet.balance(ada.id)).available == cents(500)
    assert not await kit.kiwi.webhooks.deliveries(ada.id)
    at = kit.clock.now()
    await kit.kiwi.wallet.debit(ada.id, "0.01", reason="fee", reference="f-1")
    await kit.kiwi.wallet.debit(ada.id, "0.01", reason="fee", reference="f-1")
    second = await kit.kiwi.rentals.rent(ada.id, service="go")
    with pytest.raises(InsufficientBalance):
        await kit.kiwi.wallet.debit(ada.id, "5.00", reason="fee")
    await kit.work()
    [body] = told(kit)
    assert body == {
        "event": "wallet.low",
        "balance": 4.99,
        "threshold": 5.0,
        "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    await cancel(kit, first)
    await cancel(kit, second)
    await kit.kiwi.rentals.rent(ada.id, service="go")
    await kit.work()
    assert [body["balance"] for body in told(kit)] == [4.99, 4.99]


async def test_a_low_wallet_is_told_at_the_accounts_own_address(kit: Kit) -> None:
    ada = await kit.customer("0.39")
    key, _ = await kit.kiwi.keys.create(ada.id)
    await kit.kiwi.webhooks.set(ada.id, f"{URL}/key", key_prefix=key.prefix, events=ENDS)
    await kit.kiwi.webhooks.set(ada.id, URL, events="wallet.low", low="0.39")
    await kit.kiwi.rentals.order(ada.id, Order.parse(service="go"), key_prefix=key.prefix)
    await kit.work()
    [sent] = kit.sender.tries
    assert (sent.url, told(kit)[0]["balance"]) == (URL, 0)


async def test_each_failed_try_has_its_time_and_its_reason(kit: Kit, ada: Account) -> None:
    await kit.kiwi.webhooks.set(ada.id, URL, events=ENDS)
    kit.sender.will_answer(Answered(500), Answered(503))
    await cancel(kit, await kit.kiwi.rentals.rent(ada.id, service="go"))
    first = kit.clock.now()
    await kit.work()
    kit.clock.advance(6)
    second = kit.clock.now()
    await kit.work()
    kit.clock.advance(36)
    await kit.work()
    [delivery] = await kit.kiwi.webhooks.deliveries(ada.id)
    assert delivery.failures == (
        FailedTry(at=first, error="HTTP 500"),
        FailedTry(at=second, error="HTTP 503"),
    )
    assert (delivery.attempts, delivery.last_error) == (3, None)
    assert len({sent.headers["webhook-id"] for sent in kit.sender.tries}) == 1
