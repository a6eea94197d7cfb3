"""Writes the tables of the code in Markdown and Mermaid."""

import inspect
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from attrs import frozen

from kiwisms.domain.billing import EFFECTS, MOVES
from kiwisms.domain.causes import Effect
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId, TransferId
from kiwisms.domain.money import cents
from kiwisms.domain.rental_state import FINAL, SHOWN, TRANSITIONS, Event, State
from kiwisms.domain.wallet import Cause, Wallet
from kiwisms.entrypoints.http.errors import STATUS, InvalidJson

Transitions = Mapping[tuple[State, Event], State]
Effects = Mapping[tuple[State, State], Effect]


@frozen
class Arrow:
    """One row of the table: *event* takes a rental from *source* to *target*."""

    source: State
    event: Event
    target: State
    effect: Effect

    @property
    def label(self) -> str:
        """The text beside the arrow."""
        return f"{self.event} / {self.effect}"


def arrows(transitions: Transitions = TRANSITIONS, effects: Effects = EFFECTS) -> tuple[Arrow, ...]:
    """Join the table of transitions with that of effects."""
    return tuple(
        Arrow(source, event, target, effects[source, target])
        for (source, event), target in transitions.items()
    )


def mermaid(drawn: tuple[Arrow, ...]) -> str:
    """Write the state diagram as Mermaid, which GitHub draws."""
    lines = [f"    {_place(each.source)} --> {each.target}: {each.label}" for each in drawn]
    ends = [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, *ends, "```"])


def _place(state: State) -> str:
    return "[*]" if state is State.NEW else state


def event_table(drawn: tuple[Arrow, ...]) -> str:
    """Write one line per arrow."""
    return _table(
        ("in state", "event", "new state", "seen by the customer", "effect on the money"),
        (
            (
                "(nothing yet)" if each.source is State.NEW else each.source,
                each.event,
                each.target,
                "yes" if each.target in SHOWN else "no",
                each.effect,
            )
            for each in drawn
        ),
    )


def effect_table() -> str:
    """Write what each effect moves, and between which accounts."""
    return _table(("effect", "moves", "from → to"), map(_effect_row, Effect))


AMOUNTS: Final[Mapping[Effect, str]] = MappingProxyType(
    {
        Effect.HOLD: "the quoted price",
        Effect.CORRECT: "what was held in excess, if anything",
        Effect.RELEASE: "all that is held for the rental",
        Effect.CAPTURE: "all that is held for the rental",
        Effect.NOTHING: "nothing",
    }
)


def _effect_row(effect: Effect) -> tuple[str, str, str]:
    if effect is Effect.NOTHING:
        return effect, AMOUNTS[effect], "(stays)"
    account, one = AccountId("example"), cents(1)
    cause = Cause(id=TransferId("example"), reason="example", at=datetime.min.replace(tzinfo=UTC))
    _, transfer = MOVES[effect](Wallet(account_id=account, available=one, held=one), one, cause)
    return effect, AMOUNTS[effect], f"{transfer.debit} → {transfer.credit}".lower()


def error_table() -> str:
    """Write one line per error that a use case can raise."""
    return _table(
        ("error", "`code`", "HTTP status", "facts"),
        (
            (f"`{kind.__name__}`", f"`{kind.code}`", str(status), _facts(kind))
            for kind, status in STATUS.items()
            if kind is not InvalidJson
        ),
    )


def _facts(kind: type[KiwismsError]) -> str:
    # The signature of a plain exception names no facts.
    own = {} if kind.__init__ is Exception.__init__ else inspect.signature(kind).parameters
    return ", ".join(f"`{name}`" for name in own)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
