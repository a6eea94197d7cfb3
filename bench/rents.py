"""Measures rents per second over SQLite, by one client and by many, beside the disk's syncs."""

import os
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Final

import uvloop
from attrs import frozen

from bench.load import HOST, Load, load
from bench.numbers import Line, Spread, ratios
from bench.programs import running

CLIENTS: Final = 32
ROUNDS: Final = 3
SECONDS: Final = 2.0
SLOW_SYNC_MS: Final = 5
"""How much longer a sync takes on the simulated slower disk."""
SYNCS: Final = 200
PAGE: Final = bytes(4096)
BODY: Final = b'{"service": "go"}'


@frozen(kw_only=True)
class OnDisk:
    """Rents per second on one disk, and the share of a core that the load generator used."""

    ratio: Spread
    one: Spread
    many: Spread
    busy: Spread


@frozen(kw_only=True)
class Rents:
    """Rents on this machine's disk and on a slower one; *syncs* is what the real one can do."""

    syncs: Spread
    rents_per_sync: Spread
    here: OnDisk
    slow: OnDisk

    @property
    def lines(self) -> Sequence[Line]:
        """See `Measured`."""
        ratio, slow = f"rents: {CLIENTS} clients / one", f"  if a sync took {SLOW_SYNC_MS} ms more"
        return (
            Line(what=ratio, measured=self.here.ratio, wanted=5),
            Line(what="  one client", measured=self.here.one, unit="/s"),
            Line(what=f"  {CLIENTS} clients", measured=self.here.many, unit="/s"),
            Line(what="  load generator", measured=self.here.busy, unit="of a core"),
            Line(what="  syncs", measured=self.syncs, unit="/s"),
            Line(what="  rents of one client / syncs", measured=self.rents_per_sync),
            Line(what=slow, measured=self.slow.ratio, wanted=5),
            Line(what="  one client", measured=self.slow.one, unit="/s"),
            Line(what=f"  {CLIENTS} clients", measured=self.slow.many, unit="/s"),
        )


@frozen
class _Round:
    syncs: float
    one: Load
    many: Load


def measure(folder: Path) -> Rents:
    """Rent in turn with one client and with many, each time over a new store."""
    here = [_round(folder / f"here-{number}.db", sync_ms=0) for number in range(ROUNDS)]
    slow = [_round(folder / f"slow-{number}.db", sync_ms=SLOW_SYNC_MS) for number in range(ROUNDS)]
    syncs = [each.syncs for each in here + slow]
    return Rents(
        syncs=Spread.of(syncs),
        rents_per_sync=ratios([each.one.per_second for each in here], [e.syncs for e in here]),
        here=_on_disk(here),
        slow=_on_disk(slow),
    )


def _round(file: Path, *, sync_ms: int) -> _Round:
    with running("bench.rents_server", f"sqlite:///{file}", str(CLIENTS), str(sync_ms)) as server:
        port, clients = server.printed["port"], [requests(key) for key in server.printed["keys"]]
        return _Round(
            syncs=_syncs(file.with_suffix(".sync.db")),
            one=uvloop.run(load(port, clients[:1], seconds=SECONDS)),
            many=uvloop.run(load(port, clients, seconds=SECONDS)),
        )


def _on_disk(rounds: Sequence[_Round]) -> OnDisk:
    one = [each.one.per_second for each in rounds]
    many = [each.many.per_second for each in rounds]
    return OnDisk(
        ratio=ratios(many, one),
        one=Spread.of(one),
        many=Spread.of(many),
        busy=Spread.of([each.many.busy for each in rounds]),
    )


def requests(key: str) -> Iterator[bytes]:
    """Yield one customer's rents, each with an idempotency key of its own."""
    head = (
        f"POST /api/v1/rentals HTTP/1.1\r\nHost: {HOST}\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\nIdempotency-Key: "
    ).encode()
    for number in count():
        yield head + b"%d\r\n\r\n" % number + BODY


def _syncs(file: Path) -> float:
    """Measure how often a second the disk can sync a page that is written over an old one."""
    with file.open("wb", buffering=0) as written:
        for _ in range(2):
            written.seek(0)
            began = time.perf_counter()
            for _ in range(SYNCS):
                written.write(PAGE)
                os.fdatasync(written.fileno())
        return SYNCS / (time.perf_counter() - began)
