"""The operator's commands and the customers' requests at the same time, on one store."""

import asyncio
from collections import Counter

from kiwisms.domain.money import Money, cents
from tests.e2e.cli.programs import Kiwi, Upstream
from tests.e2e.cli.shop import Buyer, new_key, serving

WIDE = {
    "KIWISMS_CANCELS_PER_HOUR": "0",
    "KIWISMS_MAX_ACTIVE_RENTALS": "9999",
    "KIWISMS_PROVIDER_MAX_WAITING": "9999",
    "KIWISMS_RATE_READ_PER_MINUTE": "99999",
    "KIWISMS_RATE_RENT_PER_MINUTE": "99999",
}
AT_ONCE = 10
PRICE = cents(39)


async def rent_and_return(buyer: Buyer) -> int:
    """Rent, and give every second number back; 1 for a number that is kept."""
    status, document = await buyer.rent()
    assert status == 201, document
    rental_id = document["rental"]["id"]
    if int(document["rental"]["externalId"]) % 2:
        return 1
    status, _ = await buyer.ask("POST", f"/rentals/{rental_id}/cancel")
    assert status == 200
    return 0


async def test_money_comes_and_goes_by_command_while_customers_rent(
    shop: Kiwi, provider: Upstream
) -> None:
    await provider.post("settings", balance="1000", most_waiting=9999)
    key = await new_key(shop, balance="1000.00")
    wallet = ("wallet", "credit", "ada@example.com")
    commands = [
        (*wallet, "1.00", "--reason", "top-up", "--reference", "invoice-1"),
        (*wallet, "1.00", "--reason", "top-up", "--reference", "invoice-1"),
        (*wallet, "0.01", "--reason", "drop"),
        ("wallet", "debit", "ada@example.com", "0.50", "--reason", "fee"),
        ("ledger", "audit"),
        ("keys", "create", "ada@example.com"),
    ]
    async with serving(shop, key, **WIDE) as (_, ada):
        telling = asyncio.gather(*(shop.tell(*each) for each in commands))
        kept = 0
        while not telling.done():
            kept += sum(await asyncio.gather(*(rent_and_return(ada) for _ in range(AT_ONCE))))
        await telling
        balance = await ada.balance()
    async with shop.office() as office:
        account = await office.accounts.find("ada@example.com")
        now = await office.wallet.balance(account.id)
        assert now.held == Money(PRICE.micros * kept)
        assert now.available == Money.parse("1000.51") - now.held
        assert str(now.available) == f"{balance:.2f}"
        assert (await office.wallet.audit()).violations == ()
        rentals = await office.rentals.all(limit=100_000)
    upstream = (await provider.state())["activations"]
    assert Counter(each["state"] for each in upstream)["WAITING"] == kept
    assert {rental.activation_id for rental in rentals} == {each["id"] for each in upstream}
