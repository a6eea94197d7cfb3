"""Each statement finds its rows by an index."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from kiwisms.adapters.sql_rows import statements
from kiwisms.adapters.sqlite.migrations import migrate
from kiwisms.adapters.sqlite.statements import pruning, reads, saves, work_queue

STATEMENTS = {
    name: statement
    for module in (statements, reads, saves, work_queue, pruning)
    for name, statement in vars(module).items()
    if name.isupper()
}


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        migrate(opened)
        yield opened


FRAGMENTS = {
    "ACCOUNT_COLUMNS",
    "ACCOUNTS",
    "ALL_PUSHES",
    "DELIVERIES",
    "DELIVERY_COLUMNS",
    "IDEMPOTENCY_COLUMNS",
    "INCIDENTS",
    "INCIDENT_COLUMNS",
    "RENTALS",
    "RENTAL_COLUMNS",
    "SCHEMA_VERSION",
    "SHARES",
    "WALLET_COLUMNS",
    "WEBHOOK_COLUMNS",
}
FEW = {
    "ACCOUNTS_BY_AGE",
    "API_KEYS_BY_AGE",
    "DUE_DELIVERIES",
    "INCIDENTS_OF_RENTAL",
    "LAST_READING",
    "OUTLAY",
}
"""Sorted after reading, or all are read: for the operator, or few rows."""


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - FRAGMENTS - FEW))
def test_every_statement_finds_its_rows_by_an_index(
    connection: sqlite3.Connection, name: str
) -> None:
    statement = STATEMENTS[name]
    places = ("a",) * statement.count("?")
    names = {
        "account_id": "a",
        "id": "i",
        "now": 0,
        "since": 0,
        "before": 0,
        "look_after": 1,
        "until": 1,
        "state": None,
        "limit": 1,
        "max_cancels": 1,
    }
    for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}", places or names):
        assert not re.match(r"SCAN \w+$", detail)
        assert "TEMP B-TREE" not in detail


# Some releases of Python 3.12 take ?1 for a name, and warn when a tuple comes for it.
@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_no_place_is_numbered(name: str) -> None:
    assert not re.search(r"\?\d", STATEMENTS[name])


def test_what_is_due_beyond_an_accounts_share_is_not_read(connection: sqlite3.Connection) -> None:
    names = {"busy": "[]", "now": 0, "per_account": 1, "limit": 1}
    plan = connection.execute(f"EXPLAIN QUERY PLAN {work_queue.DUE_DELIVERIES}", names)
    steps = [detail for *_, detail in plan if re.search(r"\b(delivery|due)\b", detail)]
    assert len(steps) == 5
    for detail in steps:
        assert detail.startswith("SEARCH")
