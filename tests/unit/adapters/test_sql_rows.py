"""A row gives back exactly the fact that was written into it, whichever database keeps it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kiwisms.adapters.postgres import columns as postgres_columns
from kiwisms.adapters.postgres.encode import rows as postgres_rows
from kiwisms.adapters.sql_rows.columns import to_events
from kiwisms.adapters.sql_rows.decode import Decode
from kiwisms.adapters.sql_rows.encode import Encode
from kiwisms.adapters.sqlite import columns as sqlite_columns
from kiwisms.adapters.sqlite.encode import rows as sqlite_rows
from kiwisms.domain.account import Account
from kiwisms.domain.events import WebhookEvent
from kiwisms.domain.money import Money, cents
from kiwisms.domain.reconciliation import Reading
from kiwisms.domain.sms import Code, Message
from tests.contract import stores

MOMENTS = st.datetimes(timezones=st.just(UTC))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))

DATABASES = {
    "sqlite": (sqlite_columns.decode, sqlite_rows),
    "postgres": (postgres_columns.decode, postgres_rows),
}
FACTS = [
    ("account", stores.SUSPENDED),
    ("api_key", stores.api_key()),
    ("wallet", stores.wallet(cents(250), cents(75), 3)),
    ("transfer", stores.transfer()),
    ("rental", stores.requested()),
    ("rental", stores.FULL_RENTAL),
    ("step", stores.step()),
    ("idempotency", stores.record()),
    ("webhook", stores.webhook()),
    ("webhook", stores.webhook("p1")),
    ("delivery", stores.delivery()),
    ("incident", stores.incident()),
    ("trail_entry", stores.trail_entry()),
    ("pushed", stores.pushed()),
    (
        "reading",
        Reading(at=stores.NOW, balance=cents(900), spent=Money(1), topped_up=cents(1000)),
    ),
]

every_database = pytest.mark.parametrize(("decode", "encode"), DATABASES.values(), ids=DATABASES)


def row_of(encode: Encode, kind: str, fact: Any) -> tuple[Any, ...]:
    """Write *fact*, with the account where the statements that read it have it."""
    row: tuple[Any, ...] = getattr(encode, kind)(fact)
    if isinstance(fact, Account):
        return (*row, fact.id)
    return (fact.account_id, *row) if hasattr(fact, "account_id") else row


@every_database
@pytest.mark.parametrize(("kind", "fact"), FACTS)
def test_a_row_is_its_fact(decode: Decode, encode: Encode, kind: str, fact: object) -> None:
    row = row_of(encode, kind, fact)
    assert getattr(decode, kind)(row) == fact
    assert {type(value) for value in row} <= {str, int, type(None)}


@every_database
@given(text=st.none() | TEXTS, code=TEXTS, at=MOMENTS)
def test_a_message_is_kept_to_the_letter_and_a_moment_to_the_microsecond(
    decode: Decode, encode: Encode, text: str | None, code: str, at: datetime
) -> None:
    message = Message(code=Code(code), text=text, at=at)
    rental = evolve(stores.received(), messages=(message,), look_after=at, due_at=at)
    assert decode.rental(row_of(encode, "rental", rental)) == rental


@every_database
@given(micros=st.integers(0, 2**63 - 1))
def test_money_is_kept_to_the_micro_dollar(decode: Decode, encode: Encode, micros: int) -> None:
    rental = evolve(stores.waiting(), cost=Money(micros))
    assert decode.rental(row_of(encode, "rental", rental)) == rental


LATER = [
    ("incident", evolve(stores.incident(), kind="FORESEEN")),
    ("trail_entry", evolve(stores.trail_entry(), action="ORACLE_ASKED")),
]
DECIDING = [
    ("account", stores.SUSPENDED, "SUSPENDED"),
    ("transfer", stores.transfer(), "AVAILABLE"),
    ("rental", stores.waiting(), "WAITING"),
    ("step", stores.step(), "WAITING"),
    ("idempotency", stores.record(), "RUNNING"),
    ("delivery", stores.delivery(), "PENDING"),
]


@every_database
@pytest.mark.parametrize(("kind", "fact"), LATER)
def test_a_word_of_a_later_version_that_is_only_shown_is_kept(
    decode: Decode, encode: Encode, kind: str, fact: object
) -> None:
    assert getattr(decode, kind)(row_of(encode, kind, fact)) == fact


@every_database
@pytest.mark.parametrize(("kind", "fact", "word"), DECIDING)
def test_a_word_of_a_later_version_that_decides_something_is_refused(
    decode: Decode, encode: Encode, kind: str, fact: object, word: str
) -> None:
    row = row_of(encode, kind, fact)
    assert word in row
    with pytest.raises((KeyError, ValueError), match="FORESEEN"):
        getattr(decode, kind)(tuple("FORESEEN" if value == word else value for value in row))


def test_events_of_a_later_version_are_left_out() -> None:
    assert to_events("sms.received,rental.foreseen") == {WebhookEvent.SMS_RECEIVED}
