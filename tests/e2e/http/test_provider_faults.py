"""Whatever upstream does, a customer gets a clear answer and the books are balanced."""

import pytest
from attrs import evolve

from kiwisms.adapters.simulator.faults import FaultKind
from kiwisms.domain.incident import IncidentKind
from kiwisms.domain.money import ZERO, Money
from tests.e2e.http.site import Customer, Site

BROKEN = [
    FaultKind.DOWN,
    FaultKind.SILENT,
    FaultKind.GARBAGE,
    FaultKind.PAGE,
    FaultKind.HUGE,
]


@pytest.mark.parametrize("acts", [False, True], ids=["before acting", "after acting"])
@pytest.mark.parametrize("kind", BROKEN)
async def test_an_answer_that_is_lost_gives_all_back(
    site: Site, ada: Customer, kind: FaultKind, acts: bool
) -> None:
    site.break_next("getNumber", kind, after=acts)
    assert (await ada.rent(key="k")).told == (502, "PROVIDER_ERROR")
    assert await ada.balance() == 10.0
    assert await ada.held() == ZERO
    assert (await ada.ask("GET", "/rentals")).json["count"] == 0
    assert site.simulator.api.requests["getNumber"] == 1
    (incident,) = await site.kiwi.ports.store.incidents(limit=9)
    assert incident.kind is IncidentKind.ANSWER_LOST
    assert (await ada.rent(key="k")).status == 201


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("NO_NUMBERS", (404, "SERVICE_UNAVAILABLE")),
        ("MAX_PRICE_EXCEEDED", (404, "SERVICE_UNAVAILABLE")),
        ("BAD_SERVICE", (404, "SERVICE_UNAVAILABLE")),
        ("TOO_MANY_ACTIVE_RENTALS", (404, "SERVICE_UNAVAILABLE")),
        ("NO_MONEY", (502, "PROVIDER_ERROR")),
        ("BAD_KEY", (502, "PROVIDER_ERROR")),
    ],
)
async def test_a_refusal_is_told_and_costs_nothing(
    site: Site, ada: Customer, text: str, told: tuple[int, str]
) -> None:
    site.break_next("getNumber", FaultKind.TEXT, text=text)
    refused = await ada.rent()
    assert refused.told == told
    assert text.encode() not in refused.body
    assert await ada.balance() == 10.0
    assert await site.kiwi.ports.store.incidents(limit=9) == []


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_read_never_fails_because_upstream_does(
    site: Site, ada: Customer, kind: FaultKind
) -> None:
    rental = (await ada.rent()).json["rental"]
    site.clock.advance(3)
    site.break_next("getStatus", kind, times=None)
    assert (await ada.poll(rental["id"]))["status"] == "WAITING"
    assert (await ada.ask("GET", "/rentals")).json["count"] == 1


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_cancel_that_upstream_does_not_answer_changes_nothing(
    site: Site, ada: Customer, kind: FaultKind
) -> None:
    rental = (await ada.rent()).json["rental"]
    site.break_next("setStatus=8", kind, times=None)
    failed = await ada.ask("POST", f"/rentals/{rental['id']}/cancel")
    assert failed.told == (502, "PROVIDER_ERROR")
    assert failed.json["error"] == "Could not cancel rental on provider"
    assert (await ada.poll(rental["id"]))["status"] == "WAITING"
    site.simulator.api.faults.clear()
    again = await ada.ask("POST", f"/rentals/{rental['id']}/cancel")
    assert again.json["status"] == "CANCELLED"
    assert await ada.balance() == 10.0


async def test_a_cancel_that_was_done_before_its_answer_was_lost(site: Site, ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    site.break_next("setStatus=8", FaultKind.DOWN, after=True)
    cancelled = await ada.ask("POST", f"/rentals/{rental['id']}/cancel")
    assert cancelled.json["status"] == "CANCELLED"
    assert await ada.balance() == 10.0


async def test_a_code_that_came_wins_over_a_cancel(site: Site, ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    site.deliver("0042", to=rental["phone"])
    refused = await ada.ask("POST", f"/rentals/{rental['id']}/cancel")
    assert refused.told == (404, "CANCEL_NOT_ALLOWED")
    assert (await ada.poll(rental["id"], sync=False))["codes"] == ["0042"]
    assert await ada.balance() == 9.61


async def test_an_ambiguous_cancel_is_looked_into(site: Site, ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    site.break_next("setStatus=8", FaultKind.TEXT, text="ACCESS_READY")
    failed = await ada.ask("POST", f"/rentals/{rental['id']}/cancel")
    assert failed.told == (502, "PROVIDER_ERROR")
    site.deliver("0042", to=rental["phone"])
    site.break_next("setStatus=8", FaultKind.TEXT, text="ACCESS_READY")
    refused = await ada.ask("POST", f"/rentals/{rental['id']}/cancel")
    assert refused.told == (404, "CANCEL_NOT_ALLOWED")
    assert (await ada.poll(rental["id"]))["status"] == "RECEIVED"


async def test_a_release_that_upstream_does_not_answer_changes_nothing(
    site: Site, ada: Customer
) -> None:
    rental = (await ada.rent()).json["rental"]
    site.break_next("setStatus=6", FaultKind.DOWN, times=None)
    failed = await ada.ask("POST", f"/rentals/{rental['id']}/done")
    assert failed.told == (502, "PROVIDER_ERROR")
    assert (await ada.poll(rental["id"]))["status"] == "WAITING"
    site.simulator.api.faults.clear()
    assert (await ada.ask("POST", f"/rentals/{rental['id']}/done")).status == 200


async def test_the_last_known_catalog_is_served_when_upstream_is_away(
    site: Site, ada: Customer
) -> None:
    site.break_next("getPrices", FaultKind.DOWN, times=None)
    failed = await ada.ask("GET", "/services")
    assert failed.told == (502, "PROVIDER_ERROR")
    assert failed.json["error"] == "Failed to fetch services"
    assert (await site.ask("GET", "/api/public/pricing")).json == {"services": []}
    site.simulator.api.faults.clear()
    site.clock.advance(31)
    fresh = await ada.ask("GET", "/services")
    assert fresh.json["catalogMode"] is False
    site.break_next("getPrices", FaultKind.DOWN, times=None)
    site.clock.advance(31)
    stale = await ada.ask("GET", "/services")
    assert stale.json == {**fresh.json, "catalogMode": True}


async def test_a_lower_price_is_passed_on(site: Site, ada: Customer) -> None:
    await ada.ask("GET", "/services")
    go = site.simulator.upstream.service("go", "187")
    assert go is not None
    site.simulator.upstream.stock(evolve(go, cost=Money.parse("0.20")))
    assert (await ada.rent()).json["rental"]["price"] == 0.26
    assert await ada.balance() == 9.74


async def test_a_higher_price_is_refused_by_upstream(site: Site, ada: Customer) -> None:
    await ada.ask("GET", "/services")
    go = site.simulator.upstream.service("go", "187")
    assert go is not None
    site.simulator.upstream.stock(evolve(go, cost=Money.parse("0.31")))
    assert (await ada.rent()).told == (404, "SERVICE_UNAVAILABLE")
    assert await ada.balance() == 10.0


async def test_without_a_price_the_quote_stands(site: Site, ada: Customer) -> None:
    site.break_next("getNumber", FaultKind.TEXT, text="ACCESS_NUMBER:77:12025550123")
    assert (await ada.rent()).json["rental"]["price"] == 0.39
