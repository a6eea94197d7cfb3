"""A circuit breaker and bulkheads around a provider, so that its failures stay contained."""

from kiwisms.adapters.guarded_provider.provider import GuardedProvider

__all__ = ["GuardedProvider"]
