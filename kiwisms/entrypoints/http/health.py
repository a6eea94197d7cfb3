"""Liveness, readiness and metrics, for monitoring."""

from math import nan

from aiohttp import web
from prometheus_client import Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from kiwisms.application.balances import Balances
from kiwisms.domain.contract_values import dollars
from kiwisms.entrypoints.http.metrics import HttpMetrics
from kiwisms.entrypoints.http.responses import SAFE_HEADERS, json_response
from kiwisms.ports.clock import Clock
from kiwisms.ports.store import SchemaMismatch, Store, StoreUnavailable


class Health:
    """The three operations for monitoring."""

    def __init__(
        self, store: Store, balances: Balances, clock: Clock, metrics: HttpMetrics
    ) -> None:
        self._store = store
        self._balances = balances
        self._clock = clock
        self._metrics = metrics
        self._overdue = Gauge(
            "kiwisms_work_overdue_seconds",
            "How long the oldest due rental or delivery has waited for a worker",
            registry=metrics.registry,
            # About the store, so every worker would report the same.
            multiprocess_mode="mostrecent",
        )
        self._incidents = Gauge(
            "kiwisms_open_incidents",
            "Incidents that nobody has resolved",
            registry=metrics.registry,
            multiprocess_mode="mostrecent",
        )
        self._balance = Gauge(
            "kiwisms_provider_balance_dollars",
            "The balance that the provider reported last; NaN until it has",
            registry=metrics.registry,
            multiprocess_mode="mostrecent",
        )
        self._balance.set(nan)
        self._store_up = Gauge(
            "kiwisms_store_up",
            "1 if the store answered just now; if 0, overdue work and incidents are as last known",
            registry=metrics.registry,
            multiprocess_mode="mostrecent",
        )

    async def live(self, _request: web.Request) -> web.Response:
        """Answer 200: the process is alive."""
        return json_response({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """Answer 200 if the store can be read and written; else raise the store's error."""
        await self._store.check()
        return json_response({"status": "ok"})

    async def metrics(self, _request: web.Request) -> web.Response:
        """Answer with all metrics in Prometheus's text format."""
        balance = self._balances.latest
        if balance is not None:
            self._balance.set(dollars(balance.amount))
        try:
            await self._read_store()
        except (SchemaMismatch, StoreUnavailable):
            # The counts of errors are needed most at such a time.
            self._store_up.set(0)
        return web.Response(
            body=self._metrics.text(),
            headers={**SAFE_HEADERS, "Content-Type": CONTENT_TYPE_LATEST},
        )

    async def _read_store(self) -> None:
        await self._store.check()
        due = await self._store.next_due()
        overdue = 0.0 if due is None else (self._clock.now() - due).total_seconds()
        self._overdue.set(max(overdue, 0.0))
        self._incidents.set(await self._store.count_open_incidents())
        self._store_up.set(1)
