"""An incident is resolved once, with a note."""

import pytest
from attrs import evolve

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.incident import IncidentResolved
from kiwisms.domain.money import cents
from kiwisms.domain.reconciliation import Balance
from tests.contract.stores import NOW, open_incident, seconds

NUMBER = ActivationId("999000")


def test_what_is_resolved_is_open_no_more_and_due_no_more() -> None:
    resolved = open_incident().resolve("  refunded ", NOW + seconds(1))
    assert (resolved.resolution, resolved.resolved_at) == ("refunded", NOW + seconds(1))
    assert (resolved.is_open, resolved.due_at) == (False, None)


def test_what_is_found_of_a_resolved_incident_is_the_balance_alone() -> None:
    incident = open_incident()
    found = evolve(incident, after=Balance(amount=cents(5), at=NOW), activation_id=NUMBER)
    assert incident.merge(found) == found
    resolved = incident.resolve("refunded", NOW)
    assert resolved.merge(found) == evolve(resolved, after=found.after)


def test_a_resolution_stands() -> None:
    resolved = open_incident().resolve("refunded", NOW)
    with pytest.raises(IncidentResolved, match="resolved already: refunded"):
        resolved.resolve("charged", NOW)


@pytest.mark.parametrize("note", ["", "  ", "a\nb", "x" * 501])
def test_a_note_is_one_line(note: str) -> None:
    with pytest.raises(ValidationRefused, match="note"):
        open_incident().resolve(note, NOW)
