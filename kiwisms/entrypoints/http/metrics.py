"""How many requests came, how they ended and how long they took, for Prometheus."""

from functools import lru_cache
from typing import Final

from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

UNKNOWN: Final = "unknown"
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class HttpMetrics:
    """The metrics of one application; its *registry* has them, and those of the process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        requests = Counter(
            "kiwisms_http_requests",
            "Answered requests",
            ("method", "route", "status"),
            registry=self.registry,
        )
        seconds = Histogram(
            "kiwisms_http_request_seconds",
            "Time from a request's head to its answer",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        # Finding a child by its labels costs more than counting.
        self._requests = lru_cache(maxsize=1024)(requests.labels)
        self._seconds = lru_cache(maxsize=1024)(seconds.labels)

    def count(self, request: web.Request, status: int, seconds: float) -> None:
        """Count one answered request."""
        route = _route(request)
        # A method that no route has could be any word, and each would be a new series.
        method = UNKNOWN if route == UNKNOWN else request.method
        self._requests(method, route, str(status)).inc()
        self._seconds(method, route).observe(seconds)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return UNKNOWN if resource is None else resource.canonical
