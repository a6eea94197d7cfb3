"""What an operator does about lost answers and the provider's balance, command by command."""

import signal

from tests.contract.stores import open_incident
from tests.e2e.cli.programs import Kiwi, Upstream, until
from tests.e2e.cli.shop import new_key, serving

NOTE = ("--note", "in the provider's list of charges")


async def write_incident(shop: Kiwi) -> str:
    """Write an open incident, and give its id."""
    async with shop.office() as office:
        account_id = (await office.accounts.create("ada@example.com")).id
        incident = open_incident(of=account_id)
        async with office.ports.store.transaction(account_id) as tx:
            tx.save(incident)
    return incident.id


async def test_a_lost_answer_is_an_incident_with_the_balance_on_both_sides(
    shop: Kiwi, provider: Upstream
) -> None:
    await provider.post("faults", kind="down", action="getNumber", after=True)
    async with serving(shop, await new_key(shop)) as (server, buyer):
        assert (await buyer.rent())[0] == 502
        (incident,) = await until(
            lambda: shop.tell("incidents", "list", "--open"),
            lambda listed: listed[0]["balanceAfter"] is not None,
        )
        assert (await server.end(signal.SIGTERM)).status == 0
    assert (incident["kind"], incident["price"]) == ("ANSWER_LOST", "0.39")
    assert (incident["balanceBefore"], incident["balanceAfter"]) == ("100.00", "99.70")
    assert (incident["externalId"], incident["resolvedAt"]) == (None, None)


async def test_an_incident_is_shown(shop: Kiwi) -> None:
    assert await shop.tell("incidents", "list") == []
    written = await write_incident(shop)
    (listed,) = await shop.tell("incidents", "list")
    assert listed["id"] == written
    assert await shop.tell("incidents", "show", written) == listed
    assert await shop.fail("incidents", "show", "x") == "no incident 'x'"


async def test_an_incident_is_resolved_once(shop: Kiwi) -> None:
    resolve = ("incidents", "resolve", await write_incident(shop), *NOTE)
    resolved = await shop.tell(*resolve)
    assert resolved["resolution"] == "in the provider's list of charges"
    assert resolved["resolvedAt"] is not None
    assert await shop.tell("incidents", "list", "--open") == []
    assert await shop.tell("incidents", "list") == [resolved]
    assert "resolved already" in await shop.fail(*resolve)


async def test_the_doctor_counts_open_incidents_and_is_content(shop: Kiwi) -> None:
    await write_incident(shop)
    checks = {check["name"]: check for check in (await shop.tell("doctor"))["checks"]}
    assert checks["incidents"]["ok"] is True
    assert checks["incidents"]["detail"].startswith("1 open")


async def test_money_that_is_missing_is_laid_to_open_incidents(
    shop: Kiwi, provider: Upstream
) -> None:
    first = await shop.tell("reconcile")
    assert (first["balanced"], first["since"], first["difference"]) == (True, None, "0.00")
    incident = await write_incident(shop)
    await provider.post("settings", balance="99.70")
    found = await shop.run("reconcile", "--json")
    assert found.status == 1
    assert found.err == (
        "Error: the provider has 0.30 less than the books say;"
        f" these incidents may explain it: {incident}\n"
    )
    assert (found.document["balanced"], found.document["difference"]) == (False, "-0.30")
    assert [each["id"] for each in found.document["incidents"]] == [incident]


async def test_money_that_was_paid_in_is_accounted_for(shop: Kiwi, provider: Upstream) -> None:
    await shop.tell("reconcile")
    await provider.post("settings", balance="150.30")
    paid_in = await shop.tell("reconcile", "--topped-up", "50.30")
    assert (paid_in["balanced"], paid_in["toppedUp"]) == (True, "50.30")
    assert await shop.tell("reconcile") | {"at": None} == paid_in | {
        "at": None,
        "since": paid_in["at"],
        "balanceBefore": "150.30",
        "toppedUp": "0.00",
    }
    assert await shop.misuse("reconcile", "--topped-up", "much") == (
        "Invalid value for '--topped-up': 'much' is not an amount of dollars, such as 0.50"
    )


async def test_what_is_pushed_to_the_address_that_is_shown(shop: Kiwi, provider: Upstream) -> None:
    await shop.tell("accounts", "create", "ada@example.com")
    await shop.tell("wallet", "credit", "ada@example.com", "5", "--reason", "x")
    key = await shop.tell("keys", "create", "ada@example.com")
    slow = {"KIWISMS_SYNC_SECONDS": "600"}
    async with serving(shop, key["key"], **slow) as (server, buyer):
        secret = (await shop.tell("provider", "show"))["push_url"].rpartition("/")[2]
        address = server.document["address"]
        await provider.post("settings", push_url=f"{address}/push/{secret}")
        rental = (await buyer.rent())[1]["rental"]
        await provider.post("messages", code="0042")

        async def codes() -> list[str]:
            _, seen = await buyer.ask("GET", f"/rentals/{rental['id']}?sync=0")
            told: list[str] = seen["rental"]["codes"]
            return told

        assert await until(codes, bool) == ["0042"]
        assert (await provider.state())["requests"]["getStatus"] == 1
        done = await server.end(signal.SIGTERM)
        assert (done.status, secret in done.err) == (0, False)
    assert await shop.tell("incidents", "orphans") == []
