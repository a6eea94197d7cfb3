"""Reconciliation: whether upstream's balance changed by what was bought there, and only that."""

from datetime import datetime
from typing import Final

from attrs import frozen

from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.rental_state import OPEN, State

PAID_UPSTREAM: Final = OPEN | {State.COMPLETED}
"""States in which upstream has charged for a number and keeps the money."""


class BooksInMotion(KiwismsError):
    """Numbers were bought or given back each time the balance was read."""

    code = "BOOKS_IN_MOTION"

    def __init__(self) -> None:
        super().__init__("numbers are being bought or given back; try again in a quiet moment")


@frozen(kw_only=True)
class Balance:
    """What was left in the operator's account upstream, and when."""

    amount: Money
    at: datetime


@frozen(kw_only=True)
class Outlay:
    """
    What was paid upstream in total, as our books say.

    Attributes:
        spent: The cost of all numbers that were bought and not given back.
        uncosted: How many of these numbers have a cost that upstream did not report.
        moving: How many rentals our books cannot count yet, as only upstream knows whether they
            are paid for: those being requested, and those whose session is ending.
    """

    spent: Money
    uncosted: int
    moving: int


@frozen(kw_only=True)
class Reading:
    """
    Upstream's balance beside our books, at one quiet moment.

    *topped_up* is what the operator has paid in since the previous reading.
    """

    at: datetime
    balance: Money
    spent: Money
    topped_up: Money = ZERO


def difference(earlier: Reading, later: Reading) -> Money:
    """
    Compute what the books do not explain in upstream's balance; negative when money is missing.

    >>> noon, money = datetime.fromisoformat("2026-01-01T12:00Z"), Money.parse
    >>> earlier = Reading(at=noon, balance=money("100"), spent=money("5"))
    >>> later = Reading(at=noon, balance=money("99.40"), spent=money("5.30"))
    >>> str(difference(earlier, later))
    '-0.30'
    """
    moved = later.balance - earlier.balance
    return moved + (later.spent - earlier.spent) - later.topped_up
