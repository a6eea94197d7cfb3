"""
Measures polls of the whole server, beside a bare handler that answers the same bytes.

It compares responses per second of processor time, which is what one idle core could answer.
Responses per second on the clock say the same only if nothing else runs on the machine, and the
load generator is not the bottleneck.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from itertools import repeat
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import orjson
import uvloop
from attrs import frozen

from bench.load import HOST, Load, load
from bench.numbers import Line, Spread, ratios
from bench.postgres import running_postgres
from bench.programs import HIGH_LIMITS, LOAD, Program, pin_to, run_to_end, running

CLIENTS: Final = 16
ROUNDS: Final = 5
SECONDS: Final = 1.5
SESSION_SECONDS: Final = 9_999
"""Its number of digits stays the same during the run, so all responses have one length."""
COUNTDOWN: Final = re.compile(rb'"secondsRemaining":\d+')


@frozen(kw_only=True)
class Poll:
    """
    Responses per second: of processor time, and on the clock.

    *busy* is the share of a core that the load generator used. *database* is the share that the
    database's server used, if that is another program.
    """

    store: str
    wanted: float
    ratio: Spread
    full: Spread
    bare: Spread
    ratio_on_clock: Spread
    full_on_clock: Spread
    bare_on_clock: Spread
    busy: Spread
    database: Spread
    answer_bytes: int

    @property
    def lines(self) -> Sequence[Line]:
        """The lines of the table."""
        return (
            Line(
                what=f"poll over {self.store}: server / bare",
                measured=self.ratio,
                wanted=self.wanted,
            ),
            Line(what="  server", measured=self.full, unit="/core s"),
            Line(what="  bare", measured=self.bare, unit="/core s"),
            Line(what="  the same on the clock", measured=self.ratio_on_clock),
            Line(what="  server", measured=self.full_on_clock, unit="/s"),
            Line(what="  bare", measured=self.bare_on_clock, unit="/s"),
            Line(what="  load generator", measured=self.busy, unit="of a core"),
            Line(what="  database", measured=self.database, unit="of a core"),
        )


@frozen(kw_only=True)
class Polls:
    """The polls over each store."""

    sqlite: Poll
    postgres: Poll

    @property
    def lines(self) -> Sequence[Line]:
        """See `Measured`."""
        return *self.sqlite.lines, *self.postgres.lines


@frozen
class _Answers:
    per_core_second: float
    database: float
    load: Load


@frozen(kw_only=True)
class _Stored:
    """A store under the server, and a function that returns its own processor time."""

    name: str
    wanted: float
    url: str
    processor_seconds: Callable[[], float]


@frozen(kw_only=True)
class _Customer:
    """An API key, and the port where it is used."""

    port: int
    key: str

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send one request over a connection of its own."""
        connection = HTTPConnection(HOST, self.port)
        connection.request(method, path, body, {"X-API-Key": self.key})
        answer = connection.getresponse().read()
        connection.close()
        return answer

    def rent(self) -> str:
        """Rent a number, and return the path at which it is polled."""
        rented = orjson.loads(self.ask("POST", "/api/v1/rentals", b'{"service": "go"}'))
        return f"/api/v1/rentals/{rented['rental']['id']}?sync=0"


def measure(folder: Path) -> Polls:
    """Poll over each store; the database's server shares the last core with the load."""
    url = f"sqlite:///{folder}/poll.db"
    sqlite = _Stored(name="SQLite", wanted=0.5, url=url, processor_seconds=lambda: 0.0)
    pin_to(LOAD)
    with running_postgres() as server:
        postgres = _Stored(
            name="Postgres",
            wanted=0.4,
            url=server.fresh(),
            processor_seconds=server.processor_seconds,
        )
        return Polls(sqlite=_measure(sqlite), postgres=_measure(postgres))


def _measure(stored: _Stored) -> Poll:
    """Poll waiting rentals as fast as possible, in turn with the bare handler."""
    store = {
        "KIWISMS_STORE_URL": stored.url,
        "KIWISMS_SECRET_KEY": "nothing is secret",
        **HIGH_LIMITS,
    }
    with ExitStack() as stack:
        upstream = stack.enter_context(running("kiwisms", "simulator", "--json")).printed
        settings = {
            **store,
            "KIWISMS_PROVIDER_URL": upstream["address"],
            "KIWISMS_PROVIDER_KEY": upstream["key"],
            "KIWISMS_SESSION_SECONDS": str(SESSION_SECONDS),
        }
        key = _customer_key(settings)
        full = stack.enter_context(
            running("kiwisms", "serve", "--port", "0", "--json", settings=settings)
        )
        customer = _Customer(port=_port(full.printed["address"]), key=key)
        paths = [customer.rent() for _ in range(CLIENTS)]
        answer = customer.ask("GET", paths[0])
        bare = stack.enter_context(running("bench.bare", stdin=answer))
        customer_of_bare = _Customer(port=bare.printed["port"], key=key)
        _must_be_same(answer, customer_of_bare.ask("GET", paths[0]))

        def both() -> tuple[_Answers, _Answers]:
            polled = _poll(full, customer, paths, stored)
            return polled, _poll(bare, customer_of_bare, paths, stored)

        both()
        rounds = [both() for _ in range(ROUNDS)]
        _must_be_same(answer, customer.ask("GET", paths[0]))
    return _sum_up(stored, rounds, len(answer))


def _poll(program: Program, customer: _Customer, paths: Sequence[str], stored: _Stored) -> _Answers:
    head = f" HTTP/1.1\r\nHost: {HOST}\r\nX-API-Key: {customer.key}\r\n\r\n"
    clients = [repeat(f"GET {path}{head}".encode()) for path in paths]
    before, served = program.processor_seconds(), stored.processor_seconds()
    measured = uvloop.run(load(customer.port, clients, seconds=SECONDS))
    worked, served = program.processor_seconds() - before, stored.processor_seconds() - served
    return _Answers(measured.answers / worked, served / SECONDS, measured)


def _sum_up(
    stored: _Stored, rounds: Sequence[tuple[_Answers, _Answers]], answer_bytes: int
) -> Poll:
    full, bare = zip(*rounds, strict=True)
    per_core = [[each.per_core_second for each in side] for side in (full, bare)]
    on_clock = [[each.load.per_second for each in side] for side in (full, bare)]
    return Poll(
        store=stored.name,
        wanted=stored.wanted,
        ratio=ratios(*per_core),
        full=Spread.of(per_core[0]),
        bare=Spread.of(per_core[1]),
        ratio_on_clock=ratios(*on_clock),
        full_on_clock=Spread.of(on_clock[0]),
        bare_on_clock=Spread.of(on_clock[1]),
        busy=Spread.of([each.load.busy for each in full + bare]),
        database=Spread.of([each.database for each in full]),
        answer_bytes=answer_bytes,
    )


def _customer_key(settings: dict[str, str]) -> str:
    def kiwisms(*command: str) -> object:
        return run_to_end("kiwisms", *command, "--json", settings=settings)

    email = "ada@example.com"
    kiwisms("accounts", "create", email)
    kiwisms("wallet", "credit", email, "10.00", "--reason", "a measurement")
    return str(run_to_end("kiwisms", "keys", "create", email, "--json", settings=settings)["key"])


def _port(address: str) -> int:
    port = urlsplit(address).port
    assert port is not None
    return port


def _must_be_same(one: bytes, other: bytes) -> None:
    """Compare two responses; only the remaining seconds may differ, but not in length."""
    assert len(one) == len(other)
    assert COUNTDOWN.sub(b"", one) == COUNTDOWN.sub(b"", other)
