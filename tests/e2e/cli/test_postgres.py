"""The command over Postgres: what an operator sees of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from kiwisms.adapters.postgres.migrations import NEWEST
from tests.e2e.cli.programs import Kiwi
from tests.postgres import bare_database

SECRET: Final = {"KIWISMS_SECRET_KEY": "a secret for tests"}


@pytest.fixture
async def kiwi(tmp_path: Path) -> AsyncIterator[Kiwi]:
    """The command over a database that has no schema yet."""
    async with bare_database() as url:
        yield Kiwi(folder=tmp_path, settings={"KIWISMS_STORE_URL": url, **SECRET})


async def test_an_operator_sets_up_a_customer(kiwi: Kiwi) -> None:
    before = await kiwi.run("doctor", "--json")
    schema = next(check for check in before.document["checks"] if check["name"] == "schema")
    assert (schema["ok"], schema["detail"].endswith("run `kiwisms migrate`")) == (False, True)
    assert await kiwi.tell("migrate") == {"version": NEWEST}
    assert await kiwi.tell("migrate") == {"version": NEWEST}
    after = await kiwi.run("doctor", "--json")
    store, schema = after.document["checks"][1:3]
    assert store == {"name": "store", "ok": True, "detail": "can be read and written"}
    assert schema == {"name": "schema", "ok": True, "detail": f"version {NEWEST}, which is current"}
    account = await kiwi.tell("accounts", "create", "ada@example.com")
    credited = await kiwi.tell("wallet", "credit", account["id"], "10.00", "--reason", "top-up")
    assert credited["balance"] == "10.00"
    assert (await kiwi.tell("ledger", "audit"))["balanced"] is True


async def test_the_secret_key_must_be_set(kiwi: Kiwi) -> None:
    assert await kiwi.fail("accounts", "list", KIWISMS_SECRET_KEY="") == (
        "KIWISMS_SECRET_KEY: must be set with Postgres;"
        " write for example what `openssl rand -hex 32` prints"
    )


async def test_a_server_that_is_not_there_is_told_in_one_sentence(kiwi: Kiwi) -> None:
    nowhere = "postgresql://ada:hunter2@127.0.0.1:1/kiwisms"
    sentence = await kiwi.fail("accounts", "list", KIWISMS_STORE_URL=nowhere)
    assert sentence.startswith("the store refused the connection: ")
    assert "hunter2" not in sentence
