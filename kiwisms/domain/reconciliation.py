"""Whether upstream's balance moved by what was bought there, and by nothing else."""

from datetime import datetime
from typing import Final

from attrs import frozen

from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.rental import OPEN, State

PAID_UPSTREAM: Final = OPEN | {State.COMPLETED}
"""States in which upstream has, and keeps, what a number costs."""


class BooksInMotion(KiwismsError):
    """Numbers were bought or given back each time that the balance was read."""

    code = "BOOKS_IN_MOTION"

    def __init__(self) -> None:
        super().__init__("numbers are bought or given back just now; try again in a quiet moment")


@frozen(kw_only=True)
class Balance:
    """What upstream told was left in the operator's account, and when."""

    amount: Money
    at: datetime


@frozen(kw_only=True)
class Outlay:
    """
    What our books say upstream was ever paid.

    Attributes:
        spent: The cost of all numbers that were bought and not given back.
        uncosted: Numbers of these of which upstream did not tell the cost.
        moving: Rentals of which only upstream knows just now whether they are paid for: those
            that are asked for, and those whose session is ending.
    """

    spent: Money
    uncosted: int
    moving: int


@frozen(kw_only=True)
class Reading:
    """
    Upstream's balance beside our books, at one quiet moment.

    *topped_up* is what the operator has paid in since the reading before.
    """

    at: datetime
    balance: Money
    spent: Money
    topped_up: Money = ZERO


def difference(earlier: Reading, later: Reading) -> Money:
    """
    Say what is in upstream's balance that the books do not explain; negative when it is missing.

    >>> noon, money = datetime.fromisoformat("2026-01-01T12:00Z"), Money.parse
    >>> earlier = Reading(at=noon, balance=money("100"), spent=money("5"))
    >>> later = Reading(at=noon, balance=money("99.40"), spent=money("5.30"))
    >>> str(difference(earlier, later))
    '-0.30'
    """
    moved = later.balance - earlier.balance
    return moved + (later.spent - earlier.spent) - later.topped_up
