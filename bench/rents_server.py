"""
A server whose provider answers at once, so that only the cost of kiwisms is measured.

Its arguments are the store's address, the number of customers to create, and the milliseconds by
which each of SQLite's syncs takes longer, which simulates a slower disk.
"""

import asyncio
import sqlite3
import sys
import time
from functools import partial
from typing import Final

import orjson

import kiwisms
from bench.load import HOST
from bench.provider import InstantProvider
from kiwisms.adapters.system import SystemClock
from kiwisms.entrypoints.cli.server import listen, run, serving

FUNDS: Final = 1_000_000
SETTINGS: Final = kiwisms.Settings(
    rate_rent_per_minute=1_000_000,
    max_active_rentals=100_000,
    provider_max_waiting=100_000,
    secret_key="nothing here is secret",  # noqa: S106
    # No looks upstream meanwhile: only renting is measured.
    sync_seconds=3600,
)


class SlowDisk(sqlite3.Connection):
    """A connection that waits longer for the disk at every commit."""

    sync_seconds = 0.0

    def commit(self) -> None:
        """Commit, on the thread that waits for the disk."""
        time.sleep(self.sync_seconds)
        super().commit()


async def serve(store: str, customers: int, stop: asyncio.Event) -> None:
    """Print the port and the customers' keys to standard output, and answer until stopped."""
    provider = InstantProvider(SystemClock())
    with listen(HOST, 0) as listener:
        async with (
            kiwisms.open(store, provider=provider, settings=SETTINGS) as kiwi,
            serving(kiwi, SETTINGS, listener),
        ):
            keys = [await customer_key(kiwi, number) for number in range(customers)]
            document = {"port": listener.getsockname()[1], "keys": keys}
            sys.stdout.write(orjson.dumps(document).decode() + "\n")
            sys.stdout.flush()
            await stop.wait()


async def customer_key(kiwi: kiwisms.Kiwisms, number: int) -> str:
    """Create an account with plenty of money, and return a key of it."""
    account = await kiwi.accounts.create(f"customer-{number}@example.com")
    await kiwi.wallet.credit(account.id, FUNDS, reason="a measurement")
    _, text = await kiwi.keys.create(account.id)
    return text


def main() -> None:
    """Read the arguments and serve."""
    store, customers, sync_ms = sys.argv[1:]
    SlowDisk.sync_seconds = float(sync_ms) / 1000
    if SlowDisk.sync_seconds:
        sqlite3.connect = partial(sqlite3.connect, factory=SlowDisk)  # type: ignore[assignment]
    run(partial(serve, store, int(customers)))


if __name__ == "__main__":
    main()
