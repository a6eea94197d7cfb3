"""The records of one account, and how a fact is written to them."""

from collections.abc import Collection, Hashable, Iterable, Mapping
from datetime import datetime
from typing import Self, TypeVar

from attrs import Factory, define

from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.books import Books
from kiwisms.domain.delivery import Delivery, DeliveryStatus
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import IdempotencyRecord, KeyState
from kiwisms.domain.ids import (
    ActivationId,
    DeliveryId,
    IdempotencyKey,
    IncidentId,
    KeyPrefix,
    RentalId,
    TrailId,
    TransferId,
)
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import UNDECIDED, State
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.store import Pruned, StoreUnavailable
from kiwisms.ports.transaction import Fact

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Replaceable = Account | ApiKey | Wallet | Rental | IdempotencyRecord | Webhook | Delivery | Incident
"""Facts that replace the earlier one with the same key."""


@define(kw_only=True)
class Records:
    """
    The facts of one account by their keys.

    A transaction changes a `draft`, which replaces the original on success.
    """

    account: Account
    wallet: Wallet
    api_keys: dict[KeyPrefix, ApiKey] = Factory(dict)
    transfers: dict[TransferId, Transfer] = Factory(dict)
    rentals: dict[RentalId, Rental] = Factory(dict)
    steps: dict[tuple[RentalId, State, int], Step] = Factory(dict)
    idempotency: dict[IdempotencyKey, IdempotencyRecord] = Factory(dict)
    webhooks: dict[KeyPrefix | None, Webhook] = Factory(dict)
    deliveries: dict[DeliveryId, Delivery] = Factory(dict)
    incidents: dict[IncidentId, Incident] = Factory(dict)
    trail: dict[TrailId, TrailEntry] = Factory(dict)

    def draft(self) -> Self:
        """A copy: changes to it do not change the original."""
        return type(self)(
            account=self.account,
            wallet=self.wallet,
            api_keys=dict(self.api_keys),
            transfers=dict(self.transfers),
            rentals=dict(self.rentals),
            steps=dict(self.steps),
            idempotency=dict(self.idempotency),
            webhooks=dict(self.webhooks),
            deliveries=dict(self.deliveries),
            incidents=dict(self.incidents),
            trail=dict(self.trail),
        )

    def put(self, fact: Fact) -> None:
        """Write a fact; raises `StoreUnavailable` for a duplicate that may not be replaced."""
        match fact:
            case Transfer() | Step() | TrailEntry():
                self._add(fact)
            case _:
                self._replace(fact)

    def forget(self, webhook: Webhook) -> None:
        """Remove a webhook address."""
        self.webhooks.pop(webhook.key_prefix, None)

    def prune(self, before: datetime, limit: int, pushed_for: Collection[ActivationId]) -> Pruned:
        """Remove records that ended before *before*, except incidents of numbers with pushes."""
        keys = [
            each.key
            for each in self.idempotency.values()
            if each.state is not KeyState.RUNNING and each.claimed_at < before
        ][:limit]
        deliveries = [
            each.id
            for each in self.deliveries.values()
            if each.status is not DeliveryStatus.PENDING and each.created_at < before
        ][:limit]
        incidents = [
            each.id
            for each in self.incidents.values()
            if each.resolved_at is not None
            and each.resolved_at < before
            and each.activation_id not in pushed_for
        ][:limit]
        entries = [each.id for each in self.trail.values() if each.at < before][:limit]
        self.idempotency = _without(self.idempotency, keys)
        self.deliveries = _without(self.deliveries, deliveries)
        self.incidents = _without(self.incidents, incidents)
        self.trail = _without(self.trail, entries)
        return Pruned(
            keys=len(keys),
            deliveries=len(deliveries),
            incidents=len(incidents),
            entries=len(entries),
        )

    def waiting_upstream(self) -> int:
        """How many of the account's rentals take a place upstream: those that are UNDECIDED."""
        return sum(rental.state in UNDECIDED for rental in self.rentals.values())

    def books(self) -> Books:
        """The account's books as they are now."""
        return Books(
            wallet=self.wallet,
            transfers=sorted(self.transfers.values(), key=lambda each: each.number),
            rentals=tuple(self.rentals.values()),
            steps=tuple(self.steps.values()),
            idempotency=tuple(self.idempotency.values()),
            deliveries=tuple(self.deliveries.values()),
            incidents=tuple(self.incidents.values()),
        )

    def _add(self, fact: Transfer | Step | TrailEntry) -> None:
        match fact:
            case Transfer():
                numbers = (transfer.number for transfer in self.transfers.values())
                _must_be_new(fact.number, numbers, f"transfer {fact.number}")
                _must_be_new(fact.id, self.transfers, f"transfer {fact.id}")
                self.transfers[fact.id] = fact
            case Step():
                place = fact.rental_id, fact.state, fact.messages
                _must_be_new(place, self.steps, f"step {place}")
                self.steps[place] = fact
            case TrailEntry():
                _must_be_new(fact.id, self.trail, f"trail entry {fact.id}")
                self.trail[fact.id] = fact

    def _replace(self, fact: Replaceable) -> None:
        match fact:
            case Rental():
                self.rentals[fact.id] = fact
            case Wallet():
                self.wallet = fact
            case IdempotencyRecord():
                self.idempotency[fact.key] = fact
            case Delivery():
                self.deliveries[fact.id] = fact
            case Incident():
                self.incidents[fact.id] = fact
            case Account():
                self.account = fact
            case ApiKey():
                self.api_keys[fact.prefix] = fact
            case Webhook():
                self.webhooks[fact.key_prefix] = fact


def _without(facts: Mapping[K, V], keys: Collection[K]) -> dict[K, V]:
    gone = set(keys)
    return {key: fact for key, fact in facts.items() if key not in gone}


def _must_be_new(key: Hashable, known: Iterable[Hashable], name: str) -> None:
    if key in known:
        raise StoreUnavailable(f"the store refused the write: {name} already exists")
