"""Whatever changes money or state says who did it, in the same transaction, and tells no secret."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kiwisms.domain.account import Account
from kiwisms.domain.actors import OPERATOR
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import KeyPrefix
from kiwisms.domain.order import Order
from kiwisms.domain.trail import Action
from kiwisms.entrypoints.engine import join
from kiwisms.ports.provider import Unknown
from kiwisms.ports.webhooks import Answered
from kiwisms.testing.kit import CATALOG_AGE, Kit
from tests.held_call import HeldCall

ADDRESS = "https://example.com/hook/secret-path?token=secret-token"
Act = Callable[[Kit, Account], Awaitable[None]]


async def create(_kit: Kit, _eve: Account) -> None:
    """The account is created already."""


async def suspend(kit: Kit, eve: Account) -> None:
    await kit.kiwi.accounts.suspend(eve.id, reason="fraud")


async def reinstate(kit: Kit, eve: Account) -> None:
    await kit.kiwi.accounts.reinstate(eve.id)


async def credit(kit: Kit, eve: Account) -> None:
    for _ in range(2):
        await kit.kiwi.wallet.credit(eve.id, "10.00", reason="top-up", reference="r")


async def debit(kit: Kit, eve: Account) -> None:
    await kit.kiwi.wallet.debit(eve.id, "1.00", reason="payout")


async def create_key(kit: Kit, eve: Account) -> None:
    await kit.kiwi.keys.create(eve.id, label="server")


async def revoke_key(kit: Kit, eve: Account) -> None:
    [key] = await kit.kiwi.keys.all(eve.id)
    for _ in range(2):
        await kit.kiwi.keys.revoke(key.prefix)


async def set_webhook(kit: Kit, eve: Account) -> None:
    await kit.kiwi.webhooks.set(eve.id, ADDRESS)


async def rotate_webhook(kit: Kit, eve: Account) -> None:
    await kit.kiwi.webhooks.rotate(eve.id)


async def resend(kit: Kit, eve: Account) -> None:
    delivery = await kit.kiwi.webhooks.test(eve.id)
    await kit.kiwi.webhooks.resend(delivery.id)


async def stop_webhook(kit: Kit, eve: Account) -> None:
    kit.sender.will_answer(Answered(410))
    await kit.kiwi.webhooks.test(eve.id)


async def clear_webhook(kit: Kit, eve: Account) -> None:
    await kit.kiwi.webhooks.clear(eve.id)


async def resolve(kit: Kit, eve: Account) -> None:
    kit.provider.on_rent.next(Unknown("lost"))
    with pytest.raises(KiwismsError):
        await kit.kiwi.rentals.rent(eve.id, service="go")
    [incident] = await kit.kiwi.incidents.all()
    await kit.kiwi.incidents.resolve(incident.id, note="not charged")


async def give_up(kit: Kit, eve: Account) -> None:
    rental = await kit.kiwi.rentals.rent(eve.id, service="go")
    kit.clock.advance(1800)
    kit.provider.on_look.next(Unknown("lost"), times=2)
    await kit.work()
    await kit.kiwi.rentals.give_up(rental.id, reason="the provider is closed")


ACTS: dict[Action, Act] = {
    Action.ACCOUNT_CREATED: create,
    Action.WALLET_CREDITED: credit,
    Action.WALLET_DEBITED: debit,
    Action.KEY_CREATED: create_key,
    Action.KEY_REVOKED: revoke_key,
    Action.WEBHOOK_SET: set_webhook,
    Action.WEBHOOK_ROTATED: rotate_webhook,
    Action.DELIVERY_RESENT: resend,
    Action.WEBHOOK_STOPPED: stop_webhook,
    Action.WEBHOOK_CLEARED: clear_webhook,
    Action.INCIDENT_RESOLVED: resolve,
    Action.ACCOUNT_SUSPENDED: suspend,
    Action.ACCOUNT_REINSTATED: reinstate,
    Action.RENTAL_GIVEN_UP: give_up,
}


async def test_every_action_leaves_one_entry_and_no_secret(kit: Kit) -> None:
    # What a vault without keys seals again is as it was.
    assert ACTS.keys() == set(Action) - {Action.WEBHOOK_RESEALED}
    eve = await kit.kiwi.accounts.create("eve@example.com", password="correct horse")
    for act in ACTS.values():
        kit.clock.advance(1)
        await act(kit, eve)
    entries = list(reversed(await kit.kiwi.trail.of(eve.id)))
    # With the rental that is given up, its incident is resolved: nobody asked for that.
    assert [entry.action for entry in entries] == [*ACTS, Action.INCIDENT_RESOLVED]
    assert entries.pop().by == "worker"
    by = {entry.action: entry.by for entry in entries}
    assert by.pop(Action.WEBHOOK_STOPPED) == "worker"
    assert set(by.values()) == {"app"}
    words = " ".join(f"{entry.subject} {entry.detail}" for entry in entries)
    assert "https://example.com" in words
    for secret in ("secret-path", "secret-token", "whsec_", "lsms_", "correct horse"):
        assert secret not in words


async def test_what_fails_leaves_no_entry(kit: Kit, ada: Account) -> None:
    before = await kit.kiwi.trail.of(ada.id)
    with pytest.raises(KiwismsError):
        await kit.kiwi.wallet.debit(ada.id, "1000000.00", reason="payout")
    with pytest.raises(KiwismsError):
        await kit.kiwi.accounts.suspend(ada.id, reason=" ")
    assert await kit.kiwi.trail.of(ada.id) == before


async def test_who_acts_can_be_said(kit: Kit, ada: Account) -> None:
    office = join(
        kit.kiwi.ports, kit.terms, catalog_age=CATALOG_AGE, push_secrets=["s"], by=OPERATOR
    )
    await office.accounts.suspend(ada.id, reason="fraud")
    newest = (await office.trail.of(ada.id, limit=1))[0]
    assert (newest.by, newest.action, newest.detail) == ("operator", "ACCOUNT_SUSPENDED", "fraud")


async def test_a_rental_is_told_in_the_order_of_time(kit: Kit, ada: Account) -> None:
    await kit.kiwi.webhooks.set(ada.id, ADDRESS)
    order = Order.parse(service="go")
    rental = (await kit.kiwi.rentals.order(ada.id, order, key_prefix=KeyPrefix("p1"))).rental
    kit.clock.advance(5)
    kit.provider.deliver("0042")
    await kit.work()
    [delivery] = await kit.kiwi.webhooks.deliveries(ada.id)
    kit.clock.advance(5)
    await kit.kiwi.webhooks.resend(delivery.id)
    kit.clock.advance(5)
    ended = await kit.kiwi.rentals.done(ada.id, rental.id, by="p1")
    lines = [(line.by, line.what) for line in await kit.kiwi.trail.of_rental(ended)]
    assert lines == [
        ("p1", "REQUESTED"),
        ("p1", "WAITING"),
        ("p1", "hold"),
        ("worker", "RECEIVED"),
        ("worker", "capture"),
        (None, "sms.received"),
        ("app", "DELIVERY_RESENT"),
        ("p1", "COMPLETED"),
    ]


async def test_who_gives_a_lost_request_up_is_the_worker(kit: Kit, ada: Account) -> None:
    call = HeldCall()
    kit.provider.on_rent.next(meanwhile=call)
    renting = asyncio.create_task(kit.kiwi.rentals.rent(ada.id, service="go"))
    await call.begun.wait()
    kit.clock.advance(600)
    await kit.work()
    [rental] = await kit.kiwi.rentals.all()
    lines = [(line.by, line.what) for line in await kit.kiwi.trail.of_rental(rental)]
    assert lines == [
        ("app", "REQUESTED"),
        ("app", "hold"),
        ("worker", "FAILED"),
        ("worker", "release"),
        (None, "NOBODY_CAME_BACK"),
    ]
    assert not renting.done()
