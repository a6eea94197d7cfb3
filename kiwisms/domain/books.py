"""An account's records, as the audit checks them against one another."""

from collections.abc import Collection, Sequence

from attrs import frozen

from kiwisms.domain.delivery import Delivery
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.rental import Rental
from kiwisms.domain.wallet import Wallet


@frozen(kw_only=True)
class Books:
    """
    One account's records at one moment.

    *transfers* are in the order of their numbers. *places* are the rentals that have a place
    upstream; ``None`` when the store does not record places.
    """

    wallet: Wallet
    transfers: Sequence[Transfer] = ()
    rentals: Sequence[Rental] = ()
    steps: Sequence[Step] = ()
    idempotency: Sequence[IdempotencyRecord] = ()
    deliveries: Sequence[Delivery] = ()
    incidents: Sequence[Incident] = ()
    places: Collection[RentalId] | None = None


@frozen(kw_only=True)
class Violation:
    """A broken law: its name, the row, what was expected and what was found."""

    law: str
    account_id: AccountId
    row: str
    expected: str
    found: str


def violation(books: Books, law: str, row: str, expected: object, found: object) -> Violation:
    """Report that *law* is broken in *row*."""
    return Violation(
        law=law,
        account_id=books.wallet.account_id,
        row=row,
        expected=str(expected),
        found=str(found),
    )
