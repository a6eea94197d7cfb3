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
        self._requests = Counter(
            "kiwisms_http_requests",
            "Answered requests",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "kiwisms_http_request_seconds",
            "Time from a request's head to its answer",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        # Finding a child by its labels costs more than counting.
        self._children = lru_cache(maxsize=1024)(self._find_children)

    def count(self, request: web.Request, status: int, seconds: float) -> None:
        """Count one answered request."""
        resource = request.match_info.route.resource
        requests, durations = self._children(request.method, resource, status)
        requests.inc()
        durations.observe(seconds)

    def _find_children(
        self, method: str, resource: web.AbstractResource | None, status: int
    ) -> tuple[Counter, Histogram]:
        # A method that no route has could be any word, and each would be a new series.
        labels = (UNKNOWN, UNKNOWN) if resource is None else (method, resource.canonical)
        return self._requests.labels(*labels, str(status)), self._seconds.labels(*labels)
