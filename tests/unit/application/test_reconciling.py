"""Upstream's balance moves by what was bought there, and whatever else moved it is seen."""

import asyncio
from datetime import timedelta

import pytest
from attrs import evolve

from kiwisms.application.errors import ProviderFailed
from kiwisms.application.reconciling import Reconciled
from kiwisms.domain.account import Account
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.reconciliation import BooksInMotion
from kiwisms.ports.provider import Unknown
from kiwisms.testing.kit import Kit


async def reconcile(kit: Kit, topped_up: str = "0") -> Reconciled:
    """Compare, and let the time pass that it waits for."""
    work = asyncio.create_task(kit.kiwi.reconciling.run(topped_up=Money.parse(topped_up)))
    while not work.done():
        for _ in range(10):
            await asyncio.sleep(0)
        kit.clock.advance(1)
    return await work


async def test_the_first_run_takes_note(kit: Kit) -> None:
    found = await reconcile(kit)
    assert (found.earlier, found.difference) == (None, ZERO)
    assert await kit.store.last_reading() == found.reading


async def test_what_was_bought_and_given_back_is_explained(kit: Kit, ada: Account) -> None:
    await reconcile(kit)
    rentals = [await kit.kiwi.rentals.rent(ada.id, service=name) for name in ("go", "wa", "am")]
    await kit.kiwi.rentals.cancel(ada.id, rentals[0].id)
    found = await reconcile(kit)
    assert (str(found.reading.balance), found.difference) == ("99.195", ZERO)
    kit.clock.advance(1200)
    await kit.work()
    found = await reconcile(kit)
    assert (str(found.reading.balance), found.difference) == ("100.00", ZERO)
    kit.provider.upstream.balance += Money.parse("50")
    assert (await reconcile(kit, "50")).difference == ZERO
    assert (await reconcile(kit)).difference == ZERO


async def test_a_lost_number_is_missing_and_its_incident_may_explain_it(
    kit: Kit, ada: Account
) -> None:
    await reconcile(kit)
    kit.provider.on_rent.next(Unknown("lost"), acts=True)
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    found = await reconcile(kit)
    (incident,) = await kit.kiwi.incidents.all()
    assert str(found.difference) == "-0.30"
    assert [each.id for each in found.incidents] == [incident.id]
    # It runs out without a code, and so the money comes back.
    kit.clock.advance(1200)
    await kit.work()
    found = await reconcile(kit)
    assert str(found.difference) == "0.30"
    assert [each.id for each in found.incidents] == [incident.id]
    await kit.kiwi.incidents.resolve(incident.id, note="it came back")
    assert len((await reconcile(kit)).incidents) == 1
    found = await reconcile(kit)
    assert (found.difference, found.incidents) == (ZERO, [])


async def test_a_silent_number_keeps_the_books_in_motion_until_it_is_given_up(
    kit: Kit, ada: Account
) -> None:
    await reconcile(kit)
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.deliver("0042")
    kit.provider.on_look.next(Unknown("garbage"), times=100)
    kit.clock.advance(1800)
    await kit.work()
    with pytest.raises(BooksInMotion):
        await reconcile(kit)
    await kit.kiwi.rentals.give_up(rental.id, reason="the provider has lost it")
    found = await reconcile(kit)
    assert str(found.difference) == "-0.30"
    (named,) = found.incidents
    assert named.activation_id == rental.activation_id


async def test_a_top_up_that_nobody_told_of_is_seen(kit: Kit) -> None:
    await reconcile(kit)
    kit.provider.upstream.balance += Money.parse("5")
    assert str((await reconcile(kit)).difference) == "5.00"
    assert str((await reconcile(kit, "5")).difference) == "-5.00"


async def test_a_number_that_upstream_did_not_price_is_counted(kit: Kit, ada: Account) -> None:
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    async with kit.store.transaction(ada.id) as tx:
        tx.save(evolve(rental, cost=None))
    assert (await reconcile(kit)).uncosted == 1


async def test_nothing_is_read_while_a_number_is_asked_for(kit: Kit, ada: Account) -> None:
    async def meanwhile() -> None:
        with pytest.raises(BooksInMotion):
            await reconcile(kit)

    kit.provider.on_rent.next(meanwhile=meanwhile)
    await kit.kiwi.rentals.rent(ada.id, service="go")
    assert kit.provider.on_balance.calls == 0
    assert await kit.store.last_reading() is None


async def test_nothing_is_read_while_a_session_ends(kit: Kit, ada: Account) -> None:
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.clock.advance((rental.expires_at - kit.clock.now() - timedelta(seconds=3)).total_seconds())
    with pytest.raises(BooksInMotion):
        await reconcile(kit)
    await kit.work()
    assert (await reconcile(kit)).difference == ZERO


async def test_what_is_bought_meanwhile_makes_it_read_again(kit: Kit, ada: Account) -> None:
    await reconcile(kit)

    async def rent() -> None:
        await kit.kiwi.rentals.rent(ada.id, service="go")

    kit.provider.on_balance.next(times=3, meanwhile=rent)
    assert (await reconcile(kit)).difference == ZERO
    assert kit.provider.on_balance.calls == 5


async def test_a_balance_that_is_not_told_keeps_nothing(kit: Kit) -> None:
    kit.provider.on_balance.next(Unknown("lost"))
    with pytest.raises(ProviderFailed):
        await reconcile(kit)
    with pytest.raises(ValidationRefused):
        await reconcile(kit, "-1")
    assert await kit.store.last_reading() is None
