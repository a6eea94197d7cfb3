"""What upstream told of its balance lately, so that an incident can say what it was before."""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field

from kiwisms.domain.money import Money
from kiwisms.domain.reconciliation import Balance
from kiwisms.ports.clock import Clock
from kiwisms.ports.provider import Provider

PACE: Final = timedelta(minutes=1)
"""How often the balance is asked for where nothing else does."""
REMEMBERED: Final = 60
"""Readings; at that pace they go back further than a session lasts."""


@define(kw_only=True, eq=False)
class Balances:
    """Upstream's latest balances, as far as this process has asked for them."""

    provider: Provider
    clock: Clock
    _told: deque[Balance] = field(factory=lambda: deque(maxlen=REMEMBERED), init=False)
    _tried_at: datetime | None = field(default=None, init=False)

    async def read(self) -> Balance | None:
        """Ask upstream now; ``None`` when it does not tell."""
        self._tried_at = self.clock.now()
        answer = await self.provider.balance()
        if not isinstance(answer, Money):
            return None
        balance = Balance(amount=answer, at=self.clock.now())
        self._told.append(balance)
        return balance

    async def keep(self) -> None:
        """Ask upstream, unless that was done a moment ago."""
        if self._tried_at is None or self.clock.now() >= self._tried_at + PACE:
            await self.read()

    def before(self, moment: datetime) -> Balance | None:
        """The last balance that was told before *moment*; ``None`` when that is not known here."""
        return next((each for each in reversed(self._told) if each.at <= moment), None)
