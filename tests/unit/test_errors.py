"""Errors are one tree: each has a code of its own, a status, and a name on the package."""

import copy
import inspect
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from importlib import import_module
from pkgutil import walk_packages
from typing import Final

import pytest

import kiwisms
from kiwisms import KiwismsError, Money, StoreUnavailable
from kiwisms.domain.money import cents
from kiwisms.domain.rental_state import State
from kiwisms.entrypoints.http.errors import STATUS, InvalidJson, from_kiwisms


def below(kind: type[KiwismsError]) -> Iterator[type[KiwismsError]]:
    for each in kind.__subclasses__():
        yield each
        yield from below(each)


def every_error() -> list[type[KiwismsError]]:
    for module in walk_packages(kiwisms.__path__, "kiwisms."):
        if module.name != "kiwisms.__main__":
            import_module(module.name)
    return [kind for kind in below(KiwismsError) if kind.__module__.startswith("kiwisms.")]


ERRORS: Final = every_error()
EXAMPLES: Final[dict[type, object]] = {
    str: "a word",
    int: 7,
    Money: cents(39),
    StrEnum: State.WAITING,
}
"""A fact of each type that the constructors of errors ask for."""


def test_no_two_have_the_same_code() -> None:
    codes = Counter(kind.code for kind in ERRORS) + Counter([KiwismsError.code])

    assert len(ERRORS) > 20
    assert [code for code, times in codes.items() if times > 1] == []


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_each_is_complete(kind: type[KiwismsError]) -> None:
    assert kind.code.isupper()
    assert kind.__doc__
    assert 400 <= STATUS[kind] < 600
    if kind is not InvalidJson:  # which only the HTTP door can raise
        assert getattr(kiwisms, kind.__name__) is kind
        assert kind.__name__ in kiwisms.__all__


def made(kind: type[KiwismsError]) -> tuple[KiwismsError, dict[str, object]]:
    """An error of a kind, and the facts that it was given."""
    parameters = inspect.signature(kind.__init__).parameters
    facts = {
        name: EXAMPLES[each.annotation]
        for name, each in parameters.items()
        if each.annotation in EXAMPLES
    }
    words = () if facts or len(parameters) == 1 else ("a reason",)
    return kind(*words, **facts), facts


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_each_has_its_facts_as_attributes(kind: type[KiwismsError]) -> None:
    error, facts = made(kind)

    assert vars(error) == facts


@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy])
@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_each_can_be_sent_to_another_process(
    kind: type[KiwismsError], again: Callable[[KiwismsError], KiwismsError]
) -> None:
    error, _ = made(kind)
    error.add_note("while it was tested")
    same = again(error)

    assert type(same) is kind
    assert (str(same), same.args, vars(same)) == (str(error), error.args, vars(error))


def test_no_status_is_for_an_error_that_is_gone() -> None:
    assert set(STATUS) == set(ERRORS)


def test_a_kind_of_ones_own_has_the_status_of_what_it_is() -> None:
    class DiskFull(StoreUnavailable):
        code = "DISK_FULL"

    class Odd(KiwismsError):
        code = "ODD"

    assert from_kiwisms(DiskFull("no room")).status == 503
    assert from_kiwisms(Odd("nobody knows")).status == 500
