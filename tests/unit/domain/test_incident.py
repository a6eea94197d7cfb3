"""An incident is resolved once, with a note."""

import pytest

from kiwisms.domain.errors import ValidationRefused
from tests.contract.stores import NOW, open_incident, seconds


def test_what_is_resolved_is_open_no_more_and_due_no_more() -> None:
    resolved = open_incident().resolve("  refunded ", NOW + seconds(1))
    assert (resolved.resolution, resolved.resolved_at) == ("refunded", NOW + seconds(1))
    assert (resolved.is_open, resolved.due_at) == (False, None)


def test_a_resolution_stands() -> None:
    resolved = open_incident().resolve("refunded", NOW)
    with pytest.raises(ValidationRefused, match="resolved already: refunded"):
        resolved.resolve("charged", NOW)


@pytest.mark.parametrize("note", ["", "  ", "a\nb", "x" * 501])
def test_a_note_is_one_line(note: str) -> None:
    with pytest.raises(ValidationRefused, match="note"):
        open_incident().resolve(note, NOW)
