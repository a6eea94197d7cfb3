"""A transfer is balanced by construction."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis.strategies import builds, integers, just, lists, permutations, sampled_from

from kiwisms.domain.ids import AccountId, TransferId
from kiwisms.domain.ledger import LedgerAccount, Transfer, sum_of
from kiwisms.domain.money import ZERO, Money, cents

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def transfer(debit: LedgerAccount, credit: LedgerAccount, amount: Money) -> Transfer:
    return Transfer(
        id=TransferId("credit:invoice-1"),
        account_id=AccountId("01890a5d-ac96-774b-bcce-b302099a8057"),
        number=1,
        debit=debit,
        credit=credit,
        amount=amount,
        reason="top-up",
        at=NOW,
    )


pairs = permutations(list(LedgerAccount)).map(lambda order: order[:2])
transfers = builds(
    lambda pair, amount: transfer(pair[0], pair[1], amount), pairs, integers(1, 10**6).map(cents)
)


@given(moved=lists(transfers, max_size=20))
def test_whatever_moves_nothing_is_made_or_lost(moved: list[Transfer]) -> None:
    assert sum((sum_of(moved, account) for account in LedgerAccount), start=ZERO) == ZERO


@given(moved=transfers)
def test_one_account_gains_what_another_gives(moved: Transfer) -> None:
    assert sum_of([moved], moved.credit) == moved.amount
    assert sum_of([moved], moved.debit) == ZERO - moved.amount


@given(account=sampled_from(LedgerAccount))
def test_a_transfer_to_itself_is_refused(account: LedgerAccount) -> None:
    with pytest.raises(ValueError, match="moves nothing"):
        transfer(account, account, cents(1))


@given(pair=pairs, amount=integers(-(10**6), 0).map(Money) | just(ZERO))
def test_a_transfer_of_nothing_or_less_is_refused(pair: list[LedgerAccount], amount: Money) -> None:
    with pytest.raises(ValueError, match="moves"):
        transfer(pair[0], pair[1], amount)
