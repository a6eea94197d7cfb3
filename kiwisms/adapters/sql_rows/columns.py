"""What a column can hold on every database."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from kiwisms.domain.events import WebhookEvent, as_events
from kiwisms.domain.ids import KeyPrefix
from kiwisms.domain.incident import IncidentKind
from kiwisms.domain.money import Money
from kiwisms.domain.trail import Action

Given = TypeVar("Given")
Made = TypeVar("Made")

Row = tuple[Any, ...]
"""What a driver gives and takes: for a fact, text, integers and ``None``."""

EVENTS: Final = frozenset(WebhookEvent)
KINDS: Final = {kind.value: kind for kind in IncidentKind}
ACTIONS: Final = {action.value: action for action in Action}


def optional(make: Callable[[Given], Made]) -> Callable[[Given | None], Made | None]:
    """Do as *make*, where there is something."""

    def make_if_there(given: Given | None) -> Made | None:
        return None if given is None else make(given)

    return make_if_there


def from_optional_money(money: Money | None) -> int | None:
    """Write an amount, where there is one."""
    return None if money is None else money.micros


def to_optional_money(micros: int | None) -> Money | None:
    """Turn `from_optional_money` around."""
    return None if micros is None else Money(micros)


def from_events(events: frozenset[WebhookEvent]) -> str:
    """Write the events that an address asks for into one column."""
    return ",".join(sorted(events))


def to_events(text: str) -> frozenset[WebhookEvent]:
    """
    Turn `from_events` around.

    Events of a later version are left out: it may serve the same store while servers are replaced.
    """
    return as_events(name for name in text.split(",") if name in EVENTS)


def to_kind(text: str) -> IncidentKind | str:
    """Read a kind of incident; one of a later version stays a text, which an operator can read."""
    return KINDS.get(text, text)


def to_action(text: str) -> Action | str:
    """Read what was done; a word of a later version stays a text, which an operator can read."""
    return ACTIONS.get(text, text)


def from_key_prefix(prefix: KeyPrefix | None) -> str:
    """Write whose webhook it is; the account's own has the empty prefix, as a key has no NULL."""
    return prefix or ""


def to_key_prefix(text: str) -> KeyPrefix | None:
    """Turn `from_key_prefix` around."""
    return KeyPrefix(text) if text else None
