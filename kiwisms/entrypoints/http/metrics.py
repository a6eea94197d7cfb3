"""Counts requests, their statuses and their durations, for Prometheus."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder in which the library adds up several processes."""
UNKNOWN: Final = "unknown"
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def share_metrics(folder: Path, worker: int) -> None:
    """
    Add the counts of this process to those of the other workers from now on.

    A worker that replaces another one continues its counts, so that no counter goes down, and
    there are never more files than workers.

    Args:
        folder: The same for all workers; it is empty when the first of them starts.
        worker: Its number, which no other living worker has.
    """
    os.environ[SHARED] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: worker)


class HttpMetrics:
    """
    The metrics of one application, or of all workers that share theirs.

    Figures about the process itself, such as its memory, exist only with a single process. With
    several, each response would be about a different one.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        """Where new metrics are registered."""
        self._shown = self.registry
        if SHARED in os.environ:
            self._shown = CollectorRegistry()
            MultiProcessCollector(self._shown)
        else:
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

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._shown)

    def count(self, request: web.Request, status: int, seconds: float) -> None:
        """Count one answered request."""
        resource = request.match_info.route.resource
        requests, durations = self._children(request.method, resource, status)
        requests.inc()
        durations.observe(seconds)

    def _find_children(
        self, method: str, resource: web.AbstractResource | None, status: int
    ) -> tuple[Counter, Histogram]:
        # Without a route the method may be any word, and each would be a new series.
        labels = (UNKNOWN, UNKNOWN) if resource is None else (method, resource.canonical)
        return self._requests.labels(*labels, str(status)), self._seconds.labels(*labels)
