"""
Facts to statements: which SQL takes a fact in, and with what.

Rows have the order of the places in `statements`. The account is in none of them: it comes from
the wallet's row, to which all writes of a unit of work are bound.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

from attrs import frozen

from kiwisms.adapters.postgres import statements as sql
from kiwisms.adapters.postgres.columns import (
    Row,
    from_balance,
    from_events,
    from_failures,
    from_messages,
    from_optional_money,
)
from kiwisms.domain.account import Account, ApiKey
from kiwisms.domain.delivery import Delivery, Webhook
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import KeyPrefix, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Reading
from kiwisms.domain.rental import Rental, Step
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.store import Fact


@frozen
class Write:
    """A statement, its parameters, and the fact's place: of two writes there the last stands."""

    statement: str
    row: Row
    place: Hashable


def key_prefix(prefix: KeyPrefix | None) -> str:
    """Write whose webhook it is; the account's own has the empty prefix, as a key has no NULL."""
    return prefix or ""


def account(account: Account) -> Row:
    """Write an account, but for its id."""
    return (
        account.email,
        account.status.value,
        account.suspended_for,
        account.password_hash,
        account.created_at,
    )


def wallet(wallet: Wallet) -> Row:
    """Write a wallet's sums."""
    return wallet.available.micros, wallet.held.micros, wallet.transfers


def _api_key(key: ApiKey) -> Row:
    return key.prefix, key.secret_hash, key.label, key.created_at, key.revoked_at


def _transfer(transfer: Transfer) -> Row:
    return (
        transfer.number,
        transfer.id,
        transfer.debit.value,
        transfer.credit.value,
        transfer.amount.micros,
        transfer.reason,
        transfer.at,
    )


def _rental(rental: Rental) -> Row:
    return (
        rental.id,
        rental.key_prefix,
        rental.idempotency_key,
        rental.renews,
        rental.service,
        rental.service_name,
        rental.country,
        rental.state.value,
        rental.price.micros,
        from_optional_money(rental.cost),
        rental.activation_id,
        rental.phone,
        from_messages(rental.messages),
        rental.created_at,
        rental.changed_at,
        rental.expires_at,
        rental.asleep_until,
        rental.done_at,
        rental.look_after,
        rental.due_at,
    )


def _step(step: Step) -> Row:
    return step.rental_id, step.state.value, step.messages, step.by, step.at


def _idempotency(record: IdempotencyRecord) -> Row:
    return (
        record.key,
        record.fingerprint,
        record.rental_id,
        record.state.value,
        record.claimed_at,
    )


def _webhook(webhook: Webhook) -> Row:
    return (
        key_prefix(webhook.key_prefix),
        webhook.url,
        from_events(webhook.events),
        from_optional_money(webhook.low),
        webhook.sealed_secret,
        webhook.sealed_old_secret,
        webhook.rotated_at,
        webhook.stopped_at,
    )


def _delivery(delivery: Delivery) -> Row:
    return (
        delivery.id,
        delivery.key_prefix,
        delivery.event,
        delivery.rental_id,
        delivery.body,
        delivery.status.value,
        delivery.attempts,
        delivery.tries_left,
        delivery.last_error,
        from_failures(delivery.failures),
        delivery.created_at,
        delivery.due_at,
    )


def _incident(incident: Incident) -> Row:
    return (
        incident.id,
        incident.rental_id,
        incident.kind.value,
        incident.detail,
        incident.price.micros,
        *from_balance(incident.before),
        *from_balance(incident.after),
        incident.activation_id,
        incident.at,
        incident.due_at,
        incident.resolved_at,
        incident.resolution,
    )


def _trail_entry(entry: TrailEntry) -> Row:
    return (
        entry.id,
        entry.at,
        entry.by,
        entry.action.value,
        entry.subject,
        entry.detail,
    )


def pushed(pushed: PushedMessage) -> Row:
    """Write a pushed message."""
    return (
        pushed.id,
        pushed.activation_id,
        pushed.service,
        pushed.code,
        pushed.text,
        pushed.received_at,
        pushed.arrived_at,
    )


def reading(reading: Reading) -> Row:
    """Write a reading of upstream's balance."""
    return (
        reading.at,
        reading.balance.micros,
        reading.spent.micros,
        reading.topped_up.micros,
    )


REPLACED: Final[Mapping[type[Fact], tuple[str, Callable[[Any], Row]]]] = {
    ApiKey: (sql.SAVE_API_KEY, _api_key),
    Rental: (sql.SAVE_RENTAL, _rental),
    IdempotencyRecord: (sql.SAVE_IDEMPOTENCY, _idempotency),
    Webhook: (sql.SAVE_WEBHOOK, _webhook),
    Delivery: (sql.SAVE_DELIVERY, _delivery),
    Incident: (sql.SAVE_INCIDENT, _incident),
}
"""By the kind of fact: the statement that takes it in, and how its row is made, its key first."""

ADDED: Final[Mapping[type[Fact], tuple[str, Callable[[Any], Row]]]] = {
    Transfer: (sql.ADD_TRANSFER, _transfer),
    Step: (sql.ADD_STEP, _step),
    TrailEntry: (sql.ADD_TRAIL_ENTRY, _trail_entry),
}
"""The same of facts that are never replaced."""


def write_of(fact: Fact) -> Write:
    """Find the statement that takes in *fact*, which is not a wallet, and make its row."""
    if isinstance(fact, Account):
        return Write(sql.SAVE_ACCOUNT, account(fact), Account)
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
    row = (key_prefix(webhook.key_prefix),)
    return Write(sql.REMOVE_WEBHOOK, row, (Webhook, row[0]))
