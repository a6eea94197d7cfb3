"""What moves money, and the transfer's id that says so."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from kiwisms.domain.ids import TransferId
from kiwisms.domain.rental import Rental
from kiwisms.domain.text import printable
from kiwisms.domain.wallet import Cause

LONGEST_REASON: Final = 500
LONGEST_REFERENCE: Final = 200

_RENTAL: Final = "rental"


class Effect(StrEnum):
    """What can happen to the price of a rental."""

    HOLD = "hold"
    """available → held."""
    CORRECT = "correct"
    """What was held too much goes back: held → available."""
    RELEASE = "release"
    """All that is held goes back: held → available."""
    CAPTURE = "capture"
    """All that is held is earned: held → revenue."""
    NOTHING = "nothing"


class OperatorMove(StrEnum):
    """How the operator moves a customer's money."""

    CREDIT = "credit"
    """funding → available."""
    DEBIT = "debit"
    """available → funding."""


def transfer_id(rental: Rental, effect: Effect) -> TransferId:
    """Name the transfer of one effect on one rental: each can exist only once."""
    return TransferId(f"{_RENTAL}:{rental.id}:{effect}")


def operator_transfer_id(move: OperatorMove, reference: str) -> TransferId:
    """
    Name the transfer that an operator's *reference* causes.

    Raises:
        ValidationRefused: The reference has not 1 to 200 printable characters.
    """
    return TransferId(f"{move}:{printable('reference', reference, longest=LONGEST_REFERENCE)}")


def operator_cause(move: OperatorMove, reference: str, *, reason: str, at: datetime) -> Cause:
    """
    Say why the operator moves money.

    Raises:
        ValidationRefused: The *reference* has not 1 to 200 printable characters, or the *reason*
            not 1 to 500.
    """
    said = printable("reason", reason, longest=LONGEST_REASON)
    return Cause(id=operator_transfer_id(move, reference), reason=said, at=at)


def is_of_rental(transfer_id: TransferId) -> bool:
    """Whether it names a transfer that a rental caused."""
    return transfer_id.startswith(f"{_RENTAL}:")


def cause_of(transfer_id: TransferId) -> Effect | OperatorMove | None:
    """
    Read what moved the money; ``None`` where the id names nothing that could.

    >>> cause_of(TransferId("rental:r-1:hold")), cause_of(TransferId("credit:invoice-1"))
    (<Effect.HOLD: 'hold'>, <OperatorMove.CREDIT: 'credit'>)
    """
    try:
        if is_of_rental(transfer_id):
            return Effect(transfer_id.rpartition(":")[2])
        return OperatorMove(transfer_id.partition(":")[0])
    except ValueError:
        return None
