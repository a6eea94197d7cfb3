"""What an operator does about webhooks, each command in a process of its own."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from aiohttp import web
from attrs import evolve, field, frozen

from tests.e2e.cli.programs import Kiwi

ADA: Final = "ada@example.com"


@frozen(kw_only=True)
class Receiver:
    """Where events go: *good* takes them, and *bad* answers 500."""

    good: str
    bad: str
    heard: list[bytes] = field(factory=list)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    heard: list[bytes] = []

    async def hear(request: web.Request) -> web.Response:
        heard.append(await request.read())
        return web.Response(status=204 if request.path == "/good" else 500)

    runner = web.AppRunner(web.Application())
    runner.app.router.add_post("/{what}", hear)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield Receiver(good=f"{base}/good", bad=f"{base}/bad", heard=heard)
    await runner.cleanup()


@pytest.fixture
def kiwi(kiwi: Kiwi) -> Kiwi:
    """The command where receivers on this machine are called."""
    return evolve(kiwi, settings={"KIWISMS_WEBHOOK_ALLOW_PRIVATE": "1"})


@pytest.fixture(autouse=True)
async def prefix(kiwi: Kiwi) -> str:
    """Ada's account and an API key of it, whose prefix this is."""
    async with kiwi.office() as office:
        account = await office.accounts.create(ADA)
        key, _ = await office.keys.create(account.id)
    return key.prefix


async def send_test(kiwi: Kiwi, url: str) -> Any:
    """Set an address, send a test event there, and give what was said of it."""
    await kiwi.tell("webhooks", "set", ADA, url)
    return (await kiwi.run("webhooks", "test", ADA, "--json")).document


async def test_an_address_is_set_and_shown(kiwi: Kiwi, receiver: Receiver) -> None:
    address = await kiwi.tell("webhooks", "set", ADA, receiver.good)
    assert address["url"] == receiver.good
    assert address["secret"].startswith("whsec_")
    assert await kiwi.tell("webhooks", "show", ADA) == address


async def test_a_key_has_an_address_of_its_own(kiwi: Kiwi, receiver: Receiver, prefix: str) -> None:
    address = await kiwi.tell("webhooks", "set", ADA, receiver.good)
    own = await kiwi.tell("webhooks", "set", ADA, receiver.bad, "--key", prefix)
    assert own["keyPrefix"] == prefix
    assert own["secret"] != address["secret"]
    assert await kiwi.tell("webhooks", "show", ADA, "--key", prefix) == own
    assert await kiwi.tell("webhooks", "show", ADA) == address


async def test_a_rotation_makes_another_secret(kiwi: Kiwi, receiver: Receiver) -> None:
    address = await kiwi.tell("webhooks", "set", ADA, receiver.good)
    rotated = await kiwi.tell("webhooks", "rotate", ADA)
    assert rotated["secret"] != address["secret"]
    assert await kiwi.tell("webhooks", "show", ADA) == rotated


async def test_a_test_event_arrives(kiwi: Kiwi, receiver: Receiver) -> None:
    await kiwi.tell("webhooks", "set", ADA, receiver.good)
    tried = await kiwi.tell("webhooks", "test", ADA)
    told = (tried["event"], tried["status"], tried["attempts"])
    assert told == ("webhook.test", "DELIVERED", 1)
    assert b'"webhook.test"' in receiver.heard[0]


async def test_a_test_event_that_does_not_arrive_fails_the_command(
    kiwi: Kiwi, receiver: Receiver, prefix: str
) -> None:
    of_key = ("--key", prefix)
    await kiwi.tell("webhooks", "set", ADA, receiver.bad, *of_key)
    failed = await kiwi.run("webhooks", "test", ADA, *of_key, "--json")
    assert failed.status == 1
    assert failed.err == "Error: the test event did not arrive: HTTP 500\n"
    assert (failed.document["status"], failed.document["attempts"]) == ("GIVEN_UP", 1)
    [failure] = failed.document["failures"]
    assert failure["error"] == failed.document["lastError"] == "HTTP 500"
    assert failure["at"] >= failed.document["createdAt"]


