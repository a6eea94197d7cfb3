"""The aiohttp application: which path leads to which operation, under which rate limit."""

from aiohttp import web

from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.http import operations
from kiwisms.entrypoints.http.access import Access
from kiwisms.entrypoints.http.errors import MAX_BODY_BYTES, error_middleware
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
    Make the application that serves the HTTP contract, and what operators need.

    Args:
        kiwi: The use cases.
        settings: Rate limits, and the public address, which ``/openapi.json`` names.

    Source: HTTP contract; ``/livez``, ``/readyz``, ``/metrics`` and ``/docs`` are the product's.
    """
    metrics = HttpMetrics()
    if isinstance(kiwi.ports.provider, Watched):
        kiwi.ports.provider.watch(ProviderMetrics(metrics.registry))
    health = Health(kiwi.ports.store, kiwi.background.balances, kiwi.ports.clock, metrics)
    access = Access(
        kiwi=kiwi,
        public_limit=Limit("public", settings.rate_public_per_minute),
        failed_limit=Limit("failed", settings.rate_public_per_minute),
    )
    rent = Limit("rent", settings.rate_rent_per_minute)
    read = Limit("read", settings.rate_read_per_minute)

    app = web.Application(middlewares=[error_middleware(metrics)], client_max_size=MAX_BODY_BYTES)
    app.add_routes(
        [
            web.get("/api/v1/balance", access.authenticated(read, operations.balance)),
            web.get("/api/v1/services", access.authenticated(read, operations.services)),
            # Similar paths are tried in this order, and most requests are polls.
            web.get("/api/v1/rentals/{id}", access.authenticated(read, operations.poll)),
            web.get("/api/v1/rentals", access.authenticated(read, operations.active)),
            web.post("/api/v1/rentals", access.authenticated(rent, operations.rent)),
            web.post("/api/v1/rentals/{id}/cancel", access.authenticated(read, operations.cancel)),
            web.post("/api/v1/rentals/{id}/done", access.authenticated(read, operations.done)),
            web.post("/api/v1/rentals/{id}/renew", access.authenticated(rent, operations.renew)),
            web.get("/api/public/pricing", access.public(operations.pricing)),
            push_route(kiwi),
            web.get("/livez", health.live),
            web.get("/readyz", health.ready),
            web.get("/metrics", health.metrics),
            *reference_routes(served_contract(settings.base_url)),
        ]
    )
    return app
