"""A row gives back exactly the fact that was written into it, and is found by an index."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kiwisms.adapters.sqlite import columns, decode, statements
from kiwisms.adapters.sqlite.columns import Row
from kiwisms.adapters.sqlite.encode import write_of
from kiwisms.adapters.sqlite.migrations import migrate
from kiwisms.domain.money import Money
from kiwisms.domain.sms import Code, Message
from kiwisms.ports.store import Fact
from tests.contract import stores

MOMENTS = st.datetimes(timezones=st.just(UTC))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
DECODE: dict[str, tuple[Callable[[Row], object], Fact]] = {
    "account": (decode.account, stores.SUSPENDED),
    "api key": (decode.api_key, stores.api_key()),
    "transfer": (decode.transfer, stores.transfer()),
    "rental": (decode.rental, stores.FULL_RENTAL),
    "step": (decode.step, stores.step()),
    "idempotency": (decode.idempotency, stores.record()),
    "webhook": (decode.webhook, stores.webhook("p1")),
    "delivery": (decode.delivery, stores.delivery()),
    "incident": (decode.incident, stores.incident()),
}


@pytest.mark.parametrize("kind", DECODE)
def test_a_row_is_its_fact(kind: str) -> None:
    read, fact = DECODE[kind]
    _, row = write_of(fact)
    assert read(row) == fact
    assert {type(value) for value in row} <= {str, int, type(None)}


@given(at=MOMENTS)
def test_a_moment_is_kept_to_the_microsecond(at: datetime) -> None:
    assert columns.to_moment(columns.from_moment(at)) == at


@given(texts=st.lists(st.tuples(TEXTS, st.none() | TEXTS, MOMENTS), max_size=3))
def test_messages_are_kept_to_the_letter(texts: list[tuple[str, str | None, datetime]]) -> None:
    messages = tuple(Message(code=Code(code), text=text, at=at) for code, text, at in texts)
    assert columns.to_messages(columns.from_messages(messages)) == messages


@given(micros=st.integers(0, 2**63 - 1))
def test_money_is_kept_to_the_micro_dollar(micros: int) -> None:
    rental = evolve(stores.waiting(), cost=Money(micros))
    assert decode.rental(write_of(rental)[1]) == rental


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        migrate(opened)
        yield opened


FRAGMENTS = {
    "ACCOUNTS",
    "ALL_PUSHES",
    "DELIVERIES",
    "INCIDENTS",
    "RENTALS",
    "SCHEMA_VERSION",
    "SHARES",
}
FEW = {"ACCOUNTS_BY_AGE", "API_KEYS_BY_AGE", "DUE_DELIVERIES", "LAST_READING", "OUTLAY"}
"""Sorted after reading, or all are read: for the operator, or few rows."""


@pytest.mark.parametrize(
    "name", sorted(set(filter(str.isupper, vars(statements))) - FRAGMENTS - FEW)
)
def test_every_statement_finds_its_rows_by_an_index(
    connection: sqlite3.Connection, name: str
) -> None:
    statement = getattr(statements, name)
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
        "most_cancels": 1,
    }
    for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}", places or names):
        assert not re.match(r"SCAN \w+$", detail)
        assert "TEMP B-TREE" not in detail


def test_what_is_due_beyond_an_accounts_share_is_not_read(connection: sqlite3.Connection) -> None:
    names = {"busy": "[]", "now": 0, "per_account": 1, "limit": 1}
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statements.DUE_DELIVERIES}", names)
    steps = [detail for *_, detail in plan if re.search(r"\b(delivery|due)\b", detail)]
    assert len(steps) == 5
    for detail in steps:
        assert detail.startswith("SEARCH")
