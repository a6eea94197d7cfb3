"""A guard before a provider, so that a sick upstream takes nobody down with it."""

from kiwisms.adapters.guarded_provider.provider import GuardedProvider

__all__ = ["GuardedProvider"]
