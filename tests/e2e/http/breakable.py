"""A store that can be taken away."""

from typing import Any, cast

from attrs import define

from kiwisms.adapters.memory import MemoryStore
from kiwisms.ports.store import Store


@define
class Breakable:
    """Everything fails with *error*, once there is one."""

    store: Store
    error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        """Give a method of the store, as long as it can be reached."""
        if self.error is not None:
            raise self.error
        return getattr(self.store, name)


def breakable() -> tuple[Breakable, Store]:
    """Make one over memory, and give it once more as what it stands for."""
    made = Breakable(MemoryStore())
    return made, cast("Store", made)
