"""
Facts to statements: the SQL that saves a fact, and its parameters.

No row has the account id: every write of a unit of work takes it from the wallet's row.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

from attrs import frozen

from kiwisms.adapters.postgres.columns import from_moment
from kiwisms.adapters.postgres.statements import saves as sql
from kiwisms.adapters.sql_rows.columns import Row, from_key_prefix
from kiwisms.adapters.sql_rows.encode import Encode
from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.rental import Rental
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.transaction import Fact


@frozen
class Write:
    """A statement and its parameters; a later write with the same *key* replaces it."""

    statement: str
    row: Row
    key: Hashable


rows: Final = Encode(from_moment)
"""Encodes facts as rows."""

REPLACED: Final[Mapping[type[Fact], tuple[str, Callable[[Any], Row]]]] = {
    ApiKey: (sql.SAVE_API_KEY, rows.api_key),
    Rental: (sql.SAVE_RENTAL, rows.rental),
    IdempotencyRecord: (sql.SAVE_IDEMPOTENCY, rows.idempotency),
    Webhook: (sql.SAVE_WEBHOOK, rows.webhook),
    Delivery: (sql.SAVE_DELIVERY, rows.delivery),
    Incident: (sql.SAVE_INCIDENT, rows.incident),
}
"""For each kind of fact, the statement that saves it, and the encoder of its row, key first."""

ADDED: Final[Mapping[type[Fact], tuple[str, Callable[[Any], Row]]]] = {
    Transfer: (sql.ADD_TRANSFER, rows.transfer),
    Step: (sql.ADD_STEP, rows.step),
    TrailEntry: (sql.ADD_TRAIL_ENTRY, rows.trail_entry),
}
"""The same for facts that are never replaced."""


def write_of(fact: Fact) -> Write:
    """Make the write that saves *fact*, which is not a wallet."""
    if isinstance(fact, Account):
        return Write(sql.SAVE_ACCOUNT, rows.account(fact), Account)
    kind = type(fact)
    if kind in ADDED:
        statement, row_of = ADDED[kind]
        return Write(statement, row_of(fact), object())
    statement, row_of = REPLACED[kind]
    row = row_of(fact)
    return Write(statement, row, (kind, row[0]))


def take_place(rental_id: RentalId) -> Write:
    """Make the write that gives a free place to a rental."""
    return Write(sql.TAKE_PLACE, (rental_id,), sql.TAKE_PLACE)


def free_place(rental: Rental) -> Write:
    """Make the write that frees the place of *rental*, if it has one."""
    return Write(sql.LEAVE_PLACE, (rental.id,), (sql.LEAVE_PLACE, rental.id))


def removal_of(webhook: Webhook) -> Write:
    """Make the write that removes *webhook*."""
    row = (from_key_prefix(webhook.key_prefix),)
    return Write(sql.REMOVE_WEBHOOK, row, (Webhook, row[0]))
