"""What an operator does about accounts, keys and money, each command in a process of its own."""

import csv
import sqlite3
from contextlib import closing

import pytest

from tests.e2e.cli.programs import Kiwi

ADA = "ada@example.com"


async def create(kiwi: Kiwi, balance: str = "") -> str:
    """Create Ada's account, and give its id."""
    async with kiwi.office() as office:
        account = await office.accounts.create(ADA)
        if balance:
            await office.wallet.credit(account.id, balance, reason="top-up", reference="invoice-1")
    return account.id


async def test_accounts_are_created_and_listed(kiwi: Kiwi) -> None:
    ada = await kiwi.tell("accounts", "create", " Ada@Example.com ")
    assert (ada["email"], ada["status"]) == (ADA, "ACTIVE")
    bob = await kiwi.tell("accounts", "create", "bob@example.com")
    assert await kiwi.tell("accounts", "list") == [ada, bob]


async def test_a_password_is_read_and_never_shown(kiwi: Kiwi) -> None:
    create = ("accounts", "create", ADA, "--password-stdin", "--json")
    done = await kiwi.run(*create, stdin="long enough\n")
    assert done.status == 0
    assert "long enough" not in done.out
    short = await kiwi.run("accounts", "create", "c@example.com", "--password-stdin", stdin="short")
    assert short.status == 2
    assert "8 to 1024 characters" in short.err


async def test_an_account_is_suspended_and_reinstated(kiwi: Kiwi) -> None:
    ada = await kiwi.tell("accounts", "create", ADA)
    suspended = await kiwi.tell("accounts", "suspend", ada["id"], "--reason", "abuse")
    assert suspended == ada | {"status": "SUSPENDED", "suspendedFor": "abuse"}
    assert await kiwi.tell("accounts", "reinstate", ADA) == ada


async def test_an_account_that_cannot_be_is_refused(kiwi: Kiwi) -> None:
    await create(kiwi)
    assert "exists already" in await kiwi.fail("accounts", "create", ADA)
    assert await kiwi.misuse("accounts", "create", "ada") == "email: is not an email address"
    assert await kiwi.fail("accounts", "reinstate", "eve@x.org") == "no account 'eve@x.org'"


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


async def test_a_reference_is_credited_once(kiwi: Kiwi) -> None:
    ada = await create(kiwi)
    top_up = ("wallet", "credit", ADA, "10.00", "--reason", "top-up", "--reference", "invoice-1")
    wallet = {"accountId": ada, "balance": "10.00", "held": "0.00"}
    assert await kiwi.tell(*top_up) == wallet
    assert await kiwi.tell(*top_up) == wallet
    reused = ("wallet", "credit", ada, "11", "--reason", "x", "--reference", "invoice-1")
    assert await kiwi.fail(*reused) == "reference 'invoice-1' was already applied, to 10.00"


async def test_no_more_is_debited_than_there_is(kiwi: Kiwi) -> None:
    await create(kiwi, "10.00")
    debit = ("wallet", "debit", ADA, "7.5", "--reason", "payout")
    assert (await kiwi.tell(*debit))["balance"] == "2.50"
    assert await kiwi.fail(*debit) == "Insufficient balance"


@pytest.mark.parametrize("command", ["credit", "debit"])
@pytest.mark.parametrize("amount", ["1.001", "0", "-5", "much"])
async def test_an_amount_that_cannot_be_paid_is_wrong_usage(
    kiwi: Kiwi, command: str, amount: str
) -> None:
    wrong = await kiwi.misuse("wallet", command, "--reason", "x", "--", ADA, amount)
    assert wrong.startswith(f"Invalid value for 'AMOUNT': '{amount}' ")
    assert list(kiwi.folder.iterdir()) == []


async def test_a_statement_lists_all_that_moved(kiwi: Kiwi) -> None:
    await create(kiwi, "10.00")
    await kiwi.tell("wallet", "debit", ADA, "2.5", "--reason", "payout")
    statement = await kiwi.tell("wallet", "statement", ADA)
    assert (statement["balance"], statement["held"]) == ("7.50", "0.00")
    assert [(line["reason"], line["amount"], line["balance"]) for line in statement["lines"]] == [
        ("top-up", "10.00", "10.00"),
        ("payout", "2.50", "7.50"),
    ]
    table = await kiwi.run("wallet", "statement", ADA, "--csv")
    first, second, third = table.out.splitlines()
    assert first == "number,at,reason,debit,credit,amount,balance,held,id"
    assert second.startswith("1,")
    assert second.endswith(",top-up,FUNDING,AVAILABLE,10.00,10.00,0.00,credit:invoice-1")
    assert ",payout,AVAILABLE,FUNDING,2.50,7.50,0.00,debit:" in third


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\uff1d1"])
async def test_a_spreadsheet_takes_no_text_of_a_statement_for_a_formula(
    kiwi: Kiwi, text: str
) -> None:
    await create(kiwi)
    await kiwi.tell("wallet", "credit", ADA, "5", f"--reason={text}")
    statement = await kiwi.run("wallet", "statement", ADA, "--csv")
    _, line = csv.reader(statement.out.splitlines())
    assert line[2] == f"'{text}"
    assert line[5] == "5.00"


async def test_other_text_stands_in_a_statement_as_it_is(kiwi: Kiwi) -> None:
    await create(kiwi)
    reason = 'a "top-up", = 5 + 0 @ -1'
    await kiwi.tell("wallet", "credit", ADA, "5", "--reason", reason)
    statement = await kiwi.run("wallet", "statement", ADA, "--csv")
    _, line = csv.reader(statement.out.splitlines())
    assert line[2] == reason


async def test_wrong_usage_is_said_before_an_account_is_looked_for(kiwi: Kiwi) -> None:
    await create(kiwi, "10.00")
    wrong = await kiwi.misuse("wallet", "statement", "nobody@example.com", "--csv")
    assert wrong == "--csv and --json cannot be combined"


async def test_the_trail_says_who_changed_an_account(kiwi: Kiwi) -> None:
    await create(kiwi, "10.00")
    await kiwi.tell("accounts", "suspend", ADA, "--reason", "fraud")
    trail = await kiwi.tell("trail", ADA)
    assert [(entry["by"], entry["action"]) for entry in trail] == [
        ("operator", "ACCOUNT_SUSPENDED"),
        ("operator", "WALLET_CREDITED"),
        ("operator", "ACCOUNT_CREATED"),
    ]
    assert trail[0]["detail"] == "fraud"
    assert await kiwi.tell("trail", ADA, "--limit", "1") == trail[:1]


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
    assert done.err == "Error: the books are wrong in 1 place\n"
    assert done.document["balanced"] is False
    (violation,) = done.document["violations"]
    assert violation["law"] == "available is the sum of its transfers"
    assert (violation["expected"], violation["found"]) == ("5.00", "5.01")
