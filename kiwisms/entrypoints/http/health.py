"""Whether the process lives, whether it can serve, and its metrics: for what watches it."""

from math import nan

from aiohttp import web
from prometheus_client import Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from kiwisms.application.balances import Balances
from kiwisms.domain.contract_values import dollars
from kiwisms.entrypoints.http.answers import SAFE, json_answer
from kiwisms.entrypoints.http.metrics import HttpMetrics
from kiwisms.ports.clock import Clock
from kiwisms.ports.store import SchemaMismatch, Store, StoreUnavailable


class Health:
    """The three operations that no customer needs."""

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
            # Every worker would say the same: it is about the store.
            multiprocess_mode="mostrecent",
        )
        self._incidents = Gauge(
            "kiwisms_open_incidents",
            "Incidents of which nobody has said what became of them",
            registry=metrics.registry,
            multiprocess_mode="mostrecent",
        )
        self._balance = Gauge(
            "kiwisms_provider_balance_dollars",
            "What the provider said last of the balance there; NaN until it has",
            registry=metrics.registry,
            multiprocess_mode="mostrecent",
        )
        self._balance.set(nan)
        self._store_up = Gauge(
            "kiwisms_store_up",
            "1 if the store answered just now; else what is due and open is as it was last known",
            registry=metrics.registry,
            multiprocess_mode="mostrecent",
        )

    async def live(self, _request: web.Request) -> web.Response:
        """Say that the process answers."""
        return json_answer({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """Say that the store can be read and written; it raises what it is refused for."""
        await self._store.check()
        return json_answer({"status": "ok"})

    async def metrics(self, _request: web.Request) -> web.Response:
        """Give all metrics in Prometheus's text format."""
        balance = self._balances.latest
        if balance is not None:
            self._balance.set(dollars(balance.amount))
        try:
            await self._read_store()
        except (SchemaMismatch, StoreUnavailable):
            # What counts the errors is wanted most just then.
            self._store_up.set(0)
        return web.Response(
            body=self._metrics.text(),
            headers={**SAFE, "Content-Type": CONTENT_TYPE_LATEST},
        )

    async def _read_store(self) -> None:
        due = await self._store.next_due()
        overdue = 0.0 if due is None else (self._clock.now() - due).total_seconds()
        self._overdue.set(max(overdue, 0.0))
        self._incidents.set(await self._store.count_open_incidents())
        self._store_up.set(1)
