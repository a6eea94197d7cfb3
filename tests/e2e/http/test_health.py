"""For what watches the server: it lives, it can serve, and its metrics."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from math import isnan
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from kiwisms.domain.contract_values import dollars
from kiwisms.ports.store import SchemaMismatch, StoreUnavailable
from tests.e2e.http.breakable import breakable
from tests.e2e.http.site import Customer, Site, open_site


async def metrics(site: Site) -> Mapping[str, Metric]:
    """Read them as Prometheus does."""
    answer = await site.ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return {each.name: each for each in text_string_to_metric_families(answer.body.decode())}


def requests(found: Mapping[str, Metric]) -> dict[tuple[str, str, str], float]:
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for sample in found["kiwisms_http_requests"].samples
        if sample.name.endswith("_total")
    }


async def test_a_server_that_is_well(site: Site) -> None:
    for path in ("/livez", "/readyz"):
        answer = await site.ask("GET", path)
        assert (answer.status, answer.json) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "error", [StoreUnavailable("the disk is full"), SchemaMismatch(found=1, known=2)]
)
async def test_without_a_store_it_lives_and_is_not_ready(error: Exception) -> None:
    broken, store = breakable()
    async with open_site(store) as site:
        broken.error = error
        assert (await site.ask("GET", "/livez")).status == 200
        refused = await site.ask("GET", "/readyz")
        assert refused.told == (503, "TEMPORARILY_UNAVAILABLE")
        assert refused.headers["Retry-After"] == "1"
        assert str(error).encode() not in refused.body
        assert (await metrics(site))["kiwisms_store_up"].samples[0].value == 0
        broken.error = None
        assert (await site.ask("GET", "/readyz")).status == 200
        assert (await metrics(site))["kiwisms_store_up"].samples[0].value == 1


async def test_the_providers_balance_is_shown_once_it_is_known(site: Site) -> None:
    name = "kiwisms_provider_balance_dollars"
    assert isnan((await metrics(site))[name].samples[0].value)
    await site.kiwi.background.refresh_balance()
    money = site.simulator.upstream.money(site.clock.now())
    assert (await metrics(site))[name].samples[0].value == dollars(money)


@pytest.mark.parametrize(
    ("version", "told"), [(0, (503, "TEMPORARILY_UNAVAILABLE")), (999, (200, None))]
)
async def test_an_old_schema_is_not_served_and_one_that_grew_newer_is(
    tmp_path: Path, version: int, told: tuple[int, str | None]
) -> None:
    async with open_site(f"sqlite:///{tmp_path}/kiwisms.db") as site:
        with closing(sqlite3.connect(tmp_path / "kiwisms.db")) as db:
            db.execute(f"PRAGMA user_version = {version}")
        assert (await site.ask("GET", "/readyz")).told == told
        assert (await site.ask("GET", "/livez")).status == 200


async def test_every_request_is_counted_by_its_route(site: Site, ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    await ada.poll(rental["id"])
    await ada.ask("GET", "/rentals/nobodys")
    found = await metrics(site)
    assert requests(found) == {
        ("POST", "/api/v1/rentals", "201"): 1,
        ("GET", "/api/v1/rentals/{id}", "200"): 1,
        ("GET", "/api/v1/rentals/{id}", "404"): 1,
    }
    counted = [
        sample
        for sample in found["kiwisms_http_request_seconds"].samples
        if sample.name.endswith("_count")
    ]
    assert sum(sample.value for sample in counted) == 3
    assert "process_resident_memory_bytes" in found


async def test_nobody_can_make_new_series(site: Site, ada: Customer) -> None:
    for number in range(20):
        await site.ask("GET", f"/nothing/{number}")
        await site.ask("PROPFIND", f"/api/v1/rentals/{number}")
        await ada.ask("GET", f"/rentals/{number}?sync={number}")
    told = requests(await metrics(site))
    assert {labels for labels in told if labels[1] == "unknown"} == {
        ("unknown", "unknown", "404"),
        ("unknown", "unknown", "405"),
    }
    assert len(told) == 4


async def test_overdue_work_is_seen(site: Site, ada: Customer) -> None:
    assert (await metrics(site))["kiwisms_work_overdue_seconds"].samples[0].value == 0
    await ada.rent()
    site.clock.advance(60)
    assert (await metrics(site))["kiwisms_work_overdue_seconds"].samples[0].value > 50


async def test_no_secret_and_no_name_is_in_the_metrics(site: Site, ada: Customer) -> None:
    rental = (await ada.rent(key="order-42")).json["rental"]
    await ada.poll(rental["id"])
    text = (await site.ask("GET", "/metrics")).body.decode()
    for secret in (
        *ada.key.split("_")[1:],
        ada.account_id,
        rental["id"],
        rental["phone"],
        site.simulator.key,
        "order-42",
    ):
        assert secret not in text
