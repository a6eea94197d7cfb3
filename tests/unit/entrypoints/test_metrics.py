"""What `/metrics` says, of one process and of several."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import Gauge, values
from prometheus_client.parser import text_string_to_metric_families

from kiwisms.entrypoints.http.errors import error_middleware
from kiwisms.entrypoints.http.metrics import SHARED, HttpMetrics, share_metrics


async def visit(metrics: HttpMetrics) -> None:
    """Ask for something that is not there."""
    app = web.Application(middlewares=[error_middleware(metrics)])
    async with TestClient(TestServer(app)) as client, client.get("/somewhere") as answer:
        assert answer.status == 404


def told(metrics: HttpMetrics) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def files_in(folder: Path) -> set[Path]:
    return set(folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setattr(os, "environ", {**os.environ})
    yield tmp_path
    values.close_all_multiprocess_files()


def worker(folder: Path, number: int) -> HttpMetrics:
    """The metrics of a process that has just started."""
    share_metrics(folder, number)
    return HttpMetrics()


async def test_one_process_tells_of_its_requests_and_of_itself() -> None:
    metrics = HttpMetrics()
    await visit(metrics)
    seen = told(metrics)
    assert seen["kiwisms_http_requests_total"] == 1
    assert seen["kiwisms_http_request_seconds_count"] == 1
    assert seen["process_resident_memory_bytes"] > 0


async def test_each_of_several_tells_of_all(folder: Path) -> None:
    one, other = worker(folder, 0), worker(folder, 1)
    for metrics in (one, other, other):
        await visit(metrics)
    assert told(one) == told(other)
    assert told(one)["kiwisms_http_requests_total"] == 3
    assert told(one)["kiwisms_http_request_seconds_count"] == 3
    assert "process_resident_memory_bytes" not in told(one)


async def test_who_takes_a_dead_workers_place_goes_on_from_its_counts(folder: Path) -> None:
    one, first = worker(folder, 0), worker(folder, 1)
    for metrics in (one, first, first):
        await visit(metrics)
    files = files_in(folder)
    second = worker(folder, 1)
    assert told(one)["kiwisms_http_requests_total"] == 3
    await visit(second)
    assert told(one)["kiwisms_http_requests_total"] == 4
    assert told(second) == told(one)
    assert files_in(folder) == files


def test_a_gauge_of_the_store_is_what_was_seen_last(folder: Path) -> None:
    def gauge(metrics: HttpMetrics) -> Gauge:
        return Gauge("late", "x", registry=metrics.registry, multiprocess_mode="mostrecent")

    gauges = [gauge(worker(folder, number)) for number in range(2)]
    for each, value in zip(gauges, (7, 3), strict=True):
        each.set(value)
    assert told(HttpMetrics())["late"] == 3
    assert SHARED in os.environ
