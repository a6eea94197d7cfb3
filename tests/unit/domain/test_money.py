"""Amounts are exact, whatever they are written as."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import SearchStrategy, decimals, integers, one_of, text

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.money import MICROS_PER_CENT, Money, cents

amounts = integers(-(10**15), 10**15).map(Money)
numbers: SearchStrategy[Decimal] = decimals(
    min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False
)


def micros(number: Decimal) -> Fraction:
    return Fraction(number) * 10**6


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("10", 10_000_000),
        ("10.00", 10_000_000),
        ("0.655", 655_000),
        ("-0.01", -10_000),
        ("0.000001", 1),
        (Decimal("1e3"), 1_000_000_000),
        (7, 7_000_000),
        (Decimal("0.30"), 300_000),
        ("1000000000", 10**15),
    ],
)
def test_dollars_are_read_exactly(written: str | int | Decimal, expected: int) -> None:
    assert Money.parse(written) == Money.nearest(written) == Money(expected)


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (0, "0.00"),
        (10_000, "0.01"),
        (860_000, "0.86"),
        (655_000, "0.655"),
        (1, "0.000001"),
        (10**15, "1000000000.00"),
        (-2_500_000, "-2.50"),
    ],
)
def test_cents_are_always_written_and_finer_parts_where_there_are(
    amount: int, written: str
) -> None:
    assert str(Money(amount)) == written


@given(amount=amounts)
def test_what_is_written_reads_as_the_same_amount(amount: Money) -> None:
    assert Money.parse(str(amount)) == amount
    assert Money.parse(amount.dollars) == amount


@given(number=numbers)
def test_an_amount_is_read_exactly_or_not_at_all(number: Decimal) -> None:
    try:
        read = Money.parse(number)
    except ValidationRefused:
        exponent = number.as_tuple().exponent
        assert micros(number).denominator > 1 or (isinstance(exponent, int) and exponent < -64)
    else:
        assert read.micros == micros(number)


@given(number=numbers)
def test_what_is_finer_is_rounded_to_the_nearest_millionth(number: Decimal) -> None:
    try:
        read = Money.nearest(number)
    except ValidationRefused:
        return
    assert abs(read.micros - micros(number)) <= Fraction(1, 2)


def test_a_part_beyond_any_usual_precision_still_counts() -> None:
    fine = "1.0000005000000000000000000000001"
    assert Money.nearest(fine) == Money(1_000_001)
    with pytest.raises(ValidationRefused):
        Money.parse(fine)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "free",
        "0.0000001",
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "1000000000.01",
        "1e999999999",
        "1e-999999999",
        "1" * 65,
        "0x10",
        "$1",
        "1,50",
        "1e2",
        "1_000",
        " 1",
        "+1",
        "1.",
        "1\n",
        "\u0661\u0660",
        "\uff11\uff10",
    ],
)
def test_what_is_not_an_amount_is_refused_by_name(written: str) -> None:
    with pytest.raises(ValidationRefused) as refused:
        Money.parse(written, name="max_price")
    assert refused.value.field == "max_price"


@given(written=one_of(text(), text("0123456789.eE+-_ ")))
def test_no_text_makes_reading_fail_otherwise(written: str) -> None:
    for read in (Money.parse, Money.nearest):
        try:
            amount = read(written)
        except ValidationRefused:
            continue
        assert abs(amount.micros) <= 10**15


@given(one=amounts, other=amounts)
def test_amounts_add_and_compare_like_numbers(one: Money, other: Money) -> None:
    assert (one + other).micros == one.micros + other.micros
    assert one + other - other == one
    assert (one < other) == (one.micros < other.micros)
    assert bool(one) == (one.micros != 0)


@given(one=amounts, times=integers(-100, 100))
def test_amounts_are_multiplied_by_whole_numbers_and_turned_round(one: Money, times: int) -> None:
    assert (one * times).micros == (times * one).micros == one.micros * times
    assert -one == one * -1 == Money(0) - one


@pytest.mark.parametrize("factor", [1.5, Decimal(2), "2", cents(1)])
def test_an_amount_is_multiplied_by_nothing_else(factor: Any) -> None:
    with pytest.raises(TypeError):
        cents(39) * factor
    with pytest.raises(TypeError):
        factor * cents(39)


@given(number=integers(-(10**9), 10**9))
def test_cents_are_whole(number: int) -> None:
    assert cents(number).is_whole_cents
    assert not Money(number * MICROS_PER_CENT + 1).is_whole_cents
    assert cents(number).dollars * 100 == number


@pytest.mark.parametrize("other", [0.5, True])
def test_an_amount_is_a_whole_number_and_nothing_like_one(other: Any) -> None:
    with pytest.raises(TypeError, match="not a whole number"):
        Money(other)


@pytest.mark.parametrize("other", [None, b"1", [1], (0, (1,), 0), object()])
def test_what_is_of_another_type_is_named_in_a_type_error(other: Any) -> None:
    for read in (Money.parse, Money.nearest):
        with pytest.raises(TypeError, match=r"price must be Money, .* not "):
            read(other, name="price")


@given(amount=amounts)
def test_money_is_read_as_it_is(amount: Money) -> None:
    with localcontext(prec=2):
        assert Money.parse(amount) == Money.nearest(amount) == amount


def test_more_money_than_the_books_have_room_for_is_refused() -> None:
    assert Money.parse(Money(10**15)) == Money(10**15)
    with pytest.raises(ValidationRefused, match="amount: is out of range"):
        Money.parse(Money(10**15 + 1))


@pytest.mark.parametrize("read", [Money.parse, Money.nearest])
def test_yes_is_not_a_dollar(read: Callable[[bool], Money]) -> None:
    with pytest.raises(ValidationRefused, match="amount: is not an amount"):
        read(True)


def test_a_float_is_refused_as_what_it_is() -> None:
    half: Any = 0.5
    with pytest.raises(ValidationRefused, match="amount: is a float, which is not exact"):
        Money.parse(half)
