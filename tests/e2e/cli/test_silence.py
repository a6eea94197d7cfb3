"""What an operator sees and does of a number about which the provider is silent."""

import signal
from datetime import UTC, datetime, timedelta

import kiwisms
from kiwisms.testing.clock import ManualClock
from tests.e2e.cli.programs import Kiwi, Upstream, until
from tests.e2e.cli.shop import new_key, serving

ADA = "ada@example.com"
REASON = "the provider closed our account"
REVOKED = {"KIWISMS_PROVIDER_KEY": "revoked"}
LONG_AGO = timedelta(hours=2)


async def rent_long_ago(shop: Kiwi, provider: Upstream, ago: timedelta = LONG_AGO) -> str:
    """Rent a number whose session has been over for long, and which upstream still has."""
    clock = ManualClock(datetime.now(UTC) - ago)
    sms = kiwisms.DaisySMS(provider.url, provider.key)
    async with kiwisms.open(shop.store_url, provider=sms, clock=clock, background=False) as kiwi:
        ada = await kiwi.accounts.create(ADA)
        await kiwi.wallet.credit(ada.id, "10.00", reason="top-up")
        return (await kiwi.rentals.rent(ada.id, service="go")).id


async def held(shop: Kiwi) -> str:
    """What is held of Ada's money."""
    amount: str = (await shop.tell("wallet", "statement", ADA))["held"]
    return amount


async def test_the_operator_is_told_of_a_silent_number_and_gives_it_up(
    shop: Kiwi, provider: Upstream
) -> None:
    rental = await rent_long_ago(shop, provider)
    number = (await shop.tell("rentals", "show", rental))["externalId"]
    other = await new_key(shop, "bob@example.com")
    async with serving(shop, other, **REVOKED) as (server, buyer):
        (told,) = await until(lambda: shop.tell("incidents", "list", "--open"), bool)
        assert (told["kind"], told["externalId"]) == ("PROVIDER_SILENT", number)
        assert "BAD_KEY" in told["detail"]
        async with buyer.session.get("/metrics") as metrics:
            assert "kiwisms_open_incidents 1.0" in await metrics.text()
        examined = await shop.run("doctor", "--json", **REVOKED)
        details = {each["name"]: each["detail"] for each in examined.document["checks"]}
        assert details["incidents"].startswith("1 open")
        assert details["provider key"].startswith("the provider refuses the key")
        assert await held(shop) == "0.39"

        given_up = await shop.run(
            "rentals", "give-up", rental, "--reason", REASON, "--json", **REVOKED
        )
        assert given_up.status == 0
        assert given_up.document["status"] == "EXPIRED"
        log = (await server.end(signal.SIGTERM)).err
    assert f"rental {rental} is over, and upstream does not report how: BAD_KEY" in log
    assert await held(shop) == "0.00"
    told = [(line["by"], line["what"]) for line in given_up.document["timeLine"]]
    assert ("operator", "EXPIRED") in told
    assert ("operator", "RENTAL_GIVEN_UP") in told
    (lost,) = await shop.tell("incidents", "list", "--open")
    assert (lost["kind"], lost["externalId"]) == ("GIVEN_UP", number)
    assert lost["detail"] == f"upstream may have charged for it: {REASON}"
    trail = {line["action"]: line for line in await shop.tell("trail", ADA)}
    assert trail["RENTAL_GIVEN_UP"]["by"] == "operator"
    assert trail["RENTAL_GIVEN_UP"]["detail"] == REASON
    assert (await shop.tell("ledger", "audit"))["balanced"] is True
    why = await shop.fail("rentals", "give-up", rental, "--reason", REASON)
    assert why.startswith("Rental cannot be given up")


async def test_a_provider_that_answers_after_all_is_believed(
    shop: Kiwi, provider: Upstream
) -> None:
    rental = await rent_long_ago(shop, provider)
    await provider.post("messages", code="0042")
    ended = await shop.tell("rentals", "give-up", rental, "--reason", REASON)
    assert (ended["status"], ended["messages"][0]["code"]) == ("COMPLETED", "0042")
    assert await shop.tell("incidents", "list") == []
    assert "RENTAL_GIVEN_UP" not in {line["what"] for line in ended["timeLine"]}


async def test_a_session_that_has_just_ended_is_not_given_up(
    shop: Kiwi, provider: Upstream
) -> None:
    rental = await rent_long_ago(shop, provider, ago=timedelta(minutes=21))
    why = await shop.fail("rentals", "give-up", rental, "--reason", REASON)
    assert why.startswith("Rental cannot be given up")
    assert await shop.fail("rentals", "give-up", "r-9", "--reason", REASON) == "Rental not found"
    assert (await shop.tell("rentals", "show", rental))["status"] == "WAITING"
