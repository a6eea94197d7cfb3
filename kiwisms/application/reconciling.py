"""Reconciliation: compare upstream's balance with our books since the last reading."""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.incident import Incident
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.reconciliation import BooksInMotion, Outlay, Reading, difference
from kiwisms.domain.terms import Terms
from kiwisms.ports.clock import Clock
from kiwisms.ports.provider import Provider
from kiwisms.ports.store import Store

TRIES: Final = 10
PAUSE_SECONDS: Final = 1.0
MOST: Final = 1_000


@frozen(kw_only=True)
class Reconciled:
    """
    What a comparison found.

    Attributes:
        earlier: The previous reading; the first one has none, and so no difference.
        reading: This reading, which was saved.
        difference: How much more upstream has than the books explain; negative when it has less.
        uncosted: How many paid numbers have a cost that upstream did not report.
        incidents: Those that were open at some time since the earlier reading, and so may
            explain a difference.
    """

    earlier: Reading | None
    reading: Reading
    difference: Money
    uncosted: int
    incidents: Sequence[Incident]


@frozen(kw_only=True, eq=False)
class Reconciling:
    """The operator's use case about upstream's money."""

    store: Store
    provider: Provider
    clock: Clock
    terms: Terms

    async def run(self, *, topped_up: Money = ZERO) -> Reconciled:
        """
        Read upstream's balance, compare it with the books, and save the reading.

        Args:
            topped_up: What the operator paid in upstream since the last reading.

        Raises:
            ValidationRefused: *topped_up* is negative.
            ProviderFailed: Upstream does not report its balance; nothing was saved.
            BooksInMotion: There was no quiet moment to read it; nothing was saved.
        """
        if topped_up < ZERO:
            raise ValidationRefused("topped-up", "must not be negative")
        earlier = await self.store.last_reading()
        balance, outlay = await self._read_quietly()
        reading = Reading(
            at=self.clock.now(), balance=balance, spent=outlay.spent, topped_up=topped_up
        )
        await self.store.add_reading(reading)
        return Reconciled(
            earlier=earlier,
            reading=reading,
            difference=ZERO if earlier is None else difference(earlier, reading),
            uncosted=outlay.uncosted,
            incidents=await self._open_since(earlier),
        )

    async def _read_quietly(self) -> tuple[Money, Outlay]:
        """Read balance and books at one moment, in which nothing moves."""
        for _ in range(TRIES):
            before = await self._outlay()
            if before.moving:
                await self.clock.sleep(PAUSE_SECONDS)
                continue
            balance = await self.provider.balance()
            if not isinstance(balance, Money):
                raise ProviderFailed(f"the provider does not report its balance: {balance}", "")
            # What upstream did just before may not be in our books yet.
            await self.clock.sleep(PAUSE_SECONDS)
            if await self._outlay() == before:
                return balance, before
        raise BooksInMotion

    async def _outlay(self) -> Outlay:
        # Upstream's session ends a moment before ours, and then the money is back there.
        return await self.store.outlay(ending=self.clock.now() + self.terms.pace.look)

    async def _open_since(self, earlier: Reading | None) -> list[Incident]:
        return [
            incident
            for incident in await self.store.incidents(limit=MOST)
            if incident.may_cost
            and (
                incident.resolved_at is None
                or (earlier is not None and incident.resolved_at > earlier.at)
            )
        ]
