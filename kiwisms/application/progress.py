"""What one transaction does to one rental: each step with its money and its history."""

from attrs import define, field

from kiwisms.domain.actors import APP
from kiwisms.domain.billing import settle
from kiwisms.domain.history import Step, step
from kiwisms.domain.ledger import Transfer
from kiwisms.domain.rental import Rental
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.transaction import Fact


def actor(rental: Rental) -> str:
    """The actor that requested a rental."""
    return rental.key_prefix or APP


@define(kw_only=True)
class Progress:
    """A rental and its account's wallet as they change, and everything to save."""

    wallet: Wallet
    rental: Rental | None
    by: str
    wallet_before: Wallet = field(init=False)
    rental_before: Rental | None = field(init=False)
    _added: list[Transfer | Step] = field(factory=list, init=False)

    @wallet_before.default
    def _wallet_before(self) -> Wallet:
        return self.wallet

    @rental_before.default
    def _rental_before(self) -> Rental | None:
        return self.rental

    def to(self, after: Rental) -> None:
        """Take one step; raises `InsufficientBalance` when it costs more than is available."""
        self.wallet, transfers = settle(self.wallet, self.rental, after)
        happened = step(self.rental, after, self.by)
        self._added.extend(transfers)
        if happened is not None:
            self._added.append(happened)
        self.rental = after

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts to save: the rental, the wallet if money moved, and transfers and steps."""
        moved = any(isinstance(fact, Transfer) for fact in self._added)
        rental = () if self.rental is None else (self.rental,)
        return (*rental, *((self.wallet,) if moved else ()), *self._added)
