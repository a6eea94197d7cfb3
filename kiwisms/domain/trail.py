"""The trail: changes that are not steps of a rental; and the timeline of a rental."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from attrs import frozen

from kiwisms.domain.billing import EFFECTS
from kiwisms.domain.causes import Effect, cause_of
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.history import Step
from kiwisms.domain.ids import AccountId, TrailId
from kiwisms.domain.incident import Incident
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.rental_state import State


class Action(StrEnum):
    """What can be done to an account, other than the steps of a rental."""

    ACCOUNT_CREATED = "ACCOUNT_CREATED"
    ACCOUNT_SUSPENDED = "ACCOUNT_SUSPENDED"
    ACCOUNT_REINSTATED = "ACCOUNT_REINSTATED"
    KEY_CREATED = "KEY_CREATED"
    KEY_REVOKED = "KEY_REVOKED"
    WALLET_CREDITED = "WALLET_CREDITED"
    WALLET_DEBITED = "WALLET_DEBITED"
    WEBHOOK_SET = "WEBHOOK_SET"
    WEBHOOK_CLEARED = "WEBHOOK_CLEARED"
    WEBHOOK_ROTATED = "WEBHOOK_ROTATED"
    WEBHOOK_RESEALED = "WEBHOOK_RESEALED"
    WEBHOOK_STOPPED = "WEBHOOK_STOPPED"
    DELIVERY_RESENT = "DELIVERY_RESENT"
    INCIDENT_RESOLVED = "INCIDENT_RESOLVED"
    RENTAL_GIVEN_UP = "RENTAL_GIVEN_UP"


@frozen(kw_only=True)
class TrailEntry:
    """
    One thing that was done to an account, written in the transaction that did it.

    *by* is the actor: ``operator``, ``app``, ``worker`` or an API key's prefix. *action* is a plain
    text when a later version wrote it. *subject* is the id or prefix of what was changed, empty
    for the account itself. Neither *subject* nor *detail* contains a secret.
    """

    account_id: AccountId
    id: TrailId
    at: datetime
    by: str
    action: Action | str
    subject: str = ""
    detail: str = ""


@frozen(kw_only=True)
class Line:
    """One thing that happened to a rental; *by* is the actor, if known."""

    at: datetime
    by: str | None
    what: str
    detail: str


def timeline(
    *,
    steps: Sequence[Step],
    transfers: Iterable[Transfer],
    deliveries: Iterable[Delivery],
    incidents: Iterable[Incident],
    entries: Iterable[TrailEntry],
) -> list[Line]:
    """
    List all that happened to one rental, in the order of time.

    Args:
        steps: Its history, in order.
        transfers: Its transfers; the actor of a transfer is that of its step.
        deliveries: The deliveries of its events.
        incidents: The incidents about it.
        entries: The trail entries about it, its deliveries and its incidents.
    """
    lines = [
        *(Line(at=s.at, by=s.by, what=s.state, detail=_messages(s)) for s in steps),
        *(_moved(transfer, steps) for transfer in transfers),
        *(
            Line(at=d.created_at, by=None, what=d.event, detail=f"{d.status}, {d.attempts} tries")
            for d in deliveries
        ),
        *(Line(at=each.at, by=None, what=each.kind, detail=each.detail) for each in incidents),
        *(Line(at=e.at, by=e.by, what=e.action, detail=e.detail or e.subject) for e in entries),
    ]
    return sorted(lines, key=lambda line: line.at)


def _moved(transfer: Transfer, steps: Sequence[Step]) -> Line:
    cause = cause_of(transfer.id)
    states = [State.NEW, *(step.state for step in steps)]
    pairs = zip(states, steps, strict=False)
    movers = [
        step.by
        for before, step in pairs
        if EFFECTS.get((before, step.state), Effect.NOTHING) is cause
    ]
    return Line(
        at=transfer.at,
        by=movers[0] if movers else None,
        what=cause or transfer.id,
        detail=f"{transfer.amount}: {transfer.debit} → {transfer.credit}",
    )


def _messages(step: Step) -> str:
    return f"message {step.messages}" if step.state is State.RECEIVED else ""
