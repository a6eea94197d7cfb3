"""What an operator does by command, with ``--json``, each command in a process of its own."""

import asyncio
import signal
import sqlite3
from contextlib import closing

from aiohttp import web

import kiwisms
from kiwisms.adapters.sqlite import SqliteStore
from kiwisms.adapters.system import SystemClock
from kiwisms.domain.ids import AccountId
from kiwisms.testing.provider import FakeProvider
from tests.contract.stores import received, waiting
from tests.e2e.cli.programs import Kiwi, Upstream, until
from tests.e2e.cli.shop import serving


async def test_customers(kiwi: Kiwi) -> None:
    ada = await kiwi.tell("accounts", "create", " Ada@Example.com ")
    assert (ada["email"], ada["status"]) == ("ada@example.com", "ACTIVE")
    done = await kiwi.run(
        "accounts", "create", "bob@example.com", "--password-stdin", "--json", stdin="long enough\n"
    )
    assert done.status == 0
    assert "long enough" not in done.out
    bob = done.document
    assert await kiwi.tell("accounts", "list") == [ada, bob]
    suspended = await kiwi.tell("accounts", "suspend", bob["id"], "--reason", "abuse")
    assert suspended == bob | {"status": "SUSPENDED", "suspendedFor": "abuse"}
    assert await kiwi.tell("accounts", "reinstate", "bob@example.com") == bob

    assert "exists already" in await kiwi.fail("accounts", "create", "ada@example.com")
    assert await kiwi.fail("accounts", "create", "ada") == "email: is not an email address"
    assert await kiwi.fail("accounts", "reinstate", "eve@x.org") == "no account 'eve@x.org'"
    short = await kiwi.run("accounts", "create", "c@example.com", "--password-stdin", stdin="short")
    assert short.status == 1
    assert "8 to 1024 characters" in short.err


async def test_keys(kiwi: Kiwi) -> None:
    ada = await kiwi.tell("accounts", "create", "ada@example.com")
    new = await kiwi.tell("keys", "create", "ada@example.com", "--label", "laptop")
    assert new["key"].startswith(f"lsms_{new['prefix']}_")
    (listed,) = await kiwi.tell("keys", "list", ada["id"])
    assert (listed["prefix"], listed["label"]) == (new["prefix"], "laptop")
    assert listed["revokedAt"] is None
    assert "key" not in listed
    revoked = await kiwi.tell("keys", "revoke", new["prefix"])
    assert revoked["revokedAt"] is not None
    assert await kiwi.tell("keys", "list", ada["id"]) == [revoked]
    assert await kiwi.fail("keys", "revoke", "nonsense") == "no API key 'nonsense'"


async def test_money(kiwi: Kiwi) -> None:
    ada = await kiwi.tell("accounts", "create", "ada@example.com")
    top_up = ("wallet", "credit", "ada@example.com", "10.00", "--reason", "top-up")
    wallet = {"accountId": ada["id"], "balance": "10.00", "held": "0.00"}
    for _ in range(2):
        assert await kiwi.tell(*top_up, "--reference", "invoice-1") == wallet
    reused = ("wallet", "credit", ada["id"], "11", "--reason", "x", "--reference", "invoice-1")
    assert await kiwi.fail(*reused) == "reference 'invoice-1' was already applied, to 10.00"
    debited = await kiwi.tell("wallet", "debit", ada["id"], "2.5", "--reason", "payout")
    assert debited["balance"] == "7.50"
    assert await kiwi.fail("wallet", "debit", ada["id"], "8", "--reason", "payout") == (
        "Insufficient balance"
    )
    assert "whole cents" in await kiwi.fail("wallet", "credit", ada["id"], "1.001", "--reason", "x")
    statement = await kiwi.tell("wallet", "statement", "ada@example.com")
    assert (statement["balance"], statement["held"]) == ("7.50", "0.00")
    assert [(line["reason"], line["amount"], line["balance"]) for line in statement["lines"]] == [
        ("top-up", "10.00", "10.00"),
        ("payout", "2.50", "7.50"),
    ]
    csv = await kiwi.run("wallet", "statement", "ada@example.com", "--csv")
    first, second, third = csv.out.splitlines()
    assert first == "number,at,reason,debit,credit,amount,balance,held,id"
    assert second.startswith("1,")
    assert second.endswith(",top-up,FUNDING,AVAILABLE,10.00,10.00,0.00,credit:invoice-1")
    assert ",payout,AVAILABLE,FUNDING,2.50,7.50,0.00,debit:" in third


