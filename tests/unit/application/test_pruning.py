"""What is older than the operator wants to keep goes by itself, and without a wish nothing does."""

from datetime import timedelta

from kiwisms.domain.account import Account
from kiwisms.domain.terms import Terms
from kiwisms.testing.kit import Kit


async def entries(kit: Kit, account: Account) -> int:
    return len(await kit.store.trail(account.id, limit=99))


async def test_what_is_too_old_goes_in_the_background_within_the_hour() -> None:
    kit = Kit(terms=Terms(keep_days=2))
    ada = await kit.customer("10.00")
    before = await entries(kit, ada)
    kit.clock.advance(timedelta(days=2).total_seconds() - 60)
    await kit.kiwi.background.prune()
    assert await entries(kit, ada) == before
    kit.clock.advance(120)
    await kit.kiwi.background.prune()
    assert await entries(kit, ada) == before
    kit.clock.advance(timedelta(hours=1).total_seconds())
    await kit.kiwi.background.prune()
    assert await entries(kit, ada) == 0
    assert (await kit.kiwi.wallet.balance(ada.id)).available.micros == 10_000_000


async def test_without_a_wish_all_is_kept_for_ever() -> None:
    kit = Kit()
    ada = await kit.customer("10.00")
    before = await entries(kit, ada)
    kit.clock.advance(timedelta(days=36_500).total_seconds())
    await kit.kiwi.background.prune()
    assert await entries(kit, ada) == before > 0
