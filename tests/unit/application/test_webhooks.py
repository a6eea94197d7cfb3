"""Webhooks from the code's own transaction to the receiver's last answer."""

import asyncio
import hmac
import json
from collections.abc import Sequence
from hashlib import sha256

import pytest

from kiwisms.application.outbox import WORK
from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKeyNotFound
from kiwisms.domain.delivery import Delivery, DeliveryNotFound, DeliveryStatus
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import DeliveryId, KeyPrefix
from kiwisms.domain.order import Order
from kiwisms.domain.webhook import WebhookNotFound
from kiwisms.ports.webhooks import Answered, NotAnswered
from kiwisms.testing.kit import Kit
from kiwisms.testing.webhooks import FakeWebhookSender

URL = "https://example.com/hook"


async def receive_a_code(kit: Kit, account: Account, prefix: KeyPrefix | None = None) -> None:
    made = await kit.kiwi.rentals.order(account.id, Order.parse(service="go"), key_prefix=prefix)
    kit.provider.deliver("0042", text="0042 is your code", to=made.rental.activation_id)
    kit.clock.advance(3)
    await kit.work()


async def test_a_code_is_told_once_and_signed(kit: Kit, ada: Account) -> None:
    _, secret = await kit.kiwi.webhooks.set(ada.id, URL)
    await receive_a_code(kit, ada)
    [sent] = kit.sender.tries
    body = json.loads(sent.body)
    assert (body["event"], body["otpCode"], body["smsText"]) == (
        "sms.received",
        "0042",
        "0042 is your code",
    )
    assert body["receivedAt"].endswith("Z")
    expected = hmac.new(secret.encode(), sent.body, sha256).hexdigest()
    assert sent.headers["X-Webhook-Signature"] == expected
    [delivery] = await kit.kiwi.webhooks.deliveries(ada.id)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 1)


class Picky(FakeWebhookSender):
    """A sender that never sends to one host."""

    def must_accept(self, url: str) -> None:
        if "inside" in url:
            raise ValidationRefused("url", "is inside")


async def test_an_address_that_the_sender_will_never_call_is_not_set() -> None:
    kit = Kit(sender=Picky())
    ada = await kit.customer("1.00")
    await kit.kiwi.webhooks.set(ada.id, URL)
    with pytest.raises(ValidationRefused, match="url: is inside"):
        await kit.kiwi.webhooks.set(ada.id, "https://inside.example/")
    assert (await kit.kiwi.webhooks.show(ada.id))[0].url == URL