async def test_webhooks(kiwi: Kiwi) -> None:
    heard: list[bytes] = []

    async def hear(request: web.Request) -> web.Response:
        heard.append(await request.read())
        return web.Response(status=204 if request.path == "/good" else 500)

    runner = web.AppRunner(web.Application())
    runner.app.router.add_post("/{what}", hear)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    private = {"KIWISMS_WEBHOOK_ALLOW_PRIVATE": "1"}
    try:
        await kiwi.tell("accounts", "create", "ada@example.com")
        key = await kiwi.tell("keys", "create", "ada@example.com")
        ada, of_key = "ada@example.com", ("--key", key["prefix"])
        address = await kiwi.tell("webhooks", "set", ada, f"{base}/good")
        assert address["url"] == f"{base}/good"
        assert address["secret"].startswith("whsec_")
        assert await kiwi.tell("webhooks", "show", ada) == address
        own = await kiwi.tell("webhooks", "set", ada, f"{base}/bad", *of_key)
        assert own["keyPrefix"] == key["prefix"]
        assert own["secret"] != address["secret"]
        rotated = await kiwi.tell("webhooks", "rotate", ada)
        assert rotated["secret"] not in {address["secret"], own["secret"]}

        tried = await kiwi.tell("webhooks", "test", ada, **private)
        assert (tried["event"], tried["status"], tried["attempts"]) == (
            "webhook.test",
            "DELIVERED",
            1,
        )
        assert b'"webhook.test"' in heard[0]
        failed = await kiwi.run("webhooks", "test", ada, *of_key, "--json", **private)
        assert failed.status == 1
        assert failed.err == "Error: the test event did not arrive: HTTP 500\n"
        assert (failed.document["status"], failed.document["attempts"]) == ("GIVEN_UP", 1)
        [failure] = failed.document["failures"]
        assert failure["error"] == failed.document["lastError"] == "HTTP 500"
        assert failure["at"] >= failed.document["createdAt"]

        newest = await kiwi.tell("webhooks", "deliveries", ada)
        assert newest == [failed.document, tried]
        assert {"id", "event", "rentalId", "status", "attempts"} <= newest[0].keys()
        assert await kiwi.tell("webhooks", "deliveries", ada, "--limit", "1") == newest[:1]
        table = (await kiwi.run("webhooks", "deliveries", ada)).out.splitlines()
        assert table[0].split()[-1] == "failures"
        assert table[1].endswith(f"{failure['at']} HTTP 500")
        again = await kiwi.tell("webhooks", "resend", tried["id"])
        assert (again["id"], again["status"]) == (tried["id"], "PENDING")

        assert (await kiwi.tell("webhooks", "clear", ada))["url"] == f"{base}/good"
        assert await kiwi.fail("webhooks", "show", ada) == "no webhook address is set"
        assert await kiwi.fail("webhooks", "set", ada, "ftp://h") == (
            "url: must be an http:// or https:// address"
        )
        assert await kiwi.fail("webhooks", "resend", "x") == "no delivery 'x'"
    finally:
        await runner.cleanup()


