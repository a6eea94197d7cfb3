"""What the database itself holds to: keys that begin with the account, and no wrong row."""

import re
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import psycopg
import pytest

from kiwisms.adapters.postgres.statements import (
    notices,
    pruning,
    reads,
    saves,
    schema,
    work_queue,
)
from kiwisms.adapters.sql_rows import statements
from kiwisms.domain.account import AccountStatus
from kiwisms.domain.delivery import DeliveryStatus
from kiwisms.domain.idempotency import KeyState
from kiwisms.domain.incident import IncidentKind
from kiwisms.domain.ledger import LedgerAccount
from kiwisms.domain.rental_state import State
from tests.postgres import database

STATEMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        name: statement
        for module in (statements, reads, saves, work_queue, pruning, schema, notices)
        for name, statement in vars(module).items()
        if name.isupper()
    }
)
NOT_BY_ACCOUNT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ACCOUNT_BY_EMAIL": "who signs in is known by nothing else",
        "ACCOUNTS_BY_AGE": "for the operator",
        "ADD_ACCOUNT": "makes the account",
        "FIND_RENTAL": "for the operator",
        "FIND_RENTALS_BY_ACTIVATION": "upstream's numbers are one account's, the operator's",
        "NEWEST_RENTALS": "for the operator",
        "NEWEST_RENTALS_IN_STATE": "for the operator",
        "FIND_DELIVERY": "for the operator",
        "FIND_INCIDENT": "for the operator",
        "NEWEST_INCIDENTS": "for the operator",
        "NEWEST_OPEN_INCIDENTS": "for the operator",
        "OPEN_INCIDENTS": "for the operator",
        "OUTLAY": "for the operator",
        "LAST_READING": "for the operator",
        "ADD_READING": "for the operator",
        "ADD_PUSH": "nobody knows yet whose number it is",
        "PUSHES": "pushed before anybody knew whose number it is",
        "UNMATCHED_PUSHES": "of nobody's number",
        "PRUNE_PUSHES": "of whoever had the number",
        "CLAIM_DUE_RENTALS": "workers take what is due of any account",
        "CLAIM_DUE_DELIVERIES": "workers take what is due of any account",
        "CLAIM_DUE_INCIDENTS": "workers take what is due of any account",
        "NEXT_DUE": "workers take what is due of any account",
        "FREE_PLACE": "places upstream are one account's, the operator's",
        "ADD_PLACES": "places upstream are one account's, the operator's",
    }
)
"""Statements that look across accounts, and why they may; none is a part of a poll."""
NO_ROWS: Final = {
    "CHANNEL",
    "CREATE_SCHEMA_VERSION",
    "LISTEN",
    "LOCK_SCHEMA",
    "NOTIFY",
    "BEGIN_SNAPSHOT",
    "READ_ONLY",
    "SAVE_SCHEMA_VERSION",
    "SCHEMA_VERSION",
    "SCHEMA_VERSION_TABLE",
    "WAIT_LONG",
}
"""What reads and writes no row of any account."""
FRAGMENTS: Final = {
    "BEGINNING_COLUMNS",
    "BEGINNING_PARTS",
    "WALLET_COLUMNS",
    "BEGINNING_ROWS",
    "IDEMPOTENCY_COLUMNS",
    "USAGE_COLUMNS",
    "ACCOUNT_COLUMNS",
    "ACCOUNTS",
    "RENTAL_COLUMNS",
    "RENTALS",
    "DELIVERY_COLUMNS",
    "WEBHOOK_COLUMNS",
    "DELIVERIES",
    "INCIDENT_COLUMNS",
    "INCIDENTS",
    "ALL_PUSHES",
}
BY_ACCOUNT: Final = sorted(STATEMENTS.keys() - NOT_BY_ACCOUNT.keys() - NO_ROWS - FRAGMENTS)

OPERATORS_TABLES: Final = {
    "schema_version": "one",
    "place": "number",
    "pushed_message": "id",
    "balance_reading": "at",
}
"""Of no account, and what their keys begin with: see the comments of the schema."""

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    async with (
        database() as url,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as opened,
    ):
        await opened.execute(
            """
            INSERT INTO account (account_id, email, status, created_at)
            VALUES ('a', 'ada@example.com', 'ACTIVE', now());
            INSERT INTO wallet (account_id, available, held, transfers, version)
            VALUES ('a', 0, 0, 0, 0);
            INSERT INTO transfer (account_id, number, id, debit, credit, amount, reason, at)
            VALUES ('a', 1, 'credit:1', 'FUNDING', 'AVAILABLE', 1, 'top-up', now());
            """
        )
        yield opened


async def rows(connection: Connection, question: str) -> list[tuple[Any, ...]]:
    return await (await connection.execute(question.encode())).fetchall()


