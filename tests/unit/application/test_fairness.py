"""Receivers that hang: of nobody's deliveries is any lost, and nobody else's waits for them."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from attrs import evolve

from kiwisms.application.background import FAIR_SHARE
from kiwisms.application.delivering import TRIES_PER_HOST, WAITING_PER_HOST
from kiwisms.domain.account import Account
from kiwisms.domain.delivery import Delivery, DeliveryStatus
from kiwisms.domain.ids import AccountId, DeliveryId
from kiwisms.ports.webhooks import Answered, NotAnswered
from kiwisms.testing.kit import Kit
from kiwisms.testing.webhooks import FakeWebhookSender


class HangingSender(FakeWebhookSender):
    """Answers for one host only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = asyncio.Event()

    async def send(
        self, url: str, *, body: bytes, headers: Mapping[str, str]
    ) -> Answered | NotAnswered:
        answer = await super().send(url, body=body, headers=headers)
        if "hangs.example" in url.lower():
            await self.answered.wait()
        return answer


@pytest.fixture
def sender() -> HangingSender:
    return HangingSender()


@pytest.fixture
def kit(sender: HangingSender) -> Kit:
    return Kit(sender=sender)


async def owe(kit: Kit, account: Account, deliveries: int, url: str) -> None:
    await kit.kiwi.webhooks.set(account.id, url)
    async with kit.store.transaction(account.id) as tx:
        for number in range(deliveries):
            tx.save(
                Delivery(
                    id=DeliveryId(f"{account.email}-{number:03}"),
                    account_id=account.id,
                    event="sms.received",
                    rental_id=None,
                    body="{}",
                    created_at=kit.clock.now(),
                    due_at=kit.clock.now(),
                )
            )


async def begin(kit: Kit, deliveries: Sequence[Delivery]) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(kit.kiwi.background.deliver(each)) for each in deliveries]
    for _ in range(10):
        await asyncio.sleep(0)
    return tasks


async def statuses(kit: Kit, account_id: AccountId) -> set[DeliveryStatus]:
    found = await kit.kiwi.webhooks.deliveries(account_id, limit=1000)
    return {delivery.status for delivery in found}


async def test_an_account_with_its_share_under_way_is_given_no_more(kit: Kit, ada: Account) -> None:
    bob = await kit.customer("1.00", "bob@example.com")
    await owe(kit, ada, 100, "https://hangs.example/")
    await owe(kit, bob, 1, "https://bob.example/")
    claim = kit.kiwi.background.claim_deliveries
    first = await claim(100)
    assert [each.account_id for each in first] == [ada.id] * FAIR_SHARE + [bob.id]
    of_ada = first[:FAIR_SHARE]
    assert await claim(100, of_ada) == []
    # As soon as one of them is done, there is a share again.
    assert len(await claim(100, of_ada[1:])) == FAIR_SHARE


async def test_a_host_is_given_so_many_tries_at_once_and_nothing_is_lost(
    kit: Kit, sender: HangingSender
) -> None:
    most = TRIES_PER_HOST + WAITING_PER_HOST
    accounts = [await kit.customer("1.00", f"{number}@example.com") for number in range(most + 1)]
    for account in accounts:
        await owe(kit, account, 1, f"https://HANGS.example/{account.id}")
    claimed = await kit.kiwi.background.claim_deliveries(100)
    tasks = await begin(kit, claimed)
    assert len(sender.tries) == TRIES_PER_HOST
    # One is let go: not tried, not counted as a failure, and due when its lease is over.
    [let_go] = [each for each, task in zip(claimed, tasks, strict=True) if task.done()]
    assert await kit.store.find_delivery(let_go.id) == let_go
    sender.answered.set()
    await asyncio.gather(*tasks)
    assert len(sender.tries) == most
    kit.clock.advance(kit.terms.lease.total_seconds())
    await kit.work()
    assert len(sender.tries) == most + 1
    for account in accounts:
        assert await statuses(kit, account.id) == {DeliveryStatus.DELIVERED}


async def test_another_host_does_not_wait(kit: Kit, sender: HangingSender, ada: Account) -> None:
    for number in range(TRIES_PER_HOST):
        other = await kit.customer("1.00", f"{number}@example.com")
        await owe(kit, other, 1, "https://hangs.example/")
    tasks = await begin(kit, await kit.kiwi.background.claim_deliveries(100))
    await owe(kit, ada, 1, "https://ada.example/")
    [delivery] = await kit.kiwi.background.claim_deliveries(100)
    await kit.kiwi.background.deliver(delivery)
    assert await statuses(kit, ada.id) == {DeliveryStatus.DELIVERED}
    sender.answered.set()
    await asyncio.gather(*tasks)


async def test_who_waited_so_long_that_the_lease_may_end_is_let_go(
    kit: Kit, sender: HangingSender, ada: Account
) -> None:
    for number in range(TRIES_PER_HOST):
        other = await kit.customer("1.00", f"{number}@example.com")
        await owe(kit, other, 1, "https://hangs.example/")
    tasks = await begin(kit, await kit.kiwi.background.claim_deliveries(100))
    await owe(kit, ada, 1, "https://hangs.example/")
    [late] = await kit.kiwi.background.claim_deliveries(100)
    tasks += await begin(kit, [late])
    kit.clock.advance(kit.terms.lease.total_seconds() / 2 + 0.001)
    sender.answered.set()
    await asyncio.gather(*tasks)
    assert len(sender.tries) == TRIES_PER_HOST
    assert await kit.store.find_delivery(late.id) == late
    kit.clock.advance(kit.terms.lease.total_seconds() / 2)
    [again] = await kit.kiwi.background.claim_deliveries(100)
    assert again == evolve(late, due_at=kit.clock.now() + kit.terms.lease)
    await kit.kiwi.background.deliver(again)
    assert await statuses(kit, ada.id) == {DeliveryStatus.DELIVERED}
