"""Exact US dollars: an integer number of millionths, never a float."""

import re
from decimal import Decimal
from fractions import Fraction
from functools import total_ordering
from typing import Final, Self

from attrs import field, frozen

from kiwisms.domain.errors import ValidationRefused

MICROS_PER_DOLLAR: Final = 1_000_000
MICROS_PER_CENT: Final = 10_000
# One account's books stay far inside a signed 64-bit column, sums included.
LARGEST: Final = Decimal(10**9)
PLAIN: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@total_ordering
@frozen
class Money:
    """
    An amount of US dollars.

    >>> Money.parse("0.655") + Money.parse("0.20")
    Money(micros=855000)
    >>> str(3 * Money.parse("0.39"))
    '1.17'
    >>> str(Money.parse("10"))
    '10.00'
    """

    micros: int = field()

    @micros.validator
    def _must_be_whole(self, _micros: object, value: object) -> None:
        # In Python True is an int too, but it is not an amount.
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{value!r} is not a whole number of millionths")

    @classmethod
    def parse(cls, value: "Amount", *, name: str = "amount") -> Self:
        """
        Read an amount of dollars exactly.

        Args:
            value: Dollars, such as ``"10.00"``, in the digits 0 to 9; at most six decimals and at
                most one billion. `Money` is read as it is.
            name: What to call the value in the error.

        Raises:
            ValidationRefused: *value* is not such a number.
            TypeError: It is neither text nor a number.
        """
        micros = _micros(value, name)
        if micros.denominator != 1:
            raise ValidationRefused(name, "has more than six decimals")
        return cls(int(micros))

    @classmethod
    def nearest(cls, value: "Amount", *, name: str = "amount") -> Self:
        """
        Read an amount of dollars, rounded to the nearest millionth.

        For amounts from other systems, perhaps from a float: 0.30000000000000004 is 0.30.
        Arguments and errors are those of `parse`.
        """
        return cls(round(_micros(value, name)))

    @property
    def dollars(self) -> Decimal:
        """The same amount as a decimal number of dollars."""
        return Decimal(self.micros) / MICROS_PER_DOLLAR

    @property
    def is_whole_cents(self) -> bool:
        """Whether it is a whole number of cents; wallets hold only such amounts."""
        return self.micros % MICROS_PER_CENT == 0

    def must_be_payable(self, name: str = "amount") -> None:
        """Raise `ValidationRefused` unless it is more than 0 and in whole cents."""
        if self <= ZERO or not self.is_whole_cents:
            raise ValidationRefused(name, "must be more than 0 and in whole cents")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.micros + other.micros)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.micros - other.micros)

    def __mul__(self, count: int) -> "Money":
        return Money(self.micros * count)

    __rmul__ = __mul__

    def __neg__(self) -> "Money":
        return Money(-self.micros)

    def __lt__(self, other: "Money") -> bool:
        return self.micros < other.micros

    def __bool__(self) -> bool:
        return self.micros != 0

    def __str__(self) -> str:
        cents = self.dollars.quantize(Decimal("0.01")) if self.is_whole_cents else None
        return f"{cents if cents is not None else self.dollars.normalize():f}"


Amount = Money | str | int | Decimal
"""US dollars: ``"10.00"``, ``10``, ``Decimal("10")`` or `Money`, but never a float."""

ZERO: Final = Money(0)


def cents(number: int) -> Money:
    """Make an amount from whole cents."""
    return Money(number * MICROS_PER_CENT)


def _micros(value: object, name: str) -> Fraction:
    dollars = _dollars(value, name)
    # The exponent is bounded too: 1e-999999 would make a number of a million digits.
    fine = dollars.is_finite() and _exponent(dollars) >= -64
    if not fine or not -LARGEST <= dollars <= LARGEST:
        raise ValidationRefused(name, "is out of range for an amount of dollars")
    # A fraction is exact; decimal arithmetic is rounded to 28 digits, or as its context says.
    return Fraction(dollars) * MICROS_PER_DOLLAR


def _dollars(value: object, name: str) -> Decimal:
    match value:
        case Money():
            return Decimal(f"{value.micros}e-6")
        case float():
            why = 'is a float, which is not exact: give text, such as "0.50"'
            raise ValidationRefused(name, why)
        case str() if len(value) > 64:
            raise ValidationRefused(name, "is too long for an amount of dollars")
        case bool() | str() if not PLAIN.fullmatch(str(value)):
            raise ValidationRefused(name, "is not an amount of dollars, such as 0.50")
        case str() | int() | Decimal():
            return Decimal(value)
        case _:
            kind = type(value).__name__
            raise TypeError(f"{name} must be Money, a str, an int or a Decimal, not {kind}")


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
