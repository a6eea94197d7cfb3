"""
Decodes rows to values, by hand, so that a poll, which is one row, takes microseconds.

Each function takes the columns in the order of `sql_rows.statements`.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from kiwisms.adapters.sql_rows.columns import (
    Row,
    optional,
    to_action,
    to_events,
    to_key_prefix,
    to_kind,
    to_optional_money,
)
from kiwisms.adapters.sql_rows.lists import ToMoment, to_failures, to_messages
from kiwisms.domain.account import Account, AccountStatus
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.delivery import Delivery, DeliveryStatus
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import IdempotencyRecord, KeyState
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import LedgerAccount, Transfer
from kiwisms.domain.money import Money
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Balance, Outlay, Reading
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook

STATES: Final = {state.value: state for state in State}
"""A look-up in the enumeration itself takes twenty times as long."""


class Decode:
    """
    Decodes the rows of one database.

    Args:
        to_moment: Decodes a moment of this database.
    """

    def __init__(self, to_moment: ToMoment) -> None:
        self._to_moment = to_moment
        self._to_optional_moment = optional(to_moment)
        # Most polls find the row unchanged, and an immutable value can be reused.
        self.rental: Final[Callable[[Row], Rental]] = lru_cache(maxsize=1024)(self._rental)
        """Decode a rental."""

    def account(self, row: Row) -> Account:
        """Decode an account."""
        email, status, suspended_for, password_hash, created_at, account_id = row
        return Account(
            id=account_id,
            email=email,
            status=AccountStatus(status),
            suspended_for=suspended_for,
            password_hash=password_hash,
            created_at=self._to_moment(created_at),
        )

    def api_key(self, row: Row) -> ApiKey:
        """Decode an API key."""
        account_id, prefix, secret_hash, label, created_at, revoked_at = row
        return ApiKey(
            account_id=account_id,
            prefix=prefix,
            secret_hash=secret_hash,
            label=label,
            created_at=self._to_moment(created_at),
            revoked_at=self._to_optional_moment(revoked_at),
        )

    def wallet(self, row: Row) -> Wallet:
        """Decode a wallet."""
        account_id, available, held, transfers = row
        return Wallet(
            account_id=account_id,
            available=Money(available),
            held=Money(held),
            transfers=transfers,
        )

    def transfer(self, row: Row) -> Transfer:
        """Decode a transfer."""
        account_id, number, transfer_id, debit, credit, amount, reason, at = row
        return Transfer(
            account_id=account_id,
            number=number,
            id=transfer_id,
            debit=LedgerAccount(debit),
            credit=LedgerAccount(credit),
            amount=Money(amount),
            reason=reason,
            at=self._to_moment(at),
        )

    def step(self, row: Row) -> Step:
        """Decode a step."""
        account_id, rental_id, state, messages, by, at = row
        return Step(
            account_id=account_id,
            rental_id=rental_id,
            state=STATES[state],
            messages=messages,
            by=by,
            at=self._to_moment(at),
        )

    def idempotency(self, row: Row) -> IdempotencyRecord:
        """Decode an idempotency record."""
        account_id, key, fingerprint, rental_id, state, claimed_at = row
        return IdempotencyRecord(
            account_id=account_id,
            key=key,
            fingerprint=fingerprint,
            rental_id=rental_id,
            state=KeyState(state),
            claimed_at=self._to_moment(claimed_at),
        )

    def webhook(self, row: Row) -> Webhook:
        """Decode a webhook address."""
        (
            account_id,
            key_prefix,
            url,
            events,
            low,
            sealed_secret,
            sealed_old_secret,
            rotated_at,
            stopped_at,
        ) = row
        return Webhook(
            account_id=account_id,
            key_prefix=to_key_prefix(key_prefix),
            url=url,
            events=to_events(events),
            low=to_optional_money(low),
            sealed_secret=sealed_secret,
            sealed_old_secret=sealed_old_secret,
            rotated_at=self._to_optional_moment(rotated_at),
            stopped_at=self._to_optional_moment(stopped_at),
        )

    def delivery(self, row: Row) -> Delivery:
        """Decode a delivery."""
        (
            account_id,
            delivery_id,
            key_prefix,
            event,
            rental_id,
            body,
            status,
            attempts,
            tries_left,
            last_error,
            failures,
            created_at,
            due_at,
        ) = row
        return Delivery(
            account_id=account_id,
            id=delivery_id,
            key_prefix=key_prefix,
            event=event,
            rental_id=rental_id,
            body=body,
            status=DeliveryStatus(status),
            attempts=attempts,
            tries_left=tries_left,
            last_error=last_error,
            failures=to_failures(failures, self._to_moment),
            created_at=self._to_moment(created_at),
            due_at=self._to_optional_moment(due_at),
        )

    def incident(self, row: Row) -> Incident:
        """Decode an incident."""
        (
            account_id,
            incident_id,
            rental_id,
            kind,
            detail,
            price,
            balance_before,
            balance_before_at,
            balance_after,
            balance_after_at,
            activation_id,
            at,
            due_at,
            resolved_at,
            resolution,
            unanswered,
        ) = row
        return Incident(
            account_id=account_id,
            id=incident_id,
            rental_id=rental_id,
            kind=to_kind(kind),
            detail=detail,
            price=Money(price),
            before=self._balance(balance_before, balance_before_at),
            after=self._balance(balance_after, balance_after_at),
            activation_id=activation_id,
            at=self._to_moment(at),
            due_at=self._to_optional_moment(due_at),
            resolved_at=self._to_optional_moment(resolved_at),
            resolution=resolution,
            unanswered=unanswered,
        )

    def trail_entry(self, row: Row) -> TrailEntry:
        """Decode an entry of the trail."""
        account_id, entry_id, at, by, action, subject, detail = row
        return TrailEntry(
            account_id=account_id,
            id=entry_id,
            at=self._to_moment(at),
            by=by,
            action=to_action(action),
            subject=subject,
            detail=detail,
        )

    def pushed(self, row: Row) -> PushedMessage:
        """Decode a pushed message."""
        message_id, activation_id, service, code, text, received_at, arrived_at = row
        return PushedMessage(
            id=message_id,
            activation_id=activation_id,
            service=service,
            code=code,
            text=text,
            received_at=self._to_optional_moment(received_at),
            arrived_at=self._to_moment(arrived_at),
        )

    def outlay(self, row: Row) -> Outlay:
        """Decode the sums of the payments to upstream."""
        spent, uncosted, moving = row
        return Outlay(spent=Money(spent), uncosted=uncosted, moving=moving)

    def reading(self, row: Row) -> Reading:
        """Decode a reading of upstream's balance."""
        at, balance, spent, topped_up = row
        return Reading(
            at=self._to_moment(at),
            balance=Money(balance),
            spent=Money(spent),
            topped_up=Money(topped_up),
        )

    def _rental(self, row: Row) -> Rental:
        (
            account_id,
            rental_id,
            key_prefix,
            idempotency_key,
            renews,
            service,
            service_name,
            country,
            state,
            price,
            cost,
            activation_id,
            phone,
            messages,
            created_at,
            changed_at,
            expires_at,
            asleep_until,
            done_at,
            look_after,
            due_at,
        ) = row
        return Rental(
            account_id=account_id,
            id=rental_id,
            key_prefix=key_prefix,
            idempotency_key=idempotency_key,
            renews=renews,
            service=service,
            service_name=service_name,
            country=country,
            state=STATES[state],
            price=Money(price),
            cost=to_optional_money(cost),
            activation_id=activation_id,
            phone=phone,
            messages=to_messages(messages, self._to_moment),
            created_at=self._to_moment(created_at),
            changed_at=self._to_moment(changed_at),
            expires_at=self._to_moment(expires_at),
            asleep_until=self._to_optional_moment(asleep_until),
            done_at=self._to_optional_moment(done_at),
            look_after=self._to_moment(look_after),
            due_at=self._to_optional_moment(due_at),
        )

    def _balance(self, micros: int | None, at: object) -> Balance | None:
        if micros is None or at is None:
            return None
        return Balance(amount=Money(micros), at=self._to_moment(at))