async def test_workers_are_woken_when_the_event_can_be_claimed(
    kit: Kit, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims: list[asyncio.Task[Sequence[Delivery]]] = []

    def claim(topic: str) -> None:
        if topic == WORK:
            claims.append(asyncio.create_task(kit.kiwi.background.claim_deliveries(9)))

    await kit.kiwi.webhooks.set(ada.id, URL)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.deliver("0042", to=rental.activation_id)
    kit.clock.advance(3)
    monkeypatch.setattr(kit.kiwi.ports.notices, "notify", claim)
    await kit.kiwi.rentals.get(ada.id, rental.id)
    assert [len(each) for each in await asyncio.gather(*claims)] == [1]


async def test_without_an_address_nothing_is_written(kit: Kit, ada: Account) -> None:
    await receive_a_code(kit, ada)
    assert not await kit.kiwi.webhooks.deliveries(ada.id)


async def test_a_keys_own_address_goes_first(kit: Kit, ada: Account) -> None:
    key, _ = await kit.kiwi.keys.create(ada.id)
    await kit.kiwi.webhooks.set(ada.id, URL)
    await kit.kiwi.webhooks.set(ada.id, "https://example.com/key", key_prefix=key.prefix)
    await receive_a_code(kit, ada, key.prefix)
    await receive_a_code(kit, ada)
    assert [sent.url for sent in kit.sender.tries] == ["https://example.com/key", URL]


async def test_a_failed_try_is_repeated_with_the_same_id_and_then_given_up(
    kit: Kit, ada: Account, caplog: pytest.LogCaptureFixture
) -> None:
    await kit.kiwi.webhooks.set(ada.id, URL)
    kit.sender.will_answer(*[Answered(500)] * 4, *[NotAnswered("timed out after 10 s")] * 4)
    await receive_a_code(kit, ada)
    for seconds in (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600):
        tried = len(kit.sender.tries)
        kit.clock.advance(seconds * 0.79)
        await kit.work()
        assert len(kit.sender.tries) == tried
        kit.clock.advance(seconds * 0.42)
        await kit.work()
        assert len(kit.sender.tries) == tried + 1
        assert "given up" not in caplog.text or seconds == 24 * 3600
    kit.clock.advance(30 * 24 * 3600)
    await kit.work()
    assert len(kit.sender.tries) == 8
    assert f"of {ada.id} given up: timed out after 10 s" in caplog.text
    assert len({sent.headers["webhook-id"] for sent in kit.sender.tries}) == 1
    [delivery] = await kit.kiwi.webhooks.deliveries(ada.id)
    assert (delivery.status, delivery.last_error) == (
        DeliveryStatus.GIVEN_UP,
        "timed out after 10 s",
    )
    await kit.kiwi.webhooks.resend(delivery.id)
    await kit.work()
    [delivery] = await kit.kiwi.webhooks.deliveries(ada.id)
    assert delivery.status is DeliveryStatus.DELIVERED


async def test_410_stops_the_address(kit: Kit, ada: Account) -> None:
    await kit.kiwi.webhooks.set(ada.id, URL)
    kit.sender.will_answer(Answered(410))
    await receive_a_code(kit, ada)
    await receive_a_code(kit, ada)
    assert len(kit.sender.tries) == 1
    [delivery] = await kit.kiwi.webhooks.deliveries(ada.id)
    assert delivery.status is DeliveryStatus.GIVEN_UP
    await kit.kiwi.webhooks.set(ada.id, URL)
    await receive_a_code(kit, ada)
    assert len(kit.sender.tries) == 2


async def test_after_a_rotation_both_secrets_sign_for_a_day(kit: Kit, ada: Account) -> None:
    _, old = await kit.kiwi.webhooks.set(ada.id, URL)
    _, new = await kit.kiwi.webhooks.rotate(ada.id)
    assert old != new
    await receive_a_code(kit, ada)
    kit.clock.advance(24 * 3600)
    await receive_a_code(kit, ada)
    signatures = [len(sent.headers["webhook-signature"].split()) for sent in kit.sender.tries]
    assert signatures == [2, 1]


async def test_changing_the_address_keeps_the_secret(kit: Kit, ada: Account) -> None:
    _, secret = await kit.kiwi.webhooks.set(ada.id, URL)
    assert await kit.kiwi.webhooks.set(ada.id, URL + "2") == (await kit.kiwi.webhooks.show(ada.id))
    assert (await kit.kiwi.webhooks.show(ada.id))[1] == secret


async def test_a_cleared_address_is_called_no_more(kit: Kit, ada: Account) -> None:
    await kit.kiwi.webhooks.set(ada.id, URL)
    kit.sender.will_answer(Answered(500))
    await receive_a_code(kit, ada)
    await kit.kiwi.webhooks.clear(ada.id)
    kit.clock.advance(60)
    await kit.work()
    assert len(kit.sender.tries) == 1
    [delivery] = await kit.kiwi.webhooks.deliveries(ada.id)
    assert delivery.status is DeliveryStatus.GIVEN_UP
    with pytest.raises(WebhookNotFound):
        await kit.kiwi.webhooks.show(ada.id)


async def test_a_test_is_sent_at_once(kit: Kit, ada: Account) -> None:
    with pytest.raises(WebhookNotFound):
        await kit.kiwi.webhooks.test(ada.id)
    await kit.kiwi.webhooks.set(ada.id, URL)
    kit.sender.will_answer(Answered(404))
    delivery = await kit.kiwi.webhooks.test(ada.id)
    assert (delivery.event, delivery.attempts, delivery.last_error) == (
        "webhook.test",
        1,
        "HTTP 404",
    )


async def test_a_test_that_failed_is_given_up_at_once_each_time(kit: Kit, ada: Account) -> None:
    await kit.kiwi.webhooks.set(ada.id, URL)
    kit.sender.will_answer(Answered(500))
    tested = await kit.kiwi.webhooks.test(ada.id)
    assert tested.status is DeliveryStatus.GIVEN_UP
    kit.sender.will_answer(Answered(500))
    await kit.kiwi.webhooks.resend(tested.id)
    await kit.work()
    [delivery] = await kit.kiwi.webhooks.deliveries(ada.id)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.GIVEN_UP, 2)
    kit.clock.advance(3600)
    await kit.work()
    assert len(kit.sender.tries) == 2


async def test_what_cannot_be_an_address_is_refused(kit: Kit, ada: Account) -> None:
    for url in ("ftp://example.com", "https://", "https://a:b@example.com", "x"):
        with pytest.raises(ValidationRefused):
            await kit.kiwi.webhooks.set(ada.id, url)
    with pytest.raises(ApiKeyNotFound):
        await kit.kiwi.webhooks.set(ada.id, URL, key_prefix=KeyPrefix("nobody's"))
    with pytest.raises(DeliveryNotFound):
        await kit.kiwi.webhooks.resend(DeliveryId("nothing"))