async def test_deliveries_are_listed_the_newest_first(kiwi: Kiwi, receiver: Receiver) -> None:
    arrived = await send_test(kiwi, receiver.good)
    failed = await send_test(kiwi, receiver.bad)
    newest = await kiwi.tell("webhooks", "deliveries", ADA)
    assert newest == [failed, arrived]
    assert {"id", "event", "rentalId", "status", "attempts"} <= newest[0].keys()
    assert await kiwi.tell("webhooks", "deliveries", ADA, "--limit", "1") == newest[:1]


async def test_the_list_says_when_and_why_a_try_failed(kiwi: Kiwi, receiver: Receiver) -> None:
    [failure] = (await send_test(kiwi, receiver.bad))["failures"]
    table = (await kiwi.run("webhooks", "deliveries", ADA)).out.splitlines()
    assert table[0].split()[-1] == "failures"
    assert table[1].endswith(f"{failure['at']} HTTP 500")


async def test_a_delivery_is_sent_again(kiwi: Kiwi, receiver: Receiver) -> None:
    tried = await send_test(kiwi, receiver.good)
    again = await kiwi.tell("webhooks", "resend", tried["id"])
    assert (again["id"], again["status"]) == (tried["id"], "PENDING")
    assert await kiwi.fail("webhooks", "resend", "x") == "no delivery 'x'"


async def test_an_address_is_removed(kiwi: Kiwi, receiver: Receiver) -> None:
    await kiwi.tell("webhooks", "set", ADA, receiver.good)
    assert (await kiwi.tell("webhooks", "clear", ADA))["url"] == receiver.good
    assert await kiwi.fail("webhooks", "show", ADA) == "no webhook address is set"


async def test_what_is_no_address_is_refused(kiwi: Kiwi) -> None:
    assert await kiwi.misuse("webhooks", "set", ADA, "ftp://h") == (
        "url: must be an http:// or https:// address without a user name"
    )


async def test_an_address_that_is_never_called_is_refused(kiwi: Kiwi, receiver: Receiver) -> None:
    closed = {"KIWISMS_WEBHOOK_ALLOW_PRIVATE": "0"}
    assert await kiwi.misuse("webhooks", "set", ADA, receiver.good, **closed) == (
        "url: is not a public address, and no event is sent there"
    )
    assert await kiwi.fail("webhooks", "show", ADA) == "no webhook address is set"


async def test_an_amount_that_is_none_is_wrong_usage(kiwi: Kiwi) -> None:
    low = ("webhooks", "set", ADA, "https://ada.example.com/", "--events", "wallet.low", "--low")
    assert await kiwi.misuse(*low, "much") == (
        "Invalid value for '--low': 'much' is not an amount of dollars, such as 0.50"
    )
    assert await kiwi.misuse(*low, "0") == (
        "Invalid value for '--low': '0' must be more than 0 and in whole cents"
    )


async def test_the_events_of_an_address(kiwi: Kiwi) -> None:
    url = "https://ada.example.com/hook"
    address = await kiwi.tell("webhooks", "set", ADA, url)
    assert (address["events"], address["low"]) == (["sms.received"], None)
    more = ("--events", "wallet.low,sms.received", "--low", "5")
    asked = address | {"events": ["sms.received", "wallet.low"], "low": "5.00"}
    assert await kiwi.tell("webhooks", "set", ADA, url, *more) == asked
    assert await kiwi.tell("webhooks", "set", ADA, url) == asked
    assert await kiwi.tell("webhooks", "show", ADA) == asked
    shown = (await kiwi.run("webhooks", "show", ADA)).out.splitlines()
    assert "events     sms.received, wallet.low" in shown
    assert await kiwi.misuse("webhooks", "set", ADA, url, "--events", "sms.sent") == (
        "events: sms.sent is unknown: must be some of sms.received, rental.expired,"
        " rental.cancelled, rental.completed, wallet.low"
    )
