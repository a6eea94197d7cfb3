"""
Facts to statements: which SQL takes a fact in, and with what.

Rows have the order of columns that `statements` names.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kiwisms.adapters.sqlite import statements as sql
from kiwisms.adapters.sqlite.columns import (
    Row,
    from_balance,
    from_events,
    from_failures,
    from_messages,
    from_moment,
    from_optional_moment,
    from_optional_money,
)
from kiwisms.domain.account import Account, ApiKey
from kiwisms.domain.delivery import Delivery, Webhook
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import KeyPrefix
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Reading
from kiwisms.domain.rental import Rental, Step
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.store import Fact

Write = tuple[str, Row]
"""A statement and its parameters."""


def key_prefix(prefix: KeyPrefix | None) -> str:
    """Write whose webhook it is; the account's own has the empty prefix, as a key has no NULL."""
    return prefix or ""


def account(account: Account) -> Row:
    """Write an account, its id last."""
    return (
        account.email,
        account.status.value,
        account.suspended_for,
        account.password_hash,
        from_moment(account.created_at),
        account.id,
    )


def _api_key(key: ApiKey) -> Row:
    return (
        key.account_id,
        key.prefix,
        key.secret_hash,
        key.label,
        from_moment(key.created_at),
        from_optional_moment(key.revoked_at),
    )


def _wallet(wallet: Wallet) -> Row:
    return wallet.available.micros, wallet.held.micros, wallet.transfers, wallet.account_id


def _transfer(transfer: Transfer) -> Row:
    return (
        transfer.account_id,
        transfer.number,
        transfer.id,
        transfer.debit.value,
        transfer.credit.value,
        transfer.amount.micros,
        transfer.reason,
        from_moment(transfer.at),
    )


def _rental(rental: Rental) -> Row:
    return (
        rental.account_id,
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
        from_moment(rental.created_at),
        from_moment(rental.changed_at),
        from_moment(rental.expires_at),
        from_optional_moment(rental.asleep_until),
        from_optional_moment(rental.done_at),
        from_moment(rental.look_after),
        from_optional_moment(rental.due_at),
    )


def _step(step: Step) -> Row:
    return (
        step.account_id,
        step.rental_id,
        step.state.value,
        step.messages,
        step.by,
        from_moment(step.at),
    )


def _idempotency(record: IdempotencyRecord) -> Row:
    return (
        record.account_id,
        record.key,
        record.fingerprint,
        record.rental_id,
        record.state.value,
        from_moment(record.claimed_at),
    )


def _webhook(webhook: Webhook) -> Row:
    return (
        webhook.account_id,
        key_prefix(webhook.key_prefix),
        webhook.url,
        from_events(webhook.events),
        from_optional_money(webhook.low),
        webhook.sealed_secret,
        webhook.sealed_old_secret,
        from_optional_moment(webhook.rotated_at),
        from_optional_moment(webhook.stopped_at),
    )


def _delivery(delivery: Delivery) -> Row:
    return (
        delivery.account_id,
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
        from_moment(delivery.created_at),
        from_optional_moment(delivery.due_at),
    )


def _incident(incident: Incident) -> Row:
    return (
        incident.account_id,
        incident.id,
        incident.rental_id,
        incident.kind.value,
        incident.detail,
        incident.price.micros,
        *from_balance(incident.before),
        *from_balance(incident.after),
        incident.activation_id,
        from_moment(incident.at),
        from_optional_moment(incident.due_at),
        from_optional_moment(incident.resolved_at),
        incident.resolution,
    )


def _trail_entry(entry: TrailEntry) -> Row:
    return (
        entry.account_id,
        entry.id,
        from_moment(entry.at),
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
        from_optional_moment(pushed.received_at),
        from_moment(pushed.arrived_at),
    )


def reading(reading: Reading) -> Row:
    """Write a reading of upstream's balance."""
    return (
        from_moment(reading.at),
        reading.balance.micros,
        reading.spent.micros,
        reading.topped_up.micros,
    )


WRITES: Final[Mapping[type[Fact], tuple[str, Callable[[Any], Row]]]] = {
    Account: (sql.SAVE_ACCOUNT, account),
    ApiKey: (sql.SAVE_API_KEY, _api_key),
    Wallet: (sql.SAVE_WALLET, _wallet),
    Transfer: (sql.ADD_TRANSFER, _transfer),
    Rental: (sql.SAVE_RENTAL, _rental),
    Step: (sql.ADD_STEP, _step),
    TrailEntry: (sql.ADD_TRAIL_ENTRY, _trail_entry),
    IdempotencyRecord: (sql.SAVE_IDEMPOTENCY, _idempotency),
    Webhook: (sql.SAVE_WEBHOOK, _webhook),
    Delivery: (sql.SAVE_DELIVERY, _delivery),
    Incident: (sql.SAVE_INCIDENT, _incident),
}
"""By the kind of fact: the statement that takes it in, and how its row is made."""


def write_of(fact: Fact) -> Write:
    """Find the statement that takes *fact* in, and make its row."""
    statement, row = WRITES[type(fact)]
    return statement, row(fact)


def removal_of(webhook: Webhook) -> Write:
    """Find the statement that takes *webhook* out, and its row."""
    return sql.REMOVE_WEBHOOK, (webhook.account_id, key_prefix(webhook.key_prefix))
