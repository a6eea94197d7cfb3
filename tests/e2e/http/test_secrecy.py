"""Nobody learns what others have: not by an answer, not by what is read for it, nor by its time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any, Final, cast

import pytest
from attrs import define, field

from kiwisms.adapters.memory import MemoryStore
from kiwisms.domain.api_key import issue_key
from kiwisms.domain.ids import AccountId
from kiwisms.ports.store import Store
from tests.e2e.http.site import Answer, Customer, Site, open_site
from tests.postgres import database

Ask = Callable[[], Awaitable[Answer]]

PAIRS: Final = 300
SHARE: Final = 1 / 6
"""
How far from one half the share of pairs may be in which the first question took longer.

Which is asked first is a coin's choice. So if both take equally long, this is the share of heads
among as many coins, however busy the machine is and whatever disturbs it, and is further off once
in a hundred million runs.
"""
PART: Final = 0.1
"""
The part of a request's time that a difference may always be.

It is seen long before that: to read a row that is there takes SQLite two microseconds more of 150.
"""
STRANGE: Final = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
"""The id of no rental and of no account."""
OPERATIONS: Final = (
    ("GET", "?sync=1"),
    ("GET", "?sync=0"),
    ("POST", "/cancel"),
    ("POST", "/done"),
    ("POST", "/renew"),
)


@define
class Noting:
    """A store, or a transaction of it, that notes what is asked, and not about whom."""

    inner: Any
    asked: list[str] = field(factory=list)

    def __getattr__(self, name: str) -> Any:
        """Give a method of the store."""
        self.asked.append(name)
        return getattr(self.inner, name)

    @asynccontextmanager
    async def transaction(self, *about: Any) -> AsyncIterator["Noting"]:
        """Note what is read in a transaction too."""
        self.asked.append("transaction")
        async with self.inner.transaction(*about) as tx:
            yield Noting(tx, self.asked)


@pytest.fixture(params=["sqlite", "postgres"])
async def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/kiwisms.db"
        return
    async with database() as url:
        yield url


async def of_another(site: Site) -> str:
    """The id of a rental that is not Ada's."""
    bob = await site.customer(email="bob@example.com")
    rental_id: str = (await bob.rent()).json["rental"]["id"]
    return rental_id


def wrong_secret(ada: Customer) -> str:
    """A key of which all but the secret is right."""
    prefix, secret = ada.key.rsplit("_", 1)
    return f"{prefix}_{'v' * len(secret)}"


def unknown_key(ada: Customer) -> str:
    """A key that Ada's account does not have."""
    head, secret = wrong_secret(ada).rsplit("_", 1)
    return f"{head[:-6]}aaaaaa_{secret}"


def unknown_account(ada: Customer) -> str:
    """A key of an account that is not there."""
    secret = wrong_secret(ada).rsplit("_", 1)[1]
    never = datetime(2026, 1, 1, tzinfo=UTC)
    return issue_key(AccountId(STRANGE), tag="aaaaaa", secret=secret, label="", at=never)[1]


def with_key(site: Site, key: str) -> Ask:
    return lambda: site.ask("GET", "/api/v1/balance", headers={"X-API-Key": key})


def about(ada: Customer, operation: tuple[str, str], rental_id: str) -> Ask:
    method, rest = operation
    return lambda: ada.ask(method, f"/rentals/{rental_id}{rest}")


async def answer_to(ask: Ask) -> tuple[int, bytes, list[str]]:
    """All that can be read of an answer."""
    answer = await ask()
    return answer.status, answer.body, sorted(set(answer.headers) - {"Date"})


async def seconds(ask: Ask) -> float:
    began = perf_counter()
    await ask()
    return perf_counter() - began


async def timed_pairs(first: Ask, second: Ask) -> list[tuple[float, float]]:
    """Ask both again and again, one right after the other, in an order left to chance."""
    coin, pairs = Random(1), []
    for _ in range(PAIRS):
        if coin.random() < 0.5:
            a, b = await seconds(first), await seconds(second)
        else:
            b, a = await seconds(second), await seconds(first)
        pairs.append((a, b))
    return pairs


async def assert_not_told_by_time(first: Ask, second: Ask) -> None:
    for ask in (first, second) * 20:
        await ask()
    pairs = await timed_pairs(first, second)
    share = sum(a > b for a, b in pairs) / PAIRS
    difference = median(a - b for a, b in pairs) / median(b for _, b in pairs)
    is_sure, is_large = abs(share - 0.5) > SHARE, abs(difference) > PART
    assert not (is_sure and is_large), f"slower in {share:.0%}, by {difference:.0%}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
async def test_anothers_rental_is_as_good_as_none(operation: tuple[str, str]) -> None:
    noting = Noting(MemoryStore())
    async with open_site(cast("Store", noting)) as site:
        ada = await site.customer()
        asks = [about(ada, operation, each) for each in (STRANGE, await of_another(site))]
        await asks[0]()
        told = []
        for ask in asks:
            noting.asked.clear()
            told.append((await answer_to(ask), list(noting.asked)))
        assert told[0] == told[1]
        assert told[0][0][0] == 404
        assert site.simulator.api.requests["getStatus"] == 0


@pytest.mark.parametrize("make", [unknown_key, unknown_account])
async def test_an_unknown_key_is_as_good_as_a_wrong_secret(make: Callable[[Customer], str]) -> None:
    noting = Noting(MemoryStore())
    async with open_site(cast("Store", noting)) as site:
        ada = await site.customer()
        told = []
        for key in (wrong_secret(ada), make(ada)):
            noting.asked.clear()
            told.append((await answer_to(with_key(site, key)), list(noting.asked)))
        assert told[0] == told[1]
        assert told[0][0][0] == 401
        assert told[0][1] == ["api_key"]


@pytest.mark.parametrize("operation", [("GET", "?sync=1"), ("POST", "/cancel")], ids=" ".join)
async def test_time_does_not_tell_anothers_rental(
    site: Site, ada: Customer, operation: tuple[str, str]
) -> None:
    anothers = about(ada, operation, await of_another(site))
    await assert_not_told_by_time(anothers, about(ada, operation, STRANGE))


@pytest.mark.parametrize("make", [unknown_key, unknown_account])
async def test_time_does_not_tell_a_known_prefix(
    site: Site, ada: Customer, make: Callable[[Customer], str]
) -> None:
    wrong = with_key(site, wrong_secret(ada))
    await assert_not_told_by_time(wrong, with_key(site, make(ada)))
