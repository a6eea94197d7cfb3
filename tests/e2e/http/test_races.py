"""Many requests at once: one number, one charge, and no dollar spent twice."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from dataclasses import replace

import pytest

from kiwisms.domain.money import cents
from kiwisms.domain.rental_state import State
from tests.e2e.http.site import WIDE, Answer, Customer, Site, open_site


async def at_once(requests: Iterable[Awaitable[Answer]]) -> list[Answer]:
    return await asyncio.gather(*requests)


def told(answers: Iterable[Answer]) -> Counter[tuple[int, str | None]]:
    return Counter(answer.told for answer in answers)


async def test_forty_equal_rents_make_one_number(site: Site, ada: Customer) -> None:
    answers = await at_once(ada.rent(key="order-42") for _ in range(40))
    counts = told(answers)
    assert set(counts) <= {(201, None), (409, "IDEMPOTENCY_CONFLICT")}
    assert counts[201, None] >= 1
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert site.bought == 1
    assert await ada.balance() == 9.61
    assert (await ada.rent(key="order-42")).headers["Idempotent-Replayed"] == "true"


async def test_twenty_rents_with_the_money_for_two(site: Site) -> None:
    poor = await site.customer("0.80", "poor@example.com")
    answers = await at_once(poor.rent() for _ in range(20))
    assert told(answers) == {(201, None): 2, (402, "INSUFFICIENT_BALANCE"): 18}
    assert site.bought == 2
    assert await poor.balance() == 0.02
    assert await poor.held() == cents(78)


async def test_upstream_never_has_more_waiting_than_may(store_url: str) -> None:
    async with open_site(store_url, replace(WIDE, provider_max_waiting=3)) as site:
        crowd = [await site.customer(email=f"{number}@example.com") for number in range(8)]
        upstream = site.simulator.upstream
        upstream.most_waiting = 1000
        first = await at_once(customer.rent() for customer in crowd)
        assert told(first) == {(201, None): 3, (404, "SERVICE_UNAVAILABLE"): 5}
        sold = [each for each in zip(crowd, first, strict=True) if each[1].status == 201]
        rented = [(who, answer.json["rental"]) for who, answer in sold]
        (one, cancelled), (other, coded), _ = rented
        await one.ask("POST", f"/rentals/{cancelled['id']}/cancel")
        site.deliver("0042", to=coded["phone"])
        await other.poll(coded["id"])
        second = await at_once(customer.rent() for customer in crowd)
        assert told(second) == {(201, None): 2, (404, "SERVICE_UNAVAILABLE"): 6}
        assert (site.bought, upstream.waiting(site.clock.now())) == (5, 3)
        await site.assert_balanced()


async def test_of_two_cancels_one_refund(ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    answers = await at_once(ada.ask("POST", f"/rentals/{rental['id']}/cancel") for _ in range(10))
    assert set(told(answers)) <= {(200, None), (404, "CANCEL_NOT_ALLOWED")}
    assert answers[0].status == 200 or told(answers)[200, None] >= 1
    assert await ada.balance() == 10.0


@pytest.mark.parametrize("delivered", [False, True])
async def test_cancel_against_done_against_a_code(
    site: Site, ada: Customer, delivered: bool
) -> None:
    rental = (await ada.rent()).json["rental"]
    if delivered:
        site.deliver("0042", to=rental["phone"])
    path = f"/rentals/{rental['id']}"
    answers = await at_once(
        ada.ask(*request)
        for _ in range(4)
        for request in (("POST", f"{path}/cancel"), ("GET", path), ("POST", f"{path}/done"))
    )
    assert {answer.status for answer in answers} <= {200, 404, 502}
    ended = await site.rental(rental["id"])
    paid = ended.state in {State.RECEIVED, State.COMPLETED}
    assert paid or ended.state is State.CANCELLED
    assert paid or not delivered
    assert await ada.balance() == (9.61 if paid else 10.0)
    assert await ada.held() == cents(0)


async def test_of_two_renewals_with_one_key_one_is_made(site: Site, ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    site.deliver("0042", to=rental["phone"])
    await ada.poll(rental["id"])
    answers = await at_once(
        ada.ask("POST", f"/rentals/{rental['id']}/renew", headers={"Idempotency-Key": "r"})
        for _ in range(10)
    )
    assert {answer.status for answer in answers} <= {200, 201, 409}
    assert told(answers)[201, None] == 1
    assert site.bought == 2
    assert await ada.balance() == 9.22


async def test_all_who_poll_at_once_share_one_look(site: Site, ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    site.deliver("0042", to=rental["phone"])
    asked = site.simulator.api.requests["getStatus"]
    polled = await asyncio.gather(*(ada.poll(rental["id"]) for _ in range(20)))
    assert {tuple(each["codes"]) for each in polled} == {("0042",)}
    assert site.simulator.api.requests["getStatus"] == asked + 1


async def test_the_catalog_is_fetched_once_for_all_who_ask(site: Site, ada: Customer) -> None:
    await at_once(ada.ask("GET", "/services") for _ in range(20))
    assert site.simulator.api.requests["getPrices"] == 1
    site.clock.advance(29)
    await ada.ask("GET", "/services")
    assert site.simulator.api.requests["getPrices"] == 1
    site.clock.advance(2)
    await at_once(ada.ask("GET", "/services") for _ in range(20))
    assert site.simulator.api.requests["getPrices"] == 2
