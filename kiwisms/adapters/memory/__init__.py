"""The store in memory: the twin of the others for fast tests, lost with its process."""

from kiwisms.adapters.memory.store import MemoryStore

__all__ = ["MemoryStore"]
