"""
Facts to statements: which SQL takes a fact in, and with what.

No row has the account: it comes from the wallet's row, to which all writes of a unit of work are
bound.
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
    """A statement, its parameters, and the fact's place: of two writes there the last stands."""

    statement: str
    row: Row
    place: Hashable


rows: Final = Encode(from_moment)
"""Makes the rows of facts."""

REPLACED: Final[Mapping[type[Fact], tuple[str, Callable[[Any], Row]]]] = {
    ApiKey: (sql.SAVE_API_KEY, rows.api_key),
    Rental: (sql.SAVE_RENTAL, rows.rental),
    IdempotencyRecord: (sql.SAVE_IDEMPOTENCY, rows.idempotency),
    Webhook: (sql.SAVE_WEBHOOK, rows.webhook),
    Delivery: (sql.SAVE_DELIVERY, rows.delivery),
    Incident: (sql.SAVE_INCIDENT, rows.incident),
}
"""By the kind of fact: the statement that takes it in, and how its row is made, its key first."""

ADDED: Final[Mapping[type[Fact], tuple[str, Callable[[Any], Row]]]] = {
    Transfer: (sql.ADD_TRANSFER, rows.transfer),
    Step: (sql.ADD_STEP, rows.step),
    TrailEntry: (sql.ADD_TRAIL_ENTRY, rows.trail_entry),
}
"""The same of facts that are never replaced."""


def write_of(fact: Fact) -> Write:
    """Find the statement that takes in *fact*, which is not a wallet, and make its row."""
    if isinstance(fact, Account):
        return Write(sql.SAVE_ACCOUNT, rows.account(fact), Account)
    kind = type(fact)
    if kind in ADDED:
        statement, row_of = ADDED[kind]
        return Write(statement, row_of(fact), object())
    statement, row_of = REPLACED[kind]
    row = row_of(fact)
    return Write(statement, row, (kind, row[0]))


def arrival(rental_id: RentalId) -> Write:
    """Find the statement that gives a rental the place that is free, and its row."""
    return Write(sql.TAKE_PLACE, (rental_id,), sql.TAKE_PLACE)


def departure(rental: Rental) -> Write:
    """Find the statement that frees the place that *rental* may have had, and its row."""
    return Write(sql.LEAVE_PLACE, (rental.id,), (sql.LEAVE_PLACE, rental.id))


def removal_of(webhook: Webhook) -> Write:
    """Find the statement that takes *webhook* out, and its row."""
    row = (from_key_prefix(webhook.key_prefix),)
    return Write(sql.REMOVE_WEBHOOK, row, (Webhook, row[0]))
