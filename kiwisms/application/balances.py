"""Recent readings of upstream's balance, so that an incident can report what it was before."""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field, frozen

from kiwisms.domain.money import Money
from kiwisms.domain.reconciliation import Balance
from kiwisms.ports.clock import Clock
from kiwisms.ports.provider import Provider

PACE: Final = timedelta(minutes=1)
"""How often the balance is read at least."""
MAX_READINGS: Final = 60
"""How many readings are kept; at `PACE` they go back further than a session lasts."""


@frozen
class _Reading:
    asked_at: datetime
    balance: Balance


@define(kw_only=True, eq=False)
class Balances:
    """The latest readings of upstream's balance by this process."""

    provider: Provider
    clock: Clock
    _readings: deque[_Reading] = field(factory=lambda: deque(maxlen=MAX_READINGS), init=False)
    _tried_at: datetime | None = field(default=None, init=False)

    async def read(self) -> Balance | None:
        """Ask upstream now; ``None`` when it does not report its balance."""
        asked_at = self._tried_at = self.clock.now()
        answer = await self.provider.balance()
        if not isinstance(answer, Money):
            return None
        balance = Balance(amount=answer, at=self.clock.now())
        self._readings.append(_Reading(asked_at, balance))
        return balance

    async def refresh_if_old(self) -> None:
        """Ask upstream, unless the last try is newer than `PACE`."""
        if self._tried_at is None or self.clock.now() >= self._tried_at + PACE:
            await self.read()

    @property
    def latest(self) -> Balance | None:
        """The newest balance that this process has read."""
        return self._readings[-1].balance if self._readings else None

    def after(self, moment: datetime) -> Balance | None:
        """The first balance that was requested after *moment*, if any."""
        return next((each.balance for each in self._readings if each.asked_at > moment), None)

    def before(self, moment: datetime) -> Balance | None:
        """The last balance that was received by *moment*; ``None`` when this process has none."""
        balances = (each.balance for each in reversed(self._readings))
        return next((balance for balance in balances if balance.at <= moment), None)
