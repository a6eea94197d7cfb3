"""An order is checked once, and each value that cannot be used is named."""

from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import from_regex, lists, text

from kiwisms.domain.catalog import DEFAULT_COUNTRY, CountryCode, InvalidCountry, ServiceCode
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.money import ZERO, Amount, Money, cents
from kiwisms.domain.order import CARRIERS, Order

area_codes = lists(from_regex(r"[0-9]{3}", fullmatch=True), max_size=50)


def test_a_service_is_enough() -> None:
    assert Order.parse(service="go") == Order(
        service=ServiceCode("go"),
        country=DEFAULT_COUNTRY,
        max_price=None,
        areas=(),
        carrier=None,
    )


@pytest.mark.parametrize("limit", ["0.50", Decimal("0.5"), cents(50)])
def test_a_limit_is_an_exact_amount(limit: Amount) -> None:
    assert Order.parse(service="go", max_price=limit).max_price == cents(50)
    assert Order.parse(service="go", max_price=1).max_price == cents(100)


@pytest.mark.parametrize(
    "limit", ["", "cheap", "0", 0, -1, "-0.01", "0.0000001", cents(0), Decimal("NaN"), 0.5]
)
def test_a_limit_that_is_no_exact_amount_above_nothing_is_refused(limit: Any) -> None:
    with pytest.raises(ValidationRefused) as refused:
        Order.parse(service="go", max_price=limit)
    assert refused.value.field == "max_price"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service", 5),
        ("service", None),
        ("country", 187),
        ("areas", 503),
        ("areas", [503]),
        ("carrier", 5),
    ],
)
def test_what_is_no_text_is_an_error_of_the_program(field: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"^{field} must be a str.*, not "):
        Order.parse(**{"service": "go", field: value})


def test_every_wish_is_read() -> None:
    read = Order.parse(
        service="go", country="16", max_price=Decimal("0.50"), areas=["503", "202"], carrier="tmo"
    )
    assert read == Order(
        service=ServiceCode("go"),
        country=CountryCode("16"),
        max_price=cents(50),
        areas=("503", "202"),
        carrier="tmo",
    )


@pytest.mark.parametrize("amount", [ZERO, cents(-1)])
def test_a_limit_of_nothing_cannot_be_built(amount: Money) -> None:
    with pytest.raises(ValueError, match="max_price"):
        Order(service=ServiceCode("go"), max_price=amount)


@given(areas=area_codes)
def test_areas_are_a_list_or_have_commas_between(areas: list[str]) -> None:
    assert Order.parse(service="go", areas=areas).areas == tuple(areas)
    assert Order.parse(service="go", areas=",".join(areas)).areas == tuple(areas)
    assert Order.parse(service="go", areas=" , ".join(areas) + " ,").areas == tuple(areas)


@pytest.mark.parametrize(
    "areas", ["50", "5033", "abc", "503;202", "٥٠٣", "²50", ["503", "20"], ["503"] * 51]
)
def test_areas_that_are_none_are_refused(areas: str | Iterable[str]) -> None:
    with pytest.raises(ValidationRefused) as refused:
        Order.parse(service="go", areas=areas)
    assert refused.value.field == "areas"


@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_carrier_of_the_contract_is_known(carrier: str) -> None:
    assert CARRIERS == ("tmo", "vz", "att")
    assert Order.parse(service="go", carrier=carrier).carrier == carrier


@pytest.mark.parametrize("carrier", ["", "TMO", "tmo,vz", "sprint"])
def test_another_carrier_is_refused(carrier: str) -> None:
    with pytest.raises(ValidationRefused) as refused:
        Order.parse(service="go", carrier=carrier)
    assert refused.value.field == "carrier"


@pytest.mark.parametrize("service", ["", "x" * 65, "go\n", "\x00"])
def test_a_service_that_cannot_be_one_is_refused(service: str) -> None:
    with pytest.raises(ValidationRefused) as refused:
        Order.parse(service=service)
    assert refused.value.field == "service"
    assert Order.parse(service="x" * 64).service == "x" * 64


def test_other_values_are_refused_by_who_knows_them() -> None:
    with pytest.raises(InvalidCountry):
        Order.parse(service="go", country="1")


@pytest.mark.parametrize(
    ("areas", "carrier", "surcharges"),
    [(None, None, 0), ("", None, 0), ("503", None, 1), ("503,202", None, 1), (None, "vz", 1),
     ("503", "vz", 2)],
)  # fmt: skip
def test_each_kind_of_wish_counts_once(
    areas: str | None, carrier: str | None, surcharges: int
) -> None:
    assert Order.parse(service="go", areas=areas, carrier=carrier).surcharges == surcharges


@given(service=text(), areas=text(), carrier=text())
def test_no_text_makes_reading_fail_otherwise(service: str, areas: str, carrier: str) -> None:
    with suppress(ValidationRefused):
        read = Order.parse(service=service, areas=areas, carrier=carrier)
        assert (read.service, read.carrier) == (service, carrier)
        assert all(len(area) == 3 for area in read.areas)
