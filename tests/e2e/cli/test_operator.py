"""What an operator does by command, with ``--json``, each command in a process of its own."""

import asyncio
import signal

from tests.e2e.cli.programs import Kiwi, Upstream, until
from tests.e2e.cli.shop import serving


async def test_the_provider(shop: Kiwi, provider: Upstream) -> None:
    told = await shop.tell("provider", "show")
    assert told["balance"] == "100.00"
    assert told["services"] > 20
    begins, _, secret = told["push_url"].rpartition("/")
    assert (begins, len(secret)) == ("http://127.0.0.1:8080/push", 64)
    public = await shop.tell("provider", "show", KIWISMS_PUBLIC_URL="https://sms.example.com/")
    assert public["push_url"] == f"https://sms.example.com/push/{secret}"
    other = await shop.tell("provider", "show", KIWISMS_SECRET_KEY="another key, of some length")
    assert not other["push_url"].endswith(secret)
    await provider.post("faults", kind="page", action="getBalance", times=1)
    assert "no sensible answer" in await shop.fail("provider", "show")
    away = await shop.fail("provider", "show", KIWISMS_PROVIDER_URL="http://127.0.0.1:1/")
    assert away == "the provider cannot be reached; check KIWISMS_PROVIDER_URL and the network"


async def test_commands_that_need_a_provider_say_so(kiwi: Kiwi) -> None:
    for command in (("serve",), ("provider", "show")):
        assert await kiwi.fail(*command) == (
            "KIWISMS_PROVIDER_URL: is not set; give the provider's handler_api address,"
            " such as https://daisysms.io/stubs/handler_api.php"
        )


async def test_the_schema_is_made_once_however_many_come(kiwi: Kiwi) -> None:
    versions = await asyncio.gather(*(kiwi.tell("migrate") for _ in range(3)))
    assert versions == [versions[0]] * 3
    assert versions[0]["version"] >= 1


async def test_the_doctor(shop: Kiwi, provider: Upstream) -> None:
    def found(document: dict[str, list[dict[str, object]]]) -> dict[object, object]:
        return {check["name"]: check["ok"] for check in document["checks"]}

    before = await shop.tell("doctor")
    assert before["ok"] is True
    assert not (shop.folder / "kiwisms.db").exists()
    await shop.tell("migrate")
    well = await shop.tell("doctor")
    names = (
        *("configuration", "store", "schema", "incidents"),
        *("provider key", "provider balance", "clock"),
    )
    assert well["ok"] is True
    assert found(well) == dict.fromkeys(names, True)

    ill = await shop.run("doctor", "--json", KIWISMS_PROVIDER_KEY="wrong-key")
    assert ill.status == 1
    assert ill.document["ok"] is False
    assert found(ill.document)["provider key"] is False
    assert "set KIWISMS_PROVIDER_KEY" in ill.err
    assert "wrong-key" not in ill.out + ill.err

    await provider.post("settings", balance="0")
    poor = await shop.run("doctor", "--json")
    assert (poor.status, found(poor.document)["provider balance"]) == (1, False)

    confused = await shop.run("doctor", "--json", KIWISMS_PROT="1")
    assert (confused.status, found(confused.document)) == (1, {"configuration": False})
    assert "did you mean KIWISMS_PORT?" in confused.err


async def test_the_doctor_looks_at_redis(shop: Kiwi, redis_url: str) -> None:
    well = await shop.tell("doctor", KIWISMS_REDIS_URL=redis_url)
    assert {"name": "redis", "ok": True, "detail": "counts for all processes"} in well["checks"]
    ill = await shop.run("doctor", "--json", KIWISMS_REDIS_URL="redis://:hunter2@127.0.0.1:1")
    assert (ill.status, ill.document["ok"]) == (1, False)
    assert "Connect call failed" in ill.err
    assert "hunter2" not in ill.out + ill.err


async def test_a_providers_own_ways_are_set(shop: Kiwi, provider: Upstream) -> None:
    await shop.tell("accounts", "create", "ada@example.com")
    await shop.tell("wallet", "credit", "ada@example.com", "5", "--reason", "x")
    key = await shop.tell("keys", "create", "ada@example.com")
    async with serving(shop, key["key"], KIWISMS_PROVIDER_PRICE_IN_JSON="1") as (_, buyer):
        await buyer.rent()
    asked = (await provider.state())["requests"]
    assert (asked["getNumberV2"], asked.get("getNumber", 0)) == (1, 0)


async def test_old_records_are_removed_as_the_setting_says(shop: Kiwi) -> None:
    await shop.tell("accounts", "create", "ada@example.com")
    assert "KIWISMS_KEEP_DAYS" in await shop.misuse("prune")
    nothing = await shop.tell("prune", "--days", "1")
    assert await shop.tell("prune", KIWISMS_KEEP_DAYS="90") == nothing
    assert set(nothing.values()) == {0}


async def test_the_secret_key_is_replaced(shop: Kiwi, provider: Upstream) -> None:
    ada, url = "ada@example.com", "https://example.com/hook"
    first, second = {"KIWISMS_SECRET_KEY": "a" * 16}, {"KIWISMS_SECRET_KEY": "b" * 16}
    both = second | {"KIWISMS_OLD_SECRET_KEY": "a" * 16}
    await shop.tell("accounts", "create", ada, **first)
    secret = (await shop.tell("webhooks", "set", ada, url, **first))["secret"]
    old_address = (await shop.tell("provider", "show", **first))["push_url"]

    locked = await shop.run("webhooks", "reseal", "--json", **second)
    assert (locked.status, locked.document["resealed"]) == (1, 0)
    assert [each["url"] for each in locked.document["locked"]] == [url]
    assert "set that key as KIWISMS_OLD_SECRET_KEY" in locked.err

    key = await shop.tell("keys", "create", ada, **first)
    await shop.tell("wallet", "credit", ada, "5", "--reason", "x", **first)
    slow = {"KIWISMS_SYNC_SECONDS": "600"}
    async with serving(shop, key["key"], **both, **slow) as (server, buyer):
        sealed = await shop.tell("webhooks", "reseal", **both)
        assert sealed == {"resealed": 1, "unchanged": 0, "locked": []}
        again = await shop.tell("webhooks", "reseal", **both)
        assert again == {"resealed": 0, "unchanged": 1, "locked": []}

        old_path = old_address[old_address.index("/push/") :]
        await provider.post("settings", push_url=server.document["address"] + old_path)
        rental = (await buyer.rent())[1]["rental"]
        await provider.post("messages", code="0042", to=rental["phone"])
        await until(lambda: buyer.ask("GET", "/rentals?sync=0"), lambda told: "0042" in str(told))
        await server.end(signal.SIGTERM)

    assert (await shop.tell("webhooks", "show", ada, **second))["secret"] == secret
    assert (await shop.tell("provider", "show", **second))["push_url"] != old_address
