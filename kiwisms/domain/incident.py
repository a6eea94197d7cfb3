"""What the operator must know: an outcome upstream that nobody here can tell."""

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from kiwisms.domain.ids import AccountId, ActivationId, IncidentId, RentalId
from kiwisms.domain.money import Money


class IncidentKind(StrEnum):
    """What is unknown."""

    ANSWER_LOST = "ANSWER_LOST"
    """A number was asked for, or released, and the answer never came or was nonsense."""
    NOBODY_CAME_BACK = "NOBODY_CAME_BACK"
    """The process that asked for a number died before it wrote the answer down."""
    ANSWER_TOO_LATE = "ANSWER_TOO_LATE"
    """A number came after its request was given up, and was to be handed back upstream."""


@frozen(kw_only=True)
class Incident:
    """
    A number that may have been rented upstream although the customer was not charged.

    *price* is what the customer would have paid, and *balance* upstream's balance afterwards,
    where it could be read.
    """

    id: IncidentId
    account_id: AccountId
    rental_id: RentalId
    kind: IncidentKind
    detail: str
    price: Money
    balance: Money | None = None
    activation_id: ActivationId | None = None
    at: datetime
