"""An upstream that is ill for a while: customers get quick answers, and nothing is in doubt."""

from collections.abc import AsyncIterator

import pytest

from kiwisms.adapters.simulator.faults import FaultKind
from kiwisms.domain.money import ZERO
from tests.e2e.http.site import Customer, Site, open_site

PROBE_AFTER = 5.0
CLOSED = 'kiwisms_provider_circuit{state="CLOSED"} 1.0'


@pytest.fixture
async def site(store_url: str) -> AsyncIterator[Site]:
    async with open_site(store_url, guarded=True) as opened:
        yield opened
        await opened.assert_balanced()


async def lose_five_rents(site: Site, ada: Customer) -> None:
    site.break_next("getNumber", FaultKind.DOWN, times=5)
    for _ in range(5):
        assert (await ada.rent()).told == (502, "PROVIDER_ERROR")


async def metrics(site: Site) -> list[str]:
    told = await site.ask("GET", "/metrics")
    return [
        line for line in told.body.decode().splitlines() if line.startswith("kiwisms_provider_")
    ]


async def recover(site: Site) -> None:
    site.clock.advance(PROBE_AFTER)
    told = await metrics(site)
    while CLOSED not in told:
        told = await metrics(site)


async def test_what_is_not_asked_is_refused_at_once_and_costs_nothing(
    site: Site, ada: Customer
) -> None:
    await lose_five_rents(site, ada)
    assert (await ada.rent(key="k")).told == (502, "PROVIDER_ERROR")
    assert site.simulator.api.requests["getNumber"] == 5
    assert await ada.balance() == 10.0
    assert await ada.held() == ZERO
    # Five answers were lost; of the sixth nobody need wonder.
    assert len(await site.kiwi.ports.store.incidents(limit=9)) == 5
    await recover(site)
    assert (await ada.rent(key="k")).status == 201


async def test_a_number_that_is_rented_can_be_read_but_not_given_back(
    site: Site, ada: Customer
) -> None:
    rental = (await ada.rent()).json["rental"]
    await lose_five_rents(site, ada)
    site.deliver("0042", to=rental["phone"])
    assert (await ada.poll(rental["id"]))["status"] == "WAITING"
    cancelled = await ada.ask("POST", f"/rentals/{rental['id']}/cancel")
    assert cancelled.told == (502, "PROVIDER_ERROR")
    done = await ada.ask("POST", f"/rentals/{rental['id']}/done")
    assert done.told == (502, "PROVIDER_ERROR")
    assert (await ada.ask("GET", "/services")).json["catalogMode"] is False
    site.clock.advance(31)
    await recover(site)
    assert (await ada.poll(rental["id"]))["codes"] == ["0042"]


async def test_the_log_does_not_repeat_for_each_look_that_nothing_is_asked(
    site: Site, ada: Customer, caplog: pytest.LogCaptureFixture
) -> None:
    rental = (await ada.rent()).json["rental"]
    await lose_five_rents(site, ada)
    caplog.clear()
    for _ in range(5):
        site.clock.advance(3 / 5)
        await ada.poll(rental["id"])
        await ada.rent()
    # A request that failed has a line of its own, and that is all.
    assert {record.name for record in caplog.records} == {"kiwisms.entrypoints.http.errors"}
    assert len(caplog.records) == 5


async def test_the_metrics_tell_the_circuit_the_answers_and_what_was_rejected(
    site: Site, ada: Customer
) -> None:
    assert CLOSED in await metrics(site)
    await lose_five_rents(site, ada)
    await ada.rent()
    assert {
        'kiwisms_provider_circuit{state="CLOSED"} 0.0',
        'kiwisms_provider_circuit{state="OPEN"} 1.0',
        'kiwisms_provider_answers_total{answer="Catalog",call="catalog"} 1.0',
        'kiwisms_provider_answers_total{answer="Unknown",call="rent"} 5.0',
        'kiwisms_provider_rejected_total{call="rent",why="CIRCUIT_OPEN"} 1.0',
    } <= set(await metrics(site))
    await recover(site)
    assert 'kiwisms_provider_answers_total{answer="Money",call="balance"} 1.0' in await metrics(
        site
    )


async def test_a_key_that_is_refused_is_told_by_name_and_leaves_the_circuit_closed(
    site: Site, ada: Customer, caplog: pytest.LogCaptureFixture
) -> None:
    rental = (await ada.rent()).json["rental"]
    site.simulator.upstream.key = "another key"
    for _ in range(10):
        site.clock.advance(3)
        await ada.poll(rental["id"])
    cancelled = await ada.ask("POST", f"/rentals/{rental['id']}/cancel")
    assert cancelled.told == (502, "PROVIDER_ERROR")
    told = await metrics(site)
    assert CLOSED in told
    assert 'kiwisms_provider_answers_total{answer="BAD_KEY",call="cancel"} 1.0' in told
    assert any('{answer="BAD_KEY",call="look"}' in line for line in told)
    assert "BAD_KEY" in caplog.text
    assert "circuit" not in caplog.text
