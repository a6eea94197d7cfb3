"""The customer's price covers the cost and the markup, and is never more than was quoted."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis.strategies import integers, none, one_of

from kiwisms.domain.catalog import Offer, ServiceCode, ServiceUnavailable
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import MICROS_PER_CENT, ZERO, Money, cents
from kiwisms.domain.pricing import corrected, must_be_within, quote, retail
from kiwisms.ports.provider import Phone, Rented

costs = integers(0, 10**9).map(Money)
prices = integers(0, 10**5).map(cents)
markups = integers(0, 500)
surcharges = integers(0, 2)


def offer(cost: Money) -> Offer:
    return Offer(service=ServiceCode("go"), name="Google", cost=cost, count=1)


def surcharged(cost: Money, surcharges: int) -> Fraction:
    return cost.micros * Fraction(6, 5) ** surcharges


def marked_up(micros: Fraction, markup: int) -> int:
    return ceil(micros * (100 + markup) / 100 / MICROS_PER_CENT)


@pytest.mark.parametrize(
    ("cost", "price"),
    [("0.30", "0.39"), ("0.15", "0.20"), ("0.655", "0.86"), ("0", "0.00"), ("0.000001", "0.01")],
)
def test_the_examples_of_the_interface(cost: str, price: str) -> None:
    assert str(retail(Money.parse(cost), 30)) == price


@given(cost=costs, markup=markups)
def test_the_price_is_cost_and_markup_rounded_up_to_the_cent(cost: Money, markup: int) -> None:
    assert retail(cost, markup) == cents(marked_up(Fraction(cost.micros), markup))


def test_nothing_costs_less_than_nothing() -> None:
    with pytest.raises(ValueError, match="cost"):
        offer(Money(-1))
    with pytest.raises(ValueError, match="cost"):
        Rented(activation_id=ActivationId("1"), phone=Phone("12025550123"), cost=Money(-1))


@given(cost=costs, surcharges=surcharges, markup=markups)
def test_a_quote_is_the_price_of_the_cost_with_its_surcharges(
    cost: Money, surcharges: int, markup: int
) -> None:
    quoted = quote(offer(cost), surcharges=surcharges, markup_percent=markup)
    assert quoted.price == cents(marked_up(surcharged(cost, surcharges), markup))


@given(cost=costs, surcharges=surcharges, markup=markups)
def test_what_upstream_may_charge_covers_its_price_in_whole_cents(
    cost: Money, surcharges: int, markup: int
) -> None:
    quoted = quote(offer(cost), surcharges=surcharges, markup_percent=markup)
    assert quoted.max_cost.is_whole_cents
    assert quoted.max_cost.micros >= surcharged(cost, surcharges)


@given(times=integers(0, 10**5), surcharges=surcharges, markup=markups)
def test_a_cost_of_whole_cents_is_covered_by_the_price_and_no_cent_more_is(
    times: int, surcharges: int, markup: int
) -> None:
    # The smallest cost that is whole cents after so many surcharges of a fifth, and its multiples.
    cost = Money(times * {0: 10_000, 1: 25_000, 2: 62_500}[surcharges])
    assert surcharged(cost, surcharges) % MICROS_PER_CENT == 0
    quoted = quote(offer(cost), surcharges=surcharges, markup_percent=markup)
    assert retail(quoted.max_cost, markup) <= quoted.price
    assert retail(quoted.max_cost + cents(1), markup) > quoted.price


@given(cost=costs, surcharges=surcharges, markup=markups)
def test_the_limit_is_at_most_the_next_whole_cent_beyond_what_is_covered(
    cost: Money, surcharges: int, markup: int
) -> None:
    quoted = quote(offer(cost), surcharges=surcharges, markup_percent=markup)
    if retail(quoted.max_cost, markup) > quoted.price:
        assert quoted.max_cost.micros - surcharged(cost, surcharges) < MICROS_PER_CENT


@given(held=prices, paid=one_of(none(), costs), markup=markups)
def test_a_corrected_price_is_never_above_what_is_held(
    held: Money, paid: Money | None, markup: int
) -> None:
    price = corrected(held, paid, markup)
    assert ZERO <= price <= held
    assert price.is_whole_cents


@given(held=prices, paid=costs, markup=markups)
def test_a_lower_cost_is_passed_on(held: Money, paid: Money, markup: int) -> None:
    if retail(paid, markup) <= held:
        assert corrected(held, paid, markup) == retail(paid, markup)
    else:
        assert corrected(held, paid, markup) == held


@given(held=prices, markup=markups)
def test_without_word_from_upstream_the_price_stays(held: Money, markup: int) -> None:
    assert corrected(held, None, markup) == held


def test_a_price_above_the_customers_limit_is_unavailable() -> None:
    must_be_within(cents(39), None)
    must_be_within(cents(39), cents(39))
    with pytest.raises(ServiceUnavailable):
        must_be_within(cents(39), cents(38))