async def test_the_events_of_an_address(kiwi: Kiwi) -> None:
    ada, url = "ada@example.com", "https://ada.example.com/hook"
    await kiwi.tell("accounts", "create", ada)
    address = await kiwi.tell("webhooks", "set", ada, url)
    assert (address["events"], address["low"]) == (["sms.received"], None)
    more = ("--events", "wallet.low,sms.received", "--low", "5")
    asked = address | {"events": ["sms.received", "wallet.low"], "low": "5.00"}
    assert await kiwi.tell("webhooks", "set", ada, url, *more) == asked
    assert await kiwi.tell("webhooks", "set", ada, url) == asked
    assert await kiwi.tell("webhooks", "show", ada) == asked
    shown = (await kiwi.run("webhooks", "show", ada)).out.splitlines()
    assert "events     sms.received, wallet.low" in shown
    assert await kiwi.fail("webhooks", "set", ada, url, "--events", "sms.sent") == (
        "events: sms.sent is unknown: must be some of sms.received, rental.expired,"
        " rental.cancelled, rental.completed, wallet.low"
    )


async def test_rentals(kiwi: Kiwi) -> None:
    provider = FakeProvider(SystemClock())
    async with kiwisms.open(kiwi.store_url, provider=provider, background=False) as program:
        ada = await program.accounts.create("ada@example.com")
        await program.wallet.credit(ada.id, "10.00", reason="top-up")
        first, second = [await program.rentals.rent(ada.id, service="go") for _ in range(2)]
        provider.deliver("0042", text="code: 0042", to=second.activation_id)
        await program.rentals.done(ada.id, second.id)
    newest = await kiwi.tell("rentals", "list")
    assert [(each["id"], each["status"], each["codes"]) for each in newest] == [
        (second.id, "COMPLETED", 1),
        (first.id, "WAITING", 0),
    ]
    of_ada = ("--account", "ada@example.com", "--status", "completed")
    assert await kiwi.tell("rentals", "list", *of_ada) == newest[:1]
    shown = await kiwi.tell("rentals", "show", second.id)
    assert [each["text"] for each in shown["messages"]] == ["code: 0042"]
    assert [each["status"] for each in shown["history"]] == [
        "REQUESTED",
        "WAITING",
        "RECEIVED",
        "COMPLETED",
    ]
    told = [(line["by"], line["what"]) for line in shown["timeLine"]]
    assert told == [
        ("app", "REQUESTED"),
        ("app", "hold"),
        ("app", "WAITING"),
        ("app", "RECEIVED"),
        ("app", "capture"),
        ("app", "COMPLETED"),
    ]
    trail = await kiwi.tell("trail", "ada@example.com")
    assert [(entry["by"], entry["action"]) for entry in trail] == [
        ("app", "WALLET_CREDITED"),
        ("app", "ACCOUNT_CREATED"),
    ]
    await kiwi.tell("accounts", "suspend", "ada@example.com", "--reason", "fraud")
    newest = (await kiwi.tell("trail", "ada@example.com", "--limit", "1"))[0]
    assert (newest["by"], newest["detail"]) == ("operator", "fraud")


async def test_as_many_rentals_are_listed_as_are_asked_for(kiwi: Kiwi) -> None:
    ada = AccountId((await kiwi.tell("accounts", "create", "ada@example.com"))["id"])
    async with SqliteStore(kiwi.folder / "kiwisms.db") as store, store.transaction(ada) as tx:
        tx.save(*(waiting(f"r-{number}", ada) for number in range(2)), received("r-2", ada))
    listed = await kiwi.tell("rentals", "list")
    assert [(line["id"], line["status"], line["codes"]) for line in listed] == [
        ("r-2", "RECEIVED", 2),
        ("r-1", "WAITING", 0),
        ("r-0", "WAITING", 0),
    ]
    assert await kiwi.tell("rentals", "list", "--limit", "1") == listed[:1]
    some = ("--account", "ada@example.com", "--status", "waiting")
    assert await kiwi.tell("rentals", "list", *some) == listed[1:]
    shown = await kiwi.tell("rentals", "show", "r-2")
    assert [message["code"] for message in shown["messages"]] == ["0042", "7"]
    assert await kiwi.fail("rentals", "show", "r-9") == "Rental not found"


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


