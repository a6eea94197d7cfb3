"""An order for a number, as a customer places it."""

from collections.abc import Iterable
from typing import Final, Self

from attrs import field, frozen
from attrs.validators import gt, optional

from kiwisms.domain.catalog import DEFAULT_COUNTRY, CountryCode, ServiceCode, known_country
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.money import ZERO, Amount, Money
from kiwisms.domain.text import must_be_text, parse_texts, printable

CARRIERS: Final = ("tmo", "vz", "att")
LONGEST_SERVICE: Final = 64
MOST_AREAS: Final = 50


@frozen(kw_only=True)
class Order:
    """
    A checked order for a number.

    *max_price* is more than 0.
    """

    service: ServiceCode
    country: CountryCode = DEFAULT_COUNTRY
    max_price: Money | None = field(default=None, validator=optional(gt(ZERO)))
    areas: tuple[str, ...] = ()
    carrier: str | None = None

    @classmethod
    def parse(
        cls,
        *,
        service: str,
        country: str = DEFAULT_COUNTRY,
        max_price: Amount | None = None,
        areas: str | Iterable[str] | None = None,
        carrier: str | None = None,
    ) -> Self:
        """
        Check what the customer asked for.

        Args:
            service: Upstream's service code, such as ``go``.
            country: Upstream's number of a country, one of `COUNTRIES`.
            max_price: The most the customer would pay, in US dollars: more than 0.
            areas: Area codes of three digits each, as a list or with commas between.
            carrier: One of `CARRIERS`.

        Raises:
            ValidationRefused: A value cannot be used; the error names it.
            InvalidCountry: There is no such country.
            TypeError: A value is of a type that is not named here.

        Source: HTTP contract, ``RentRequest``.
        """
        return cls(
            service=ServiceCode(printable("service", service, longest=LONGEST_SERVICE)),
            country=known_country(country),
            max_price=_read_max_price(max_price),
            areas=_read_areas(areas),
            carrier=_read_carrier(carrier),
        )

    @property
    def surcharges(self) -> int:
        """How many of upstream's surcharges apply: one for areas, and one for a carrier."""
        return bool(self.areas) + (self.carrier is not None)


def _read_max_price(amount: Amount | None) -> Money | None:
    if amount is None:
        return None
    limit = Money.parse(amount, name="max_price")
    if limit <= ZERO:
        raise ValidationRefused("max_price", "must be more than 0")
    return limit


def _read_areas(areas: str | Iterable[str] | None) -> tuple[str, ...]:
    if areas is None:
        return ()
    codes = tuple(parse_texts("areas", areas))
    if len(codes) > MOST_AREAS or not all(_is_area(code) for code in codes):
        raise ValidationRefused(
            "areas", f"must be at most {MOST_AREAS} area codes of three digits, such as 503,202"
        )
    return codes


def _read_carrier(carrier: str | None) -> str | None:
    if carrier is None:
        return None
    must_be_text("carrier", carrier)
    if carrier not in CARRIERS:
        raise ValidationRefused("carrier", f"must be one of {', '.join(CARRIERS)}")
    return carrier


def _is_area(code: str) -> bool:
    return len(code) == 3 and code.isascii() and code.isdigit()
