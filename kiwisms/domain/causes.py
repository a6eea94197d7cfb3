"""The causes that move money, and the transfer ids made from them."""

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
    """The excess of the hold goes back: held → available."""
    RELEASE = "release"
    """The whole hold goes back: held → available."""
    CAPTURE = "capture"
    """The whole hold is earned: held → revenue."""
    NOTHING = "nothing"


class OperatorMove(StrEnum):
    """How the operator moves a customer's money."""

    CREDIT = "credit"
    """funding → available."""
    DEBIT = "debit"
    """available → funding."""


def transfer_id(rental: Rental, effect: Effect) -> TransferId:
    """Make the id of a rental's transfer: each effect can move money only once."""
    return TransferId(f"{_RENTAL}:{rental.id}:{effect}")


def operator_transfer_id(move: OperatorMove, reference: str) -> TransferId:
    """
    Make the id of the transfer for an operator's *reference*.

    Raises:
        ValidationRefused: The reference does not have 1 to 200 printable characters.
    """
    return TransferId(f"{move}:{printable('reference', reference, longest=LONGEST_REFERENCE)}")


def operator_cause(move: OperatorMove, reference: str, *, reason: str, at: datetime) -> Cause:
    """
    Make the cause of an operator's transfer.

    Raises:
        ValidationRefused: The *reference* does not have 1 to 200 printable characters, or the
            *reason* does not have 1 to 500.
    """
    checked = printable("reason", reason, longest=LONGEST_REASON)
    return Cause(id=operator_transfer_id(move, reference), reason=checked, at=at)


def is_of_rental(transfer_id: TransferId) -> bool:
    """Whether a rental caused the transfer."""
    return transfer_id.startswith(f"{_RENTAL}:")


def cause_of(transfer_id: TransferId) -> Effect | OperatorMove | None:
    """
    Read the cause from a transfer's id; ``None`` when it names no known cause.

    >>> cause_of(TransferId("rental:r-1:hold")), cause_of(TransferId("credit:invoice-1"))
    (<Effect.HOLD: 'hold'>, <OperatorMove.CREDIT: 'credit'>)
    """
    try:
        if is_of_rental(transfer_id):
            return Effect(transfer_id.rpartition(":")[2])
        return OperatorMove(transfer_id.partition(":")[0])
    except ValueError:
        return None
