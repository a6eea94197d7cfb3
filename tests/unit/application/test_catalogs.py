"""The catalog is fetched seldom, once for all, and remembered."""

import asyncio

import pytest

from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.catalog import DEFAULT_COUNTRY
from kiwisms.ports.provider import Unknown
from kiwisms.testing.kit import Kit


async def test_one_request_serves_all_who_ask_at_once(kit: Kit) -> None:
    await asyncio.gather(*(kit.kiwi.catalog.current(DEFAULT_COUNTRY) for _ in range(50)))
    assert kit.provider.on_catalog.calls == 1
    kit.clock.advance(29)
    await kit.kiwi.catalog.current(DEFAULT_COUNTRY)
    assert kit.provider.on_catalog.calls == 1
    kit.clock.advance(1)
    await kit.kiwi.catalog.current(DEFAULT_COUNTRY)
    assert kit.provider.on_catalog.calls == 2


async def test_the_last_known_catalog_is_served_while_upstream_is_away(kit: Kit) -> None:
    await kit.kiwi.catalog.current(DEFAULT_COUNTRY)
    kit.provider.on_catalog.next(Unknown("down"), times=2)
    for _ in range(2):
        kit.clock.advance(30)
        for _ in range(10):
            known = await kit.kiwi.catalog.prices(DEFAULT_COUNTRY)
            assert known.stale
            assert known.services
    assert kit.provider.on_catalog.calls == 3
    kit.clock.advance(30)
    assert not (await kit.kiwi.catalog.prices(DEFAULT_COUNTRY)).stale


async def test_without_any_catalog_upstream_is_asked_each_time(kit: Kit) -> None:
    kit.provider.on_catalog.next(Unknown("down"))
    with pytest.raises(ProviderFailed):
        await kit.kiwi.catalog.current(DEFAULT_COUNTRY)
    assert await kit.kiwi.catalog.current(DEFAULT_COUNTRY)


async def test_prices_are_retail(kit: Kit) -> None:
    prices = await kit.kiwi.catalog.prices(DEFAULT_COUNTRY)
    by_code = {str(priced.offer.service): str(priced.price) for priced in prices.services}
    assert (by_code["go"], by_code["am"], by_code["wa"]) == ("0.39", "0.20", "0.86")
