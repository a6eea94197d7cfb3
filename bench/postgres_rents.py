"""
Measures rents per second over Postgres, beside pgbench with the same transactions in plain SQL.

All run in turn on one server, each on its own copy of the same filled database. The server, the
clients and the load generator share all cores.
"""

import asyncio
import os
import random
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from threading import Event, Thread
from typing import Final

import psycopg
import uvloop
from attrs import frozen

from bench.load import load
from bench.numbers import Line, Spread, ratios
from bench.postgres import ACCOUNTS, Postgres, running_postgres
from bench.programs import CORES, pin_to, running
from bench.provider import SERVICE, InstantProvider
from bench.rents import requests
from kiwisms.adapters.local_notices import LocalNotices
from kiwisms.adapters.postgres import PostgresStore
from kiwisms.adapters.system import RandomIds, SystemClock
from kiwisms.application.balances import Balances
from kiwisms.application.catalogs import Catalogs
from kiwisms.application.incidents import Incidents
from kiwisms.application.outbox import Outbox
from kiwisms.application.outcomes import Outcomes
from kiwisms.application.renting import Renting
from kiwisms.application.trail import Trail
from kiwisms.domain.ids import AccountId, IdempotencyKey
from kiwisms.domain.order import Order
from kiwisms.domain.terms import Terms
from tests.postgres import binaries

CLIENTS: Final = 16
ROUNDS: Final = 3
SECONDS: Final = 2
TERMS: Final = Terms(max_active_rentals=100_000, provider_max_waiting=100_000)
RENT: Final = Path(__file__).with_name("rent.sql")
RATE: Final = re.compile(r"tps = ([\d.]+)")
# As in real use, few numbers may be waiting at once, so that places are free for others.
END: Final = """
WITH ended AS (
    UPDATE rental SET state = 'COMPLETED', due_at = NULL WHERE state = 'WAITING'
    RETURNING account_id, id)
UPDATE place SET account_id = NULL, rental_id = NULL FROM ended
WHERE place.account_id = ended.account_id AND place.rental_id = ended.id
"""
WAITING_SECONDS: Final = 0.05


@frozen
class Rate:
    """Rents per second, and the processor time of one, in the client and in the server."""

    per_second: float
    client_us: float
    server_us: float


@frozen(kw_only=True)
class Rates:
    """The rates of several rounds."""

    per_second: Spread
    client_us: Spread
    server_us: Spread

    @classmethod
    def of(cls, rates: Sequence[Rate]) -> "Rates":
        """Summarise *rates*."""
        return cls(
            per_second=Spread.of([each.per_second for each in rates]),
            client_us=Spread.of([each.client_us for each in rates]),
            server_us=Spread.of([each.server_us for each in rates]),
        )

    def lines(self, what: str) -> Sequence[Line]:
        """The lines of the table."""
        return (
            Line(what=f"  {what}", measured=self.per_second, unit="/s"),
            Line(what="    client", measured=self.client_us, unit="core µs"),
            Line(what="    database", measured=self.server_us, unit="core µs"),
        )


@frozen(kw_only=True)
class Compared:
    """One way to rent, beside pgbench with as many clients; *cost* compares processor time."""

    ratio: Spread
    cost: Spread
    ours: Rates
    pgbench: Rates

    @classmethod
    def of(cls, ours: Sequence[Rate], pgbench: Sequence[Rate]) -> "Compared":
        """Compare rates that were measured in turn."""
        return cls(
            ratio=ratios([e.per_second for e in ours], [e.per_second for e in pgbench]),
            cost=ratios(
                [e.client_us + e.server_us for e in ours],
                [e.client_us + e.server_us for e in pgbench],
            ),
            ours=Rates.of(ours),
            pgbench=Rates.of(pgbench),
        )

    def lines(self, what: str, clients: int, wanted: float) -> Sequence[Line]:
        """The lines of the table."""
        ratio = f"Postgres rents, {clients} at once: {what} / pgbench"
        return (
            Line(what=ratio, measured=self.ratio, wanted=wanted),
            Line(what="  core µs / pgbench's", measured=self.cost),
            *self.ours.lines(what),
            *self.pgbench.lines("pgbench"),
        )


@frozen(kw_only=True)
class PostgresRents:
    """Rents through the store alone, by one client and by many, and through the whole server."""

    one: Compared
    many: Compared
    http: Compared

    @property
    def lines(self) -> Sequence[Line]:
        """See `Measured`."""
        return (
            *self.one.lines("store", 1, 1),
            *self.many.lines("store", CLIENTS, 1),
            *self.http.lines("server", CLIENTS, 0.5),
        )


@frozen(kw_only=True)
class _Round:
    one: Rate
    pgbench_of_one: Rate
    many: Rate
    pgbench: Rate
    http: Rate


