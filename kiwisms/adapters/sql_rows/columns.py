"""Column values that are the same on every database."""

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
"""A row or parameters of a driver; for a fact, only text, integers and ``None``."""

EVENTS: Final = frozenset(WebhookEvent)
KINDS: Final = {kind.value: kind for kind in IncidentKind}
ACTIONS: Final = {action.value: action for action in Action}


def optional(make: Callable[[Given], Made]) -> Callable[[Given | None], Made | None]:
    """Make a function like *make* that keeps ``None``."""

    def make_if_there(given: Given | None) -> Made | None:
        return None if given is None else make(given)

    return make_if_there


def from_optional_money(money: Money | None) -> int | None:
    """Encode an amount, and keep ``None``."""
    return None if money is None else money.micros


def to_optional_money(micros: int | None) -> Money | None:
    """Decode an amount: the inverse of `from_optional_money`."""
    return None if micros is None else Money(micros)


def from_events(events: frozenset[WebhookEvent]) -> str:
    """Encode the events of a webhook address for one column."""
    return ",".join(sorted(events))


def to_events(text: str) -> frozenset[WebhookEvent]:
    """
    Decode events: the inverse of `from_events`.

    It drops events of a later version, which may use the same store during an upgrade.
    """
    return as_events(name for name in text.split(",") if name in EVENTS)


def to_kind(text: str) -> IncidentKind | str:
    """Decode a kind of incident; one of a later version stays text, for the operator to read."""
    return KINDS.get(text, text)


def to_action(text: str) -> Action | str:
    """Decode an action; one of a later version stays text, for the operator to read."""
    return ACTIONS.get(text, text)


def from_key_prefix(prefix: KeyPrefix | None) -> str:
    """Encode the key of a webhook; the account's own has ``""``, as a primary key has no NULL."""
    return prefix or ""


def to_key_prefix(text: str) -> KeyPrefix | None:
    """Decode the key of a webhook: the inverse of `from_key_prefix`."""
    return KeyPrefix(text) if text else None
