"""A catalog offers what is there, and names the countries of the contract."""

import pytest

from kiwisms.domain.catalog import (
    COUNTRIES,
    DEFAULT_COUNTRY,
    Catalog,
    CountryCode,
    InvalidCountry,
    Offer,
    ServiceCode,
    ServiceUnavailable,
    known_country,
)
from kiwisms.domain.money import cents

GO, WA = ServiceCode("go"), ServiceCode("wa")


def offer(service: ServiceCode, count: int) -> Offer:
    return Offer(service=service, name=service, cost=cents(30), count=count)


def catalog(*offers: Offer) -> Catalog:
    return Catalog(country=DEFAULT_COUNTRY, offers={each.service: each for each in offers})


@pytest.mark.parametrize("count", [1, 100])
def test_a_service_that_has_stock_is_found(count: int) -> None:
    assert catalog(offer(GO, count), offer(WA, 5)).offer(GO) == offer(GO, count)


@pytest.mark.parametrize("count", [0, -1])
def test_a_service_without_stock_is_unavailable(count: int) -> None:
    with pytest.raises(ServiceUnavailable) as refused:
        catalog(offer(GO, count)).offer(GO)
    assert refused.value.why == "no 'go' left in country 187"
    assert str(refused.value) == "Service unavailable"


def test_an_unknown_service_is_unavailable() -> None:
    with pytest.raises(ServiceUnavailable) as refused:
        catalog(offer(GO, 1)).offer(WA)
    assert refused.value.why == "no service 'wa' in country 187"


def test_a_catalog_is_what_upstream_told_at_one_moment() -> None:
    offers = {GO: offer(GO, 1)}
    known = Catalog(country=DEFAULT_COUNTRY, offers=offers)
    offers.clear()
    assert set(known.offers) == {"go"}
    assert not hasattr(known.offers, "__setitem__")


@pytest.mark.parametrize("code", ["187", "16", "36", "43", "78", "48"])
def test_the_countries_of_the_contract_are_known(code: str) -> None:
    assert known_country(code) in COUNTRIES
    assert len(COUNTRIES) == 6
    assert CountryCode("187") == DEFAULT_COUNTRY


@pytest.mark.parametrize("code", ["", "1", "0187", "US", " 187", "187\n", "١٦"])
def test_another_country_is_refused(code: str) -> None:
    with pytest.raises(InvalidCountry):
        known_country(code)
