"""Measures ``kiwisms ledger audit`` over many transfers, as an operator runs it."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from attrs import frozen

import kiwisms
from bench.numbers import Line, Spread
from bench.programs import run_to_end
from bench.provider import COST, SERVICE, InstantProvider
from kiwisms.adapters.system import SystemClock
from kiwisms.application.progress import Progress
from kiwisms.domain.actors import APP
from kiwisms.domain.catalog import DEFAULT_COUNTRY
from kiwisms.domain.ids import AccountId, ActivationId, RentalId
from kiwisms.domain.pace import Pace
from kiwisms.domain.rental import Rental

ACCOUNTS: Final = 50
RENTALS: Final = 200
"""Per account. A rental has two transfers: one holds its price, the other captures it."""
ROUNDS: Final = 3
FUNDS: Final = 1_000


@frozen(kw_only=True)
class Audit:
    """The speed of the audit; *rows* counts transfers and rentals."""

    transfers: int
    rows: int
    seconds: Spread
    rows_per_second: Spread

    @property
    def lines(self) -> Sequence[Line]:
        """See `Measured`."""
        return (
            Line(what=f"audit of {self.transfers} transfers", measured=self.seconds, unit="s"),
            Line(what="  transfers and rentals", measured=self.rows_per_second, unit="/s"),
        )


def measure(folder: Path) -> Audit:
    """Fill the books, and audit them several times."""
    store = f"sqlite:///{folder}/audit.db"
    asyncio.run(_write_book(store))
    settings = {"KIWISMS_STORE_URL": store}
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = run_to_end("kiwisms", "ledger", "audit", "--json", settings=settings)
        seconds.append(time.perf_counter() - began)
    assert found["balanced"] is True
    transfers = found["transfers"]
    rows = transfers + ACCOUNTS * RENTALS
    return Audit(
        transfers=transfers,
        rows=rows,
        seconds=Spread.of(seconds),
        rows_per_second=Spread.of([rows / each for each in seconds]),
    )


async def _write_book(store: str) -> None:
    provider = InstantProvider(SystemClock())
    async with kiwisms.open(store, provider=provider, background=False) as kiwi:
        for number in range(ACCOUNTS):
            account = await kiwi.accounts.create(f"customer-{number}@example.com")
            await kiwi.wallet.credit(account.id, FUNDS, reason="a measurement")
            await _rent_and_finish(kiwi, account.id)


async def _rent_and_finish(kiwi: kiwisms.Kiwisms, account_id: AccountId) -> None:
    """Write the rows that many rents leave in an account, in one transaction."""
    async with kiwi.ports.store.transaction(account_id) as tx:
        wallet = await tx.wallet()
        for number in range(RENTALS):
            progress = Progress(wallet=wallet, rental=None, by=APP)
            for after in _life(account_id, number):
                progress.to(after)
            tx.save(*progress.facts)
            wallet = progress.wallet


def _life(account_id: AccountId, number: int) -> Sequence[Rental]:
    now, pace = datetime.now(UTC), Pace()
    requested = Rental.request(
        id=RentalId(f"{account_id}-{number}"),
        account_id=account_id,
        service=SERVICE,
        service_name="Google",
        country=DEFAULT_COUNTRY,
        price=COST,
        at=now,
        pace=pace,
    )
    waiting = requested.rent(
        activation_id=ActivationId(str(number)),
        phone="12025550123",
        price=COST,
        cost=COST,
        asleep_until=None,
        at=now,
        pace=pace,
    )
    return requested, waiting, waiting.complete(now)
