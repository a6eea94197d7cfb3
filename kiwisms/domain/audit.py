"""The audit of an account's books: what can be derived is derived again and compared."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from kiwisms.domain import audit_money as money
from kiwisms.domain import audit_records as records
from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.domain.books import Books, Violation
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.rental import Rental
from kiwisms.domain.trail import TrailEntry
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook

Check = Callable[[Books], Iterator[Violation]]

CHECKS: Final[Mapping[type, tuple[Check, ...]]] = MappingProxyType(
    {
        Transfer: (
            money.numbers_have_no_gap,
            money.never_negative,
            money.transfers_have_their_rental,
            money.transfers_match_their_cause,
        ),
        Wallet: (money.wallet_is_the_sum, money.held_matches_undecided_rentals),
        Rental: (
            money.rentals_are_settled,
            records.places_match_undecided_rentals,
            records.rentals_match_their_last_step,
            records.waiting_work_is_due,
        ),
        Step: (records.steps_follow_the_table,),
        IdempotencyRecord: (records.keys_match_their_rentals,),
        Delivery: (records.deliveries_match_their_rentals,),
        Incident: (records.incidents_have_their_rentals,),
    }
)
"""For each kind of fact, the checks that compare it with the others. Each is listed once."""

UNCHECKED: Final[Mapping[type, str]] = MappingProxyType(
    {
        Account: "it is what the operator last set, and no other record shows that",
        ApiKey: "only its hash is kept, and nothing else depends on it",
        Webhook: "it is what was last set, and its secret is sealed",
        TrailEntry: "it may be pruned, and no other record shows who did what",
    }
)
"""Kinds of facts that no check can derive from others, and why."""


def audit(books: Books) -> Iterator[Violation]:
    """Run every check; yields nothing when the books are right."""
    for checks in CHECKS.values():
        for check in checks:
            yield from check(books)
