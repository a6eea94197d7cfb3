"""Facts to statements: the SQL that saves a fact, and its parameters."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kiwisms.adapters.sql_rows.columns import Row, from_key_prefix
from kiwisms.adapters.sql_rows.encode import Encode
from kiwisms.adapters.sqlite.columns import from_moment
from kiwisms.adapters.sqlite.statements import saves as sql
from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.rental import Rental
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.transaction import Fact

Write = tuple[str, Row]
"""A statement and its parameters."""

rows: Final = Encode(from_moment)
"""Encodes facts as rows, without the account id."""

WRITES: Final[Mapping[type[Fact], tuple[str, Callable[[Any], Row]]]] = {
    ApiKey: (sql.SAVE_API_KEY, rows.api_key),
    Transfer: (sql.ADD_TRANSFER, rows.transfer),
    Rental: (sql.SAVE_RENTAL, rows.rental),
    Step: (sql.ADD_STEP, rows.step),
    TrailEntry: (sql.ADD_TRAIL_ENTRY, rows.trail_entry),
    IdempotencyRecord: (sql.SAVE_IDEMPOTENCY, rows.idempotency),
    Webhook: (sql.SAVE_WEBHOOK, rows.webhook),
    Delivery: (sql.SAVE_DELIVERY, rows.delivery),
    Incident: (sql.SAVE_INCIDENT, rows.incident),
}
"""For each kind of fact, the statement that saves it, and the encoder of the columns after the
account id."""


def account(account: Account) -> Row:
    """Encode an account, its id last."""
    return (*rows.account(account), account.id)


def write_of(fact: Fact) -> Write:
    """Make the write that saves *fact*."""
    if isinstance(fact, Account):
        return sql.SAVE_ACCOUNT, account(fact)
    if isinstance(fact, Wallet):
        return sql.SAVE_WALLET, (*rows.wallet(fact), fact.account_id)
    statement, row_of = WRITES[type(fact)]
    return statement, (fact.account_id, *row_of(fact))


def removal_of(webhook: Webhook) -> Write:
    """Make the write that removes *webhook*."""
    return sql.REMOVE_WEBHOOK, (webhook.account_id, from_key_prefix(webhook.key_prefix))
