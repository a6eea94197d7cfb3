"""A unit of work on the records of one account."""

from collections.abc import Callable
from operator import methodcaller

from kiwisms.adapters.memory.records import Records
from kiwisms.domain.account import Account
from kiwisms.domain.actors import WORKER
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import (
    AccountId,
    ActivationId,
    DeliveryId,
    IdempotencyKey,
    IncidentId,
    KeyPrefix,
    RentalId,
    TransferId,
)
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import OPEN, State
from kiwisms.domain.usage import Usage, UsageQuery
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.transaction import Fact


class MemoryTransaction:
    """A `Transaction` on *own* records."""

    def __init__(self, own: Records) -> None:
        self._own = own
        self.changes: list[Callable[[Records], None]] = []
        """The changes that the commit makes to the records, in order."""
        self.most_waiting: int | None = None
        """How many rentals of all accounts may be UNDECIDED then; ``None`` when not limited."""
        self.numbers: set[ActivationId] = set()
        """The numbers of the OPEN rentals that the commit writes."""

    async def account(self) -> Account:
        """The account itself."""
        return self._own.account

    async def wallet(self) -> Wallet:
        """The account's wallet."""
        return self._own.wallet

    async def transfer(self, transfer_id: TransferId) -> Transfer | None:
        """One transfer of the account."""
        return self._own.transfers.get(transfer_id)

    async def rental(self, rental_id: RentalId) -> Rental | None:
        """One rental of the account, in any state."""
        return self._own.rentals.get(rental_id)

    async def usage(self, asked: UsageQuery) -> Usage:
        """Count what an account's limits apply to."""
        own = self._own.rentals.values()
        cancels = sorted(
            step.at
            for step in self._own.steps.values()
            if step.state is State.CANCELLED and step.by != WORKER and step.at >= asked.since
        )
        return Usage(
            active=sum(
                rental.state is State.REQUESTED or rental.is_active(asked.now) for rental in own
            ),
            nth_cancel=(cancels[-asked.max_cancels] if len(cancels) >= asked.max_cancels else None),
        )

    async def idempotency(self, key: IdempotencyKey) -> IdempotencyRecord | None:
        """The record of one of the account's idempotency keys."""
        return self._own.idempotency.get(key)

    async def api_key(self, prefix: KeyPrefix) -> ApiKey | None:
        """One API key of the account."""
        return self._own.api_keys.get(prefix)

    async def webhook(self, key_prefix: KeyPrefix | None) -> Webhook | None:
        """The address of exactly this key; with ``None``, the account's own."""
        return self._own.webhooks.get(key_prefix)

    async def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """One webhook delivery of the account."""
        return self._own.deliveries.get(delivery_id)

    async def incident(self, incident_id: IncidentId) -> Incident | None:
        """One incident of the account."""
        return self._own.incidents.get(incident_id)

    def save(self, *facts: Fact) -> None:
        """Write *facts* with the commit; all must belong to the account."""
        for fact in facts:
            self._must_be_own(fact.id if isinstance(fact, Account) else fact.account_id)
            self.changes.append(methodcaller("put", fact))
            if isinstance(fact, Rental) and fact.state in OPEN and fact.activation_id is not None:
                self.numbers.add(fact.activation_id)

    def take_place(self, _rental_id: RentalId, *, most: int) -> None:
        """Take one of *most* places upstream; here each UNDECIDED rental has one."""
        self.most_waiting = most

    def remove(self, webhook: Webhook) -> None:
        """Remove a webhook address with the commit."""
        self._must_be_own(webhook.account_id)
        self.changes.append(methodcaller("forget", webhook))

    def _must_be_own(self, account_id: AccountId) -> None:
        if account_id != self._own.account.id:
            raise ValueError(f"a fact of {account_id} in a transaction of {self._own.account.id}")
