"""How often one may call: by key and by kind, and what happens past it."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from attrs import evolve

from tests.e2e.http.site import WIDE, Answer, Customer, Site, open_site

NARROW = replace(WIDE, rate_rent_per_minute=2, rate_read_per_minute=4, rate_public_per_minute=3)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site("memory://", NARROW) as opened:
        yield opened
        await opened.assert_balanced()


def assert_limited(answer: Answer) -> None:
    assert answer.told == (429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["Retry-After"].isdecimal()


async def test_rents_and_reads_are_counted_apart(site: Site, ada: Customer) -> None:
    assert [(await ada.rent()).status for _ in range(2)] == [201, 201]
    assert_limited(await ada.rent())
    assert_limited(await ada.ask("POST", "/rentals/x/renew"))
    assert [(await ada.ask("GET", "/balance")).status for _ in range(4)] == [200] * 4
    for method, path in (
        ("GET", "/balance"),
        ("GET", "/services"),
        ("GET", "/rentals"),
        ("GET", "/rentals/x"),
        ("POST", "/rentals/x/cancel"),
        ("POST", "/rentals/x/done"),
    ):
        assert_limited(await ada.ask(method, path))
    assert site.bought == 2


async def test_each_key_has_its_own_limit(site: Site, ada: Customer) -> None:
    bob = await site.customer(email="bob@example.com")
    _, second = await site.kiwi.keys.create(ada.account_id)
    for _ in range(5):
        last = await ada.ask("GET", "/balance")
    assert_limited(last)
    assert await evolve(ada, key=second).balance() == 10.0
    assert await bob.balance() == 10.0


async def test_a_request_too_many_does_nothing(site: Site, ada: Customer) -> None:
    for _ in range(2):
        await ada.rent(service="nothing")
    assert_limited(await ada.rent(key="k"))
    assert site.bought == 0
    _, second = await site.kiwi.keys.create(ada.account_id)
    assert (await evolve(ada, key=second).rent(key="k")).status == 201


async def test_the_public_is_counted_by_its_address(site: Site, ada: Customer) -> None:
    for _ in range(3):
        assert (await site.ask("GET", "/api/public/pricing")).status == 200
    assert_limited(await site.ask("GET", "/api/public/pricing"))
    assert await ada.balance() == 10.0
    assert (await site.ask("GET", "/api/v1/balance")).told == (401, "UNAUTHORIZED")


async def test_wrong_keys_are_counted_and_a_right_one_is_never_held_up(
    site: Site, ada: Customer
) -> None:
    async def guess() -> Answer:
        return await site.ask("GET", "/api/v1/balance", headers={"X-API-Key": "guess"})

    assert [(await guess()).told for _ in range(3)] == [(401, "UNAUTHORIZED")] * 3
    for _ in range(3):
        assert_limited(await guess())
        assert (await ada.ask("GET", "/balance")).status == 200
    assert (await site.ask("GET", "/api/public/pricing")).status == 200


async def test_health_is_never_limited(site: Site) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/openapi.json", "/docs"):
        assert {(await site.ask("GET", path)).status for _ in range(9)} == {200}
