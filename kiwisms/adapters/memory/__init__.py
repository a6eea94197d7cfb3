"""The store in memory, for fast tests: it behaves like the others, and ends with its process."""

from kiwisms.adapters.memory.store import MemoryStore

__all__ = ["MemoryStore"]
