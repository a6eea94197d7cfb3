"""
Encodes values as rows, with the columns in the order of the stores' statements.

No row has the account id: a statement takes it first, last, or not at all.
"""

from typing import Final

from kiwisms.adapters.sql_rows.columns import (
    Row,
    from_events,
    from_key_prefix,
    from_optional_money,
    optional,
)
from kiwisms.adapters.sql_rows.lists import FromMoment, from_failures, from_messages
from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Balance, Reading
from kiwisms.domain.rental import Rental
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook


class Encode:
    """
    Encodes the rows of one database.

    Args:
        from_moment: Encodes a moment for this database, for a column or for JSON.
    """

    def __init__(self, from_moment: FromMoment) -> None:
        self.moment: Final = from_moment
        """Encode a moment."""
        self._from_optional_moment = optional(from_moment)

    def account(self, account: Account) -> Row:
        """Encode an account, without its id."""
        return (
            account.email,
            account.status.value,
            account.suspended_for,
            account.password_hash,
            self.moment(account.created_at),
        )

    def wallet(self, wallet: Wallet) -> Row:
        """Encode a wallet's sums."""
        return wallet.available.micros, wallet.held.micros, wallet.transfers

    def api_key(self, key: ApiKey) -> Row:
        """Encode an API key."""
        return (
            key.prefix,
            key.secret_hash,
            key.label,
            self.moment(key.created_at),
            self._from_optional_moment(key.revoked_at),
        )

    def transfer(self, transfer: Transfer) -> Row:
        """Encode a transfer."""
        return (
            transfer.number,
            transfer.id,
            transfer.debit.value,
            transfer.credit.value,
            transfer.amount.micros,
            transfer.reason,
            self.moment(transfer.at),
        )

    def rental(self, rental: Rental) -> Row:
        """Encode a rental."""
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
            from_messages(rental.messages, self.moment),
            self.moment(rental.created_at),
            self.moment(rental.changed_at),
            self.moment(rental.expires_at),
            self._from_optional_moment(rental.asleep_until),
            self._from_optional_moment(rental.done_at),
            self.moment(rental.look_after),
            self._from_optional_moment(rental.due_at),
        )

    def step(self, step: Step) -> Row:
        """Encode a step."""
        return (
            step.rental_id,
            step.state.value,
            step.messages,
            step.by,
            self.moment(step.at),
        )

    def idempotency(self, record: IdempotencyRecord) -> Row:
        """Encode an idempotency record."""
        return (
            record.key,
            record.fingerprint,
            record.rental_id,
            record.state.value,
            self.moment(record.claimed_at),
        )

    def webhook(self, webhook: Webhook) -> Row:
        """Encode a webhook address."""
        return (
            from_key_prefix(webhook.key_prefix),
            webhook.url,
            from_events(webhook.events),
            from_optional_money(webhook.low),
            webhook.sealed_secret,
            webhook.sealed_old_secret,
            self._from_optional_moment(webhook.rotated_at),
            self._from_optional_moment(webhook.stopped_at),
        )

    def delivery(self, delivery: Delivery) -> Row:
        """Encode a delivery."""
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
            from_failures(delivery.failures, self.moment),
            self.moment(delivery.created_at),
            self._from_optional_moment(delivery.due_at),
        )

    def incident(self, incident: Incident) -> Row:
        """Encode an incident."""
        return (
            incident.id,
            incident.rental_id,
            str(incident.kind),
            incident.detail,
            incident.price.micros,
            *self._balance(incident.before),
            *self._balance(incident.after),
            incident.activation_id,
            self.moment(incident.at),
            self._from_optional_moment(incident.due_at),
            self._from_optional_moment(incident.resolved_at),
            incident.resolution,
            incident.unanswered,
        )

    def trail_entry(self, entry: TrailEntry) -> Row:
        """Encode an entry of the trail."""
        return (
            entry.id,
            self.moment(entry.at),
            entry.by,
            str(entry.action),
            entry.subject,
            entry.detail,
        )

    def pushed(self, pushed: PushedMessage) -> Row:
        """Encode a pushed message."""
        return (
            pushed.id,
            pushed.activation_id,
            pushed.service,
            pushed.code,
            pushed.text,
            self._from_optional_moment(pushed.received_at),
            self.moment(pushed.arrived_at),
        )

    def reading(self, reading: Reading) -> Row:
        """Encode a reading of upstream's balance."""
        return (
            self.moment(reading.at),
            reading.balance.micros,
            reading.spent.micros,
            reading.topped_up.micros,
        )

    def _balance(self, balance: Balance | None) -> Row:
        if balance is None:
            return None, None
        return balance.amount.micros, self.moment(balance.at)
