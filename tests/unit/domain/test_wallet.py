"""A wallet is the sum of its transfers, and never less than nothing."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import integers, sampled_from

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import AccountId, TransferId
from kiwisms.domain.ledger import LedgerAccount, Transfer, sum_of
from kiwisms.domain.money import ZERO, Money, cents
from kiwisms.domain.wallet import Cause, InsufficientBalance, Wallet

ADA = AccountId("01890a5d-ac96-774b-bcce-b302099a8057")
Move = Callable[[Wallet, Money, Cause], tuple[Wallet, Transfer]]


def cause(number: int = 1) -> Cause:
    return Cause(
        id=TransferId(f"cause-{number}"), reason="test", at=datetime(2026, 1, 1, tzinfo=UTC)
    )


class Books(RuleBasedStateMachine):
    """Any moves in any order; what a wallet refuses leaves no trace."""

    def __init__(self) -> None:
        super().__init__()
        self.wallet = Wallet(account_id=ADA)
        self.transfers: list[Transfer] = []
        self.causes = count()

    @rule(
        move=sampled_from(
            [Wallet.fund, Wallet.withdraw, Wallet.hold, Wallet.release, Wallet.capture]
        ),
        number=integers(1, 500),
    )
    def move(self, move: Move, number: int) -> None:
        with suppress(InsufficientBalance, ValueError):
            self.wallet, transfer = move(self.wallet, cents(number), cause(next(self.causes)))
            self.transfers.append(transfer)

    @invariant()
    def the_row_is_the_sum_of_the_transfers(self) -> None:
        assert self.wallet.available == sum_of(self.transfers, LedgerAccount.AVAILABLE)
        assert self.wallet.held == sum_of(self.transfers, LedgerAccount.HELD)

    @invariant()
    def neither_part_is_less_than_nothing(self) -> None:
        assert self.wallet.available >= ZERO
        assert self.wallet.held >= ZERO

    @invariant()
    def transfers_are_numbered_without_a_gap(self) -> None:
        numbers = [transfer.number for transfer in self.transfers]
        assert numbers == list(range(1, self.wallet.transfers + 1))

    @invariant()
    def applying_the_transfers_again_gives_the_same_wallet(self) -> None:
        again = Wallet(account_id=ADA)
        for transfer in self.transfers:
            again = again.apply(transfer)
        assert again == self.wallet


TestBooks = Books.TestCase


@pytest.fixture
def wallet() -> Wallet:
    return Wallet(account_id=ADA, available=cents(100), held=cents(50))


@pytest.mark.parametrize(
    ("move", "available", "held", "debit", "credit"),
    [
        (Wallet.fund, 130, 50, LedgerAccount.FUNDING, LedgerAccount.AVAILABLE),
        (Wallet.withdraw, 70, 50, LedgerAccount.AVAILABLE, LedgerAccount.FUNDING),
        (Wallet.hold, 70, 80, LedgerAccount.AVAILABLE, LedgerAccount.HELD),
        (Wallet.release, 130, 20, LedgerAccount.HELD, LedgerAccount.AVAILABLE),
        (Wallet.capture, 100, 20, LedgerAccount.HELD, LedgerAccount.REVENUE),
    ],
)
def test_each_move_goes_from_one_place_to_another(
    wallet: Wallet,
    *,
    move: Move,
    available: int,
    held: int,
    debit: LedgerAccount,
    credit: LedgerAccount,
) -> None:
    moved, transfer = move(wallet, cents(30), cause())
    assert (moved.available, moved.held) == (cents(available), cents(held))
    assert (transfer.debit, transfer.credit, transfer.amount) == (debit, credit, cents(30))
    assert (transfer.id, transfer.account_id, transfer.number) == (cause().id, ADA, 1)


@pytest.mark.parametrize("move", [Wallet.withdraw, Wallet.hold])
def test_more_than_is_available_is_refused_with_the_facts(wallet: Wallet, move: Move) -> None:
    with pytest.raises(InsufficientBalance) as refused:
        move(wallet, cents(101), cause())
    assert (refused.value.amount, refused.value.available) == (cents(101), cents(100))
    assert move(wallet, cents(100), cause())[0].available == ZERO


@pytest.mark.parametrize("move", [Wallet.release, Wallet.capture])
def test_more_than_is_held_cannot_move(wallet: Wallet, move: Move) -> None:
    with pytest.raises(ValueError, match="wallet"):
        move(wallet, cents(51), cause())
    assert move(wallet, cents(50), cause())[0].held == ZERO


@pytest.mark.parametrize("move", [Wallet.fund, Wallet.withdraw])
@pytest.mark.parametrize("amount", [ZERO, Money(-10_000), Money(1), Money(15_000)])
def test_an_operator_moves_whole_cents_only(wallet: Wallet, move: Move, amount: Money) -> None:
    with pytest.raises(ValidationRefused) as refused:
        move(wallet, amount, cause())
    assert refused.value.field == "amount"


@pytest.mark.parametrize("parts", [(-1, 0), (0, -1)])
def test_a_wallet_below_nothing_cannot_be_built(parts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="wallet"):
        Wallet(account_id=ADA, available=Money(parts[0]), held=Money(parts[1]))
