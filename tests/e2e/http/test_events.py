"""What happens over HTTP is told to a receiver over HTTP, as the served contract says."""

import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any

from aiohttp import web
from attrs import field, frozen
from jsonschema_rs import Draft202012Validator

from kiwisms.entrypoints.http.openapi import ADDITIONS, CONTRACT, merged
from tests.e2e.http.site import WIDE, Site, open_site

OPEN = replace(WIDE, webhook_allow_private=True)


@frozen
class Receiver:
    """Keeps what it is sent, and answers as it is told, or else 204."""

    heard: list[tuple[str, bytes]] = field(factory=list)
    answers: list[int] = field(factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append((request.headers["X-Webhook-Signature"], await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 204)


@asynccontextmanager
async def listening(receiver: Receiver) -> AsyncIterator[str]:
    runner = web.AppRunner(web.Application())
    runner.app.router.add_post("/hook", receiver.hear)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()


async def post_what_is_due(site: Site) -> None:
    for delivery in await site.kiwi.background.claim_deliveries(9):
        await site.kiwi.background.deliver(delivery)


def assert_is_declared(name: str, body: dict[str, Any]) -> None:
    document = merged(CONTRACT, ADDITIONS)
    post = document["x-webhooks"][name]["post"]
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(body)


async def test_a_cancel_and_a_low_wallet_reach_the_receiver() -> None:
    receiver = Receiver(answers=[500])
    async with listening(receiver) as url, open_site("memory://", OPEN) as site:
        ada = await site.customer("5.00")
        _, secret = await site.kiwi.webhooks.set(
            ada.account_id, url, events="rental.cancelled,wallet.low", low="5.00"
        )
        rental = (await ada.rent()).json["rental"]
        await post_what_is_due(site)
        site.clock.advance(10)
        await post_what_is_due(site)
        cancelled = await ada.ask("POST", f"/rentals/{rental['id']}/cancel")
        assert cancelled.status == 200
        await post_what_is_due(site)
        deliveries = await site.kiwi.webhooks.deliveries(ada.account_id)

    for signature, body in receiver.heard:
        assert signature == hmac.new(secret.encode(), body, sha256).hexdigest()
    failed, low, ended = [json.loads(body) for _, body in receiver.heard]
    assert failed == low
    assert (low["event"], low["balance"], low["threshold"]) == ("wallet.low", 4.61, 5)
    assert_is_declared("walletLow", low)
    assert (ended["event"], ended["rentalId"]) == ("rental.cancelled", rental["id"])
    assert (ended["status"], ended["price"]) == ("CANCELLED", rental["price"])
    assert_is_declared("rentalCancelled", ended)
    assert [[each.error for each in delivery.failures] for delivery in deliveries] == [
        [],
        ["HTTP 500"],
    ]
