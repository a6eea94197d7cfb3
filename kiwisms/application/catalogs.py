"""Catalogs: what is on offer and at which price, cached in case upstream fails."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from attrs import define, evolve, field, frozen

from kiwisms.application.errors import ProviderFailed
from kiwisms.application.single_flight import SingleFlight
from kiwisms.domain.catalog import Catalog, CountryCode, Offer
from kiwisms.domain.money import Money
from kiwisms.domain.pricing import retail
from kiwisms.domain.terms import Terms
from kiwisms.ports.clock import Clock
from kiwisms.ports.provider import Provider


@frozen(kw_only=True)
class KnownCatalog:
    """The last catalog that upstream sent; *stale* when the latest try to fetch one failed."""

    catalog: Catalog
    fetched_at: datetime
    tried_at: datetime
    stale: bool


@frozen(kw_only=True)
class Priced:
    """An offer and its price for the customer."""

    offer: Offer
    price: Money


@frozen(kw_only=True)
class PriceList:
    """All services of one country; *stale* as in `KnownCatalog`."""

    country: CountryCode
    stale: bool
    services: Sequence[Priced]


@define(kw_only=True, eq=False)
class Catalogs:
    """The catalog of each country, at most *max_age* old while upstream answers."""

    provider: Provider
    clock: Clock
    terms: Terms
    max_age: timedelta
    _known: dict[CountryCode, KnownCatalog] = field(factory=dict, init=False)
    _fetches: SingleFlight[CountryCode, KnownCatalog] = field(factory=SingleFlight, init=False)

    async def current(self, country: CountryCode) -> KnownCatalog:
        """
        Return the catalog; when it is too old, fetch it once for all waiting callers.

        Raises:
            ProviderFailed: Upstream fails, and no earlier catalog is known.
        """
        known = self._known.get(country)
        if known is not None and self.clock.now() < known.tried_at + self.max_age:
            return known
        return await self._fetches.do(country, partial(self._fetch, country))

    async def prices(self, country: CountryCode) -> PriceList:
        """Price every service of a country for the customer; raises as `current` does."""
        known = await self.current(country)
        return PriceList(
            country=country,
            stale=known.stale,
            services=[
                Priced(offer=offer, price=retail(offer.cost, self.terms.markup_percent))
                for offer in known.catalog.offers.values()
            ],
        )

    async def _fetch(self, country: CountryCode) -> KnownCatalog:
        answer = await self.provider.catalog(country)
        now = self.clock.now()
        known = self._known.get(country)
        if isinstance(answer, Catalog):
            fresh = KnownCatalog(catalog=answer, fetched_at=now, tried_at=now, stale=False)
        elif known is not None:
            fresh = evolve(known, stale=True, tried_at=now)
        else:
            raise ProviderFailed("Failed to fetch services", str(answer))
        self._known[country] = fresh
        return fresh