def measure(folder: Path) -> PostgresRents:
    """Rent in turn through the store, with pgbench and through the server."""
    del folder
    pin_to(*CORES)
    with running_postgres() as postgres:
        rounds = [
            _Round(
                one=_store(postgres, 1),
                pgbench_of_one=_pgbench(postgres, 1),
                many=_store(postgres, CLIENTS),
                pgbench=_pgbench(postgres, CLIENTS),
                http=_http(postgres),
            )
            for _ in range(ROUNDS)
        ]
    pgbench = [each.pgbench for each in rounds]
    return PostgresRents(
        one=Compared.of([e.one for e in rounds], [e.pgbench_of_one for e in rounds]),
        many=Compared.of([e.many for e in rounds], pgbench),
        http=Compared.of([e.http for e in rounds], pgbench),
    )


def _store(postgres: Postgres, clients: int) -> Rate:
    url = postgres.fresh()
    return uvloop.run(_rent_through_store(postgres, url, clients))


async def _rent_through_store(postgres: Postgres, url: str, clients: int) -> Rate:
    async with PostgresStore(url, pool=clients) as store:
        renting = _renting(store)
        await asyncio.gather(*(_rent(renting) for _ in range(clients)))
        with _ending(url):
            began, worked, served = _now(postgres)
            until = began + SECONDS
            rents = sum(await asyncio.gather(*(_client(renting, until) for _ in range(clients))))
            ended, worked_since, served_since = _now(postgres)
    return Rate(
        per_second=rents / (ended - began),
        client_us=(worked_since - worked) / rents * 1e6,
        server_us=(served_since - served) / rents * 1e6,
    )


def _now(postgres: Postgres) -> tuple[float, float, float]:
    return time.perf_counter(), time.process_time(), postgres.processor_seconds()


async def _client(renting: Renting, until: float) -> int:
    rents = 0
    while time.perf_counter() < until:
        await _rent(renting)
        rents += 1
    return rents


async def _rent(renting: Renting) -> None:
    await renting.rent(
        AccountId(random.choice(ACCOUNTS)),  # noqa: S311
        Order(service=SERVICE),
        key=IdempotencyKey(renting.ids.new()),
        key_prefix=None,
    )


def _renting(store: PostgresStore) -> Renting:
    clock = SystemClock()
    provider = InstantProvider(clock)
    hour, ids = timedelta(hours=1), RandomIds()
    balances = Balances(provider=provider, clock=clock)
    trail = Trail(store=store, clock=clock, ids=ids, by="bench")
    outbox = Outbox(clock=clock, ids=ids)
    outcomes = Outcomes(
        store=store,
        provider=provider,
        incidents=Incidents(store=store, balances=balances, clock=clock, ids=ids, trail=trail),
        outbox=outbox,
        clock=clock,
        notices=LocalNotices(clock),
        terms=TERMS,
    )
    return Renting(
        store=store,
        provider=provider,
        catalogs=Catalogs(provider=provider, clock=clock, terms=TERMS, max_age=hour),
        outcomes=outcomes,
        outbox=outbox,
        clock=clock,
        ids=ids,
        terms=TERMS,
    )


def _pgbench(postgres: Postgres, clients: int) -> Rate:
    url = postgres.fresh()
    command = [str(binaries() / "pgbench"), "-n", "--protocol=prepared", f"--file={RENT}"]
    load_by = [f"--client={clients}", f"--time={SECONDS}", url]
    with _ending(url):
        worked, served = _children_seconds(), postgres.processor_seconds()
        done = subprocess.run([*command, *load_by], check=True, capture_output=True, text=True)
        worked, served = _children_seconds() - worked, postgres.processor_seconds() - served
    rate = RATE.search(done.stdout)
    assert rate is not None
    per_second = float(rate[1])
    rents = per_second * SECONDS
    return Rate(per_second, worked / rents * 1e6, served / rents * 1e6)


def _children_seconds() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _http(postgres: Postgres) -> Rate:
    url = postgres.fresh()
    with running("bench.rents_server", url, str(CLIENTS), "0") as server, _ending(url):
        pin_to(*CORES)
        os.sched_setaffinity(server.pid, CORES)
        clients = [requests(key) for key in server.printed["keys"]]
        worked, served = server.processor_seconds(), postgres.processor_seconds()
        loaded = uvloop.run(load(server.printed["port"], clients, seconds=SECONDS))
        worked, served = server.processor_seconds() - worked, postgres.processor_seconds() - served
    return Rate(loaded.per_second, worked / loaded.answers * 1e6, served / loaded.answers * 1e6)


@contextmanager
def _ending(url: str) -> Iterator[None]:
    """While the block runs, end rentals soon after they were made."""
    over = Event()

    def end() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not over.wait(WAITING_SECONDS):
                connection.execute(END)

    thread = Thread(target=end)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
