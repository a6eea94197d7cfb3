"""A transfer's id says what moved the money, and no two causes have the same."""

import pytest
from hypothesis import given
from hypothesis.strategies import sampled_from, text

from kiwisms.domain.causes import (
    Effect,
    OperatorMove,
    cause_of,
    is_of_rental,
    operator_transfer_id,
    transfer_id,
)
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import TransferId
from tests.unit.domain.samples import request

CREDIT = OperatorMove.CREDIT

references = text(min_size=1, max_size=200).filter(lambda text: text.isprintable() and text.strip())


@given(move=sampled_from(OperatorMove), reference=references)
def test_what_the_operator_moved_is_read_back(move: OperatorMove, reference: str) -> None:
    assert cause_of(operator_transfer_id(move, reference)) is move


@pytest.mark.parametrize("effect", Effect)
def test_what_a_rental_moved_is_read_back(effect: Effect) -> None:
    name = transfer_id(request("rental:1"), effect)
    assert is_of_rental(name)
    assert cause_of(name) is effect


@pytest.mark.parametrize("name", ["", "x", "rental:r-1:credit", "rental:r-1", "hold:r-1"])
def test_what_names_no_cause_is_read_as_none(name: str) -> None:
    assert cause_of(TransferId(name)) is None


@given(one=references, other=references)
def test_a_reference_names_one_transfer_of_its_kind(one: str, other: str) -> None:
    name = operator_transfer_id(CREDIT, one)
    assert (name == operator_transfer_id(CREDIT, other)) == (one == other)
    assert name != operator_transfer_id(OperatorMove.DEBIT, one)
    assert not is_of_rental(name)


@pytest.mark.parametrize("reference", ["", "x" * 201, "two\nlines", "\x00"])
def test_a_reference_that_cannot_be_printed_is_refused(reference: str) -> None:
    with pytest.raises(ValidationRefused) as refused:
        operator_transfer_id(CREDIT, reference)
    assert refused.value.field == "reference"
