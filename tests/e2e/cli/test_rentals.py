"""How an operator sees rented numbers, each command in a process of its own."""

import kiwisms
from kiwisms.adapters.sqlite import SqliteStore
from kiwisms.adapters.system import SystemClock
from kiwisms.domain.ids import AccountId
from kiwisms.testing.provider import FakeProvider
from tests.contract.stores import received, waiting
from tests.e2e.cli.programs import Kiwi

ADA = "ada@example.com"


async def rent_two(kiwi: Kiwi) -> tuple[kiwisms.Rental, kiwisms.Rental]:
    """Rent two numbers, and be done with the second after a code."""
    provider = FakeProvider(SystemClock())
    async with kiwisms.open(kiwi.store_url, provider=provider, background=False) as program:
        ada = await program.accounts.create(ADA)
        await program.wallet.credit(ada.id, "10.00", reason="top-up")
        first, second = [await program.rentals.rent(ada.id, service="go") for _ in range(2)]
        provider.deliver("0042", text="code: 0042", to=second.activation_id)
        await program.rentals.done(ada.id, second.id)
    return first, second


async def test_rentals_are_listed_the_newest_first(kiwi: Kiwi) -> None:
    first, second = await rent_two(kiwi)
    newest = await kiwi.tell("rentals", "list")
    assert [(each["id"], each["status"], each["codes"]) for each in newest] == [
        (second.id, "COMPLETED", 1),
        (first.id, "WAITING", 0),
    ]
    of_ada = ("--account", ADA, "--status", "completed")
    assert await kiwi.tell("rentals", "list", *of_ada) == newest[:1]


async def test_a_rental_is_shown_with_all_that_happened(kiwi: Kiwi) -> None:
    _, second = await rent_two(kiwi)
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
