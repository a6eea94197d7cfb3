"""The billing table: what each step of a rental does to the customer's money."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from kiwisms.domain.causes import Effect, transfer_id
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.money import Money
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.domain.wallet import Cause, Wallet

EFFECTS: Final[Mapping[tuple[State, State], Effect]] = MappingProxyType(
    {
        (State.NEW, State.REQUESTED): Effect.HOLD,
        (State.REQUESTED, State.WAITING): Effect.CORRECT,
        (State.REQUESTED, State.FAILED): Effect.RELEASE,
        (State.WAITING, State.RECEIVED): Effect.CAPTURE,
        (State.WAITING, State.COMPLETED): Effect.CAPTURE,
        (State.WAITING, State.CANCELLED): Effect.RELEASE,
        (State.WAITING, State.EXPIRED): Effect.RELEASE,
        (State.RECEIVED, State.RECEIVED): Effect.NOTHING,
        (State.RECEIVED, State.COMPLETED): Effect.NOTHING,
    }
)

Move = Callable[[Wallet, Money, Cause], tuple[Wallet, Transfer]]

MOVES: Final[Mapping[Effect, Move]] = MappingProxyType(
    {
        Effect.HOLD: Wallet.hold,
        Effect.CORRECT: Wallet.release,
        Effect.RELEASE: Wallet.release,
        Effect.CAPTURE: Wallet.capture,
    }
)


def settle(
    wallet: Wallet, before: Rental | None, after: Rental
) -> tuple[Wallet, tuple[Transfer, ...]]:
    """
    Move the money that a rental's step costs or frees.

    Args:
        wallet: The customer's wallet before the step.
        before: The rental before the step; ``None`` when the step is the request for it.
        after: The rental after the step.

    Returns:
        The wallet after the step, and the transfers that made it (none, or one).

    Raises:
        InsufficientBalance: The price of a new rental is more than what is available.
    """
    state = State.NEW if before is None else before.state
    if before is not None and state is after.state:
        return wallet, ()
    effect = EFFECTS[state, after.state]
    amount = _amount(effect, before, after)
    if effect is Effect.NOTHING or not amount:
        return wallet, ()
    cause = Cause(
        id=transfer_id(after, effect),
        reason=f"{effect} {after.service} {after.phone}".rstrip(),
        at=after.changed_at,
    )
    moved, transfer = MOVES[effect](wallet, amount, cause)
    return moved, (transfer,)


def _amount(effect: Effect, before: Rental | None, after: Rental) -> Money:
    if effect is Effect.CORRECT and before is not None:
        return before.price - after.price
    return after.price
