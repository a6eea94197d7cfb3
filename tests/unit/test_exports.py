"""Whoever embeds kiwisms finds in the package itself what they write into annotations."""

import inspect
import typing
from collections.abc import Iterable, Iterator
from typing import Final

import pytest
from attrs import AttrsInstance, fields, fields_dict

import kiwisms

PARTS: Final = ("accounts", "keys", "wallet", "catalog", "rentals", "webhooks")
"""What a program calls for its customers; the others are the operator's."""


def types_in(hint: object) -> Iterator[tuple[str, object]]:
    """The types of ours in an annotation, by name."""
    name = getattr(hint, "__name__", None)
    if name is not None and hint.__module__.startswith("kiwisms."):
        yield name, hint
    for each in typing.get_args(hint):
        yield from types_in(each)


def missing(hints: Iterable[object]) -> set[str]:
    """The types of ours in annotations that the package does not give."""
    found = {each for hint in hints for each in types_in(hint)}
    assert found
    return {name for name, kind in found if getattr(kiwisms, name, None) is not kind}


def spoken_by(part: str) -> Iterator[object]:
    """What the methods of a part take and give."""
    kind = fields_dict(kiwisms.Kiwisms)[part].type
    methods = inspect.getmembers(kind, inspect.isfunction)
    for name, method in methods:
        if not name.startswith("_"):
            yield from typing.get_type_hints(method).values()


@pytest.mark.parametrize("part", PARTS)
def test_what_a_part_speaks_in_can_be_imported_from_the_package(part: str) -> None:
    assert missing(spoken_by(part)) == set()


@pytest.mark.parametrize("kind", [kiwisms.Rental, kiwisms.Message, kiwisms.Terms])
def test_so_can_what_they_hold(kind: type[AttrsInstance]) -> None:
    assert missing(each.type for each in fields(kind)) == set()
