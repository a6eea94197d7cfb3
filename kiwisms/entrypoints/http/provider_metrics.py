"""Counts what the provider's guard reports, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from kiwisms.ports.guard import Circuit, Rejection


class ProviderMetrics:
    """A `Watcher` that counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._circuit = Gauge(
            "kiwisms_provider_circuit",
            "Processes whose circuit to the provider is in this state",
            ("state",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._answers = Counter(
            "kiwisms_provider_answers",
            "The provider's answers by kind, failures and probes included",
            ("call", "answer"),
            registry=registry,
        )
        self._rejected = Counter(
            "kiwisms_provider_rejected",
            "Calls that the guard did not let through to the provider",
            ("call", "why"),
            registry=registry,
        )

    def answered(self, call: str, answer: str) -> None:
        """Count an answer."""
        self._answers.labels(call, answer).inc()

    def rejected(self, call: str, why: Rejection) -> None:
        """Count a call that was not let through."""
        self._rejected.labels(call, why).inc()

    def circuit_changed(self, circuit: Circuit) -> None:
        """Show the circuit's state as 1, and the others as 0."""
        for state in Circuit:
            self._circuit.labels(state).set(state is circuit)
