"""What a number costs the customer, and what it may cost upstream."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from attrs import frozen

from kiwisms.domain.catalog import Offer, ServiceUnavailable
from kiwisms.domain.money import MICROS_PER_CENT, Money, cents

SURCHARGE: Final = Decimal("1.2")
"""Upstream's factor on the price for a choice of areas, and again for a choice of carrier."""


@frozen(kw_only=True)
class Quote:
    """The price to hold, and the most that upstream may charge, both in whole cents."""

    price: Money
    max_cost: Money


def retail(cost: Money, markup_percent: int) -> Money:
    """
    Price a number for the customer.

    Args:
        cost: Upstream's price.
        markup_percent: Whole percent on top.

    Returns:
        The price in whole cents, rounded up.

    Source: settings, ``KIWISMS_MARKUP_PERCENT``.

    >>> str(retail(Money.parse("0.655"), 30))
    '0.86'
    """
    return _marked_up(Decimal(cost.micros), markup_percent)


def quote(offer: Offer, *, surcharges: int, markup_percent: int) -> Quote:
    """
    Price an offer with this number of upstream's *surcharges*.

    Upstream takes its limit in whole cents. A cost with a fraction of a cent needs the next whole
    cent as its limit, and gets it even when the price does not cover that: otherwise the number
    could not be rented. The customer never pays more than was quoted.
    """
    cost = Decimal(offer.cost.micros) * SURCHARGE**surcharges
    price = _marked_up(cost, markup_percent)
    covered = _whole_cents(Decimal(price.micros) / _factor(markup_percent), ROUND_FLOOR)
    return Quote(price=price, max_cost=cents(max(covered, _whole_cents(cost, ROUND_CEILING))))


def corrected(held: Money, paid: Money | None, markup_percent: int) -> Money:
    """Correct a held price to what upstream charged: lower is passed on, higher is not."""
    return held if paid is None else min(held, retail(paid, markup_percent))


def must_be_within(price: Money, max_price: Money | None) -> None:
    """Raise `ServiceUnavailable` when the price is above the customer's limit."""
    if max_price is not None and price > max_price:
        raise ServiceUnavailable(f"costs {price}, may cost {max_price}")


def _marked_up(micros: Decimal, markup_percent: int) -> Money:
    return cents(_whole_cents(micros * _factor(markup_percent), ROUND_CEILING))


def _factor(markup_percent: int) -> Decimal:
    return Decimal(100 + markup_percent) / 100


def _whole_cents(micros: Decimal, rounding: str) -> int:
    return int((micros / MICROS_PER_CENT).to_integral_value(rounding))
