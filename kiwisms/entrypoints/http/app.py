"""The aiohttp application: which path leads to which operation, and who may come how often."""

from aiohttp import web

from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.http import operations
from kiwisms.entrypoints.http.access import Access
from kiwisms.entrypoints.http.errors import MOST_BYTES, guard
from kiwisms.entrypoints.http.health import Health
from kiwisms.entrypoints.http.metrics import HttpMetrics
from kiwisms.entrypoints.http.openapi import served_contract
from kiwisms.entrypoints.http.provider_metrics import ProviderMetrics
from kiwisms.entrypoints.http.pushes import push_route
from kiwisms.entrypoints.http.reference import reference_routes
from kiwisms.entrypoints.settings import Settings
from kiwisms.ports.guard import Watched
from kiwisms.ports.limits import Limit


def application(kiwi: Kiwisms, settings: Settings) -> web.Application:
    """
    Make the application that serves the HTTP contract, and beside it what operators need.

    Args:
        kiwi: The use cases.
        settings: Rate limits, and the address that stands in ``/openapi.json``.

    Source: HTTP contract; ``/livez``, ``/readyz``, ``/metrics`` and ``/docs`` are the product's.
    """
    metrics = HttpMetrics()
    if isinstance(kiwi.ports.provider, Watched):
        kiwi.ports.provider.watch(ProviderMetrics(metrics.registry))
    health = Health(kiwi.ports.store, kiwi.background.balances, kiwi.ports.clock, metrics)
    access = Access(
        kiwi=kiwi,
        public=Limit("public", settings.rate_public_per_minute),
        failed=Limit("failed", settings.rate_public_per_minute),
    )
    rent = Limit("rent", settings.rate_rent_per_minute)
    read = Limit("read", settings.rate_read_per_minute)

    app = web.Application(middlewares=[guard(metrics)], client_max_size=MOST_BYTES)
    app.add_routes(
        [
            web.get("/api/v1/balance", access.customers(read, operations.balance)),
            web.get("/api/v1/services", access.customers(read, operations.services)),
            # Paths that begin alike are tried in this order, and polls are most of what comes.
            web.get("/api/v1/rentals/{id}", access.customers(read, operations.poll)),
            web.get("/api/v1/rentals", access.customers(read, operations.active)),
            web.post("/api/v1/rentals", access.customers(rent, operations.rent)),
            web.post("/api/v1/rentals/{id}/cancel", access.customers(read, operations.cancel)),
            web.post("/api/v1/rentals/{id}/done", access.customers(read, operations.done)),
            web.post("/api/v1/rentals/{id}/renew", access.customers(rent, operations.renew)),
            web.get("/api/public/pricing", access.everybody(operations.pricing)),
            push_route(kiwi),
            web.get("/livez", health.live),
            web.get("/readyz", health.ready),
            web.get("/metrics", health.metrics),
            *reference_routes(served_contract(settings.base_url)),
        ]
    )
    return app
