"""Dollar amounts as upstream writes them."""

import re
from decimal import Decimal
from typing import Final

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.money import ZERO, Money

_NUMBER: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?")


def read_amount(text: object) -> Money | None:
    """
    Read a number that is written as text, to the nearest millionth.

    Returns:
        The amount; None when the text is not a number.

    >>> read_amount("0.655"), read_amount("nan"), read_amount(None)
    (Money(micros=655000), None, None)
    """
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        return None
    try:
        return Money.nearest(Decimal(text))
    except ValidationRefused:
        return None


def read_price(text: object) -> Money | None:
    """Read an amount that must be greater than zero."""
    amount = read_amount(text)
    return amount if amount is not None and amount > ZERO else None