async def test_the_books(kiwi: Kiwi) -> None:
    await kiwi.tell("accounts", "create", "ada@example.com")
    await kiwi.tell("wallet", "credit", "ada@example.com", "5", "--reason", "x")
    good = {"balanced": True, "accounts": 1, "transfers": 1, "violations": []}
    assert await kiwi.tell("ledger", "audit") == good
    with closing(sqlite3.connect(kiwi.folder / "kiwisms.db")) as db:
        db.execute("UPDATE wallet SET available = available + 10000")
        db.commit()
    done = await kiwi.run("ledger", "audit", "--json")
    assert done.status == 1
    assert done.err == "Error: the books are wrong in 1 places\n"
    assert done.document["balanced"] is False
    (violation,) = done.document["violations"]
    assert violation["law"] == "available is the sum of its transfers"
    assert (violation["expected"], violation["found"]) == ("5.00", "5.01")


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


async def lose_a_number(shop: Kiwi, provider: Upstream) -> None:
    """Rent a number whose answer is lost."""
    await shop.tell("accounts", "create", "ada@example.com")
    await shop.tell("wallet", "credit", "ada@example.com", "5", "--reason", "x")
    key = await shop.tell("keys", "create", "ada@example.com")
    await provider.post("faults", kind="down", action="getNumber", after=True)
    async with serving(shop, key["key"]) as (server, buyer):
        assert (await buyer.rent())[0] == 502
        found = await until(
            lambda: shop.tell("incidents", "list"),
            lambda listed: listed[0]["balanceAfter"] is not None,
        )
        assert len(found) == 1
        assert (await server.end(signal.SIGTERM)).status == 0


async def test_incidents_and_the_providers_balance(shop: Kiwi, provider: Upstream) -> None:
    assert await shop.tell("incidents", "list") == []
    first = await shop.tell("reconcile")
    assert (first["balanced"], first["since"], first["difference"]) == (True, None, "0.00")

    await lose_a_number(shop, provider)
    (incident,) = await shop.tell("incidents", "list", "--open")
    assert (incident["kind"], incident["price"]) == ("ANSWER_LOST", "0.39")
    assert (incident["balanceBefore"], incident["balanceAfter"]) == ("100.00", "99.70")
    assert (incident["externalId"], incident["resolvedAt"]) == (None, None)
    assert await shop.tell("incidents", "show", incident["id"]) == incident
    checks = {check["name"]: check for check in (await shop.tell("doctor"))["checks"]}
    assert checks["incidents"]["ok"] is True
    assert checks["incidents"]["detail"].startswith("1 open")

    found = await shop.run("reconcile", "--json")
    assert found.status == 1
    assert found.err == (
        "Error: the provider has 0.30 less than the books say;"
        f" these incidents may explain it: {incident['id']}\n"
    )
    assert (found.document["balanced"], found.document["difference"]) == (False, "-0.30")
    assert [each["id"] for each in found.document["incidents"]] == [incident["id"]]

    note = ("--note", "in the provider's list of charges")
    resolved = await shop.tell("incidents", "resolve", incident["id"], *note)
    assert resolved["resolution"] == "in the provider's list of charges"
    assert resolved["resolvedAt"] is not None
    assert await shop.tell("incidents", "list", "--open") == []
    assert await shop.tell("incidents", "list") == [resolved]
    assert "resolved already" in await shop.fail("incidents", "resolve", incident["id"], *note)
    assert await shop.fail("incidents", "show", "x") == "no incident 'x'"

    await provider.post("settings", balance="150")
    paid_in = await shop.tell("reconcile", "--topped-up", "50.30")
    assert (paid_in["balanced"], paid_in["toppedUp"]) == (True, "50.30")
    assert await shop.tell("reconcile") | {"at": None} == paid_in | {
        "at": None,
        "since": paid_in["at"],
        "balanceBefore": "150.00",
        "toppedUp": "0.00",
        "incidents": [],
    }
    assert "topped-up" in await shop.fail("reconcile", "--topped-up", "much")


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
    assert "KIWISMS_KEEP_DAYS" in await shop.fail("prune")
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
    assert "name it as KIWISMS_OLD_SECRET_KEY" in locked.err

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
