"""What can be rented: services with upstream's price and stock, by country."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NewType

from attrs import field, frozen
from attrs.validators import ge

from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.text import must_be_text

ServiceCode = NewType("ServiceCode", str)
"""Upstream's own code of a service, such as ``go``."""
CountryCode = NewType("CountryCode", str)
"""Upstream's number of a country, one of `COUNTRIES`."""

COUNTRIES: Final[Mapping[CountryCode, str]] = MappingProxyType(
    {
        CountryCode("187"): "United States",
        CountryCode("16"): "United Kingdom",
        CountryCode("36"): "Canada",
        CountryCode("43"): "Germany",
        CountryCode("78"): "France",
        CountryCode("48"): "Netherlands",
    }
)
"""The countries of the HTTP contract, by upstream's number."""

DEFAULT_COUNTRY: Final = CountryCode("187")


class InvalidCountry(KiwismsError):
    """The country is not one of `COUNTRIES`."""

    code = "INVALID_COUNTRY"

    def __init__(self) -> None:
        super().__init__("Unsupported country code")


class ServiceUnavailable(KiwismsError):
    """The service is unknown, sold out or too expensive, or upstream is full; *why* is logged."""

    code = "SERVICE_UNAVAILABLE"

    def __init__(self, why: str) -> None:
        super().__init__("Service unavailable")
        self.why = why


@frozen(kw_only=True)
class Offer:
    """One service in one country, at upstream's price, which is never negative."""

    service: ServiceCode
    name: str
    cost: Money = field(validator=ge(ZERO))
    count: int
    multi_sms: bool = False


def _read_only(offers: Mapping[ServiceCode, Offer]) -> Mapping[ServiceCode, Offer]:
    return MappingProxyType(dict(offers))


@frozen(kw_only=True)
class Catalog:
    """All offers of one country, as upstream reports them."""

    country: CountryCode
    offers: Mapping[ServiceCode, Offer] = field(converter=_read_only)

    def offer(self, service: ServiceCode) -> Offer:
        """
        Find a service that has stock.

        Raises:
            ServiceUnavailable: It is not on offer, or out of stock.
        """
        offer = self.offers.get(service)
        if offer is None:
            raise ServiceUnavailable(f"no service {service!r} in country {self.country}")
        if offer.count <= 0:
            raise ServiceUnavailable(f"no {service!r} left in country {self.country}")
        return offer


def known_country(code: str) -> CountryCode:
    """Check a country's number; raises `InvalidCountry`."""
    must_be_text("country", code)
    country = CountryCode(code)
    if country not in COUNTRIES:
        raise InvalidCountry
    return country