async def test_every_primary_key_begins_with_the_account(connection: Connection) -> None:
    keys = await rows(
        connection,
        """
        SELECT pg_class.relname, pg_attribute.attname
        FROM pg_class
        LEFT JOIN pg_constraint ON conrelid = pg_class.oid AND contype = 'p'
        LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum = conkey[1]
        WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
        """,
    )
    first = dict(keys)
    operators = {table: first.pop(table) for table in OPERATORS_TABLES}
    assert operators == OPERATORS_TABLES
    assert len(first) == 11
    assert set(first.values()) == {"account_id"}


async def test_every_foreign_key_stays_within_its_account(connection: Connection) -> None:
    keys = await rows(
        connection,
        """
        SELECT conrelid::regclass::text, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
        """,
    )
    assert len(keys) == 10
    assert {key for _, key in keys} == {"FOREIGN KEY (account_id) REFERENCES account(account_id)"}


@pytest.mark.parametrize("name", BY_ACCOUNT)
def test_every_statement_carries_the_account(name: str) -> None:
    statement = STATEMENTS[name]
    for part in re.split(r"\bFROM (?=rental\b)", statement):
        if "own" in part:
            assert re.search(r"SELECT account_id|account_id = own\.account_id", part)
        elif "WHERE" in part:
            assert re.search(r"WHERE (\w+\.)?account_id = (%|\?|asked\.account_id)", part), part
    assert "account_id" in statement


def test_what_is_listed_is_there() -> None:
    assert set(NOT_BY_ACCOUNT) | NO_ROWS | FRAGMENTS <= STATEMENTS.keys()


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("account", "status", AccountStatus),
        ("rental", "state", [state for state in State if state is not State.NEW]),
        ("step", "state", [state for state in State if state is not State.NEW]),
        ("transfer", "debit", LedgerAccount),
        ("transfer", "credit", LedgerAccount),
        ("idempotency", "state", KeyState),
        ("delivery", "status", DeliveryStatus),
        ("incident", "kind", IncidentKind),
    ],
)
async def test_the_words_in_a_column_are_those_of_the_domain(
    connection: Connection, table: str, column: str, words: list[str]
) -> None:
    checks = await rows(
        connection,
        f"""
        SELECT pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = '{table}'::regclass AND conname = '{table}_{column}_check'
        """,
    )
    assert set(re.findall(r"'(\w+)'", checks[0][0])) == {str(word) for word in words}


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ("UPDATE wallet SET available = -1", "wallet_available_check"),
        ("UPDATE wallet SET held = -1", "wallet_held_check"),
        ("UPDATE transfer SET amount = 0", "transfer_amount_check"),
        ("UPDATE transfer SET credit = debit", "transfer_check"),
        ("UPDATE transfer SET debit = 'POCKET'", "transfer_debit_check"),
        ("UPDATE account SET status = 'GONE'", "account_status_check"),
        ("DELETE FROM account", "foreign key"),
        ("UPDATE transfer SET account_id = 'b'", "foreign key"),
        (
            "INSERT INTO transfer SELECT 'a', 2, id, debit, credit, 1, reason, at FROM transfer",
            "transfer_account_id_id_key",
        ),
        (
            "INSERT INTO account SELECT 'b', email, status, NULL, NULL, created_at FROM account",
            "account_email_key",
        ),
    ],
)
async def test_a_wrong_row_is_refused(connection: Connection, wrong: str, refusal: str) -> None:
    with pytest.raises(psycopg.IntegrityError, match=refusal):
        await connection.execute(wrong.encode())


SORTED: Final = {"ACCOUNTS_BY_AGE", "API_KEYS_BY_AGE", "OUTLAY"}
"""Read whole: for the operator, or few rows."""
SHARES: Final = {"CLAIM_DUE_DELIVERIES"}
"""Sorts what each account gives, which is little."""
ASKED: Final = sorted(
    name
    for name in {*BY_ACCOUNT, *NOT_BY_ACCOUNT} - SORTED
    if not re.search(r"\bown\b|VALUES", STATEMENTS[name])
)


@pytest.mark.parametrize("name", ASKED)
async def test_every_statement_finds_its_rows_by_an_index(
    connection: Connection, name: str
) -> None:
    statement = re.sub(r"%\(\w+\)s|%s|\?", "NULL", STATEMENTS[name])
    # With NULL in its place a condition would be false from the start.
    statement = statement.replace("LIMIT NULL", "LIMIT 1").replace("version = NULL", "version = 1")
    statement = re.sub(r"(id|key|prefix|email|state) = NULL", r"\1 = 'a'", statement)
    statement = re.sub(r"number (<=|>) NULL", r"number \1 1", statement)
    statement = re.sub(r"(\w+) (<=|>=|<|>) NULL", r"\1 \2 now()", statement)
    await connection.execute("SET enable_seqscan = off; SET enable_sort = off")
    plan = [line for (line,) in await rows(connection, f"EXPLAIN {statement}")]
    assert any("Index" in line for line in plan)
    assert not any("Seq Scan" in line for line in plan), plan
    sorts = any("Sort" in line and "Key" not in line for line in plan)
    assert sorts is (name in SHARES), plan
