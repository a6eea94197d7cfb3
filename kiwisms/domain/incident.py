"""Incidents: outcomes upstream that kiwisms cannot know, for the operator to resolve."""

from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from attrs import evolve, frozen

from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId, ActivationId, IncidentId, RentalId
from kiwisms.domain.money import Money
from kiwisms.domain.reconciliation import Balance
from kiwisms.domain.text import printable

LONGEST_NOTE: Final = 500


class IncidentKind(StrEnum):
    """What is unknown."""

    ANSWER_LOST = "ANSWER_LOST"
    """A number was asked for, or released, and the answer never came or was nonsense."""
    NOBODY_CAME_BACK = "NOBODY_CAME_BACK"
    """The process that asked for a number died before it wrote the answer down."""
    ANSWER_TOO_LATE = "ANSWER_TOO_LATE"
    """A number came after its request was given up, and was to be handed back upstream."""
    PROVIDER_SILENT = "PROVIDER_SILENT"
    """A session has long been over, and upstream does not report whether a code came."""
    GIVEN_UP = "GIVEN_UP"
    """A rental ended unpaid although upstream did not report whether a code came."""


UNTRACED: Final = frozenset({IncidentKind.PROVIDER_SILENT, IncidentKind.GIVEN_UP})
"""Kinds that are not investigated: the number is known, and only a look can show more."""


class IncidentNotFound(KiwismsError):
    """There is no such incident."""

    code = "INCIDENT_NOT_FOUND"

    def __init__(self, incident_id: str) -> None:
        super().__init__(f"no incident {incident_id!r}")
        self.incident_id = incident_id


class IncidentResolved(KiwismsError):
    """The incident is already resolved; its first resolution is final."""

    code = "INCIDENT_RESOLVED"

    def __init__(self, resolution: str) -> None:
        super().__init__(f"the incident is resolved already: {resolution}")
        self.resolution = resolution


def silence_id(rental_id: RentalId) -> IncidentId:
    """Make the id of the one incident about a silent rental."""
    return IncidentId(f"silent-{rental_id}")


@frozen(kw_only=True)
class Incident:
    """
    A number that upstream may have charged for although the customer was not charged.

    *kind* is for the operator; it is a plain text when a later version wrote it. *price* is what
    the customer would have paid. *before* and *after* are upstream's balance around the request,
    if known. *activation_id* is the number, if known. *due_at* is when background work must
    investigate next, if ever. *unanswered* counts, for a silence, the looks that upstream did not
    answer.
    """

    id: IncidentId
    account_id: AccountId
    rental_id: RentalId
    kind: IncidentKind | str
    detail: str
    price: Money
    before: Balance | None = None
    after: Balance | None = None
    activation_id: ActivationId | None = None
    at: datetime
    due_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution: str | None = None
    unanswered: int = 0

    @property
    def may_cost(self) -> bool:
        """Whether upstream may have charged for it; PROVIDER_SILENT alone costs nothing."""
        return self.kind is not IncidentKind.PROVIDER_SILENT

    @property
    def is_open(self) -> bool:
        """Whether it is not resolved yet."""
        return self.resolved_at is None

    def count_unanswered(self) -> Self:
        """Count one more look that upstream did not answer; a resolved incident counts on."""
        return evolve(self, unanswered=self.unanswered + 1)

    def with_finding(self, finding: str) -> Self:
        """Append a finding to the detail."""
        return evolve(self, detail=f"{self.detail}; {finding}")

    def merge(self, found: Self) -> Self:
        """
        Add what a trace has *found*.

        What was found or resolved meanwhile is kept: a trace that outlasts its lease is not the
        only one. To a resolved incident only the balance is added.
        """
        after = self.after or found.after
        if not self.is_open:
            return evolve(self, after=after)
        return evolve(found, activation_id=self.activation_id or found.activation_id, after=after)

    def resolve(self, note: str, at: datetime) -> Self:
        """
        Record what became of it; this is final.

        Raises:
            IncidentResolved: It is resolved already.
            ValidationRefused: *note* does not have 1 to 500 printable characters.
        """
        if not self.is_open:
            raise IncidentResolved(self.resolution or "")
        checked = printable("note", note.strip(), longest=LONGEST_NOTE)
        return evolve(self, resolution=checked, resolved_at=at, due_at=None)
