"""
A process that kills itself before its n-th effect.

Every effect is a call of the store, the provider or the webhook sender, so a wrapper around these
three stands in every gap between two of them; leaving a transaction is an effect of its own.
"""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, Final, cast

import aiohttp
from attrs import define, evolve, field, frozen

import kiwisms
from kiwisms.adapters.webhook_sender import HttpWebhookSender
from kiwisms.domain.ids import AccountId
from kiwisms.entrypoints.wiring.stores import open_store
from kiwisms.ports.provider import Provider
from kiwisms.ports.store import Store
from kiwisms.ports.transaction import Transaction
from kiwisms.ports.webhooks import WebhookSender
from kiwisms.testing.clock import ManualClock

ROOT: Final = Path(__file__).parents[2]
SETTINGS: Final = kiwisms.Settings(
    secret_key="a secret for tests",
    provider_timeout_seconds=5,
    # One more waits after each death.
    provider_max_waiting=1000,
)


@frozen(kw_only=True)
class World:
    """What outlives the process: a store, a simulated provider, and a customer's receiver."""

    store_url: str
    provider_url: str
    provider_key: str
    control: str
    hook: str
    began: datetime

    async def steer(self, what: str, **command: object) -> Any:
        """Steer the simulator."""
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.post(f"{self.control}/{what}", json=command) as answer,
        ):
            return await answer.json()

    async def upstream(self) -> Any:
        """Read how the simulator stands."""
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.get(f"{self.control}/state") as answer,
        ):
            return await answer.json()

    async def mend(self) -> None:
        """Let nothing go wrong upstream any more."""
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.delete(f"{self.control}/faults"),
        ):
            pass


@define
class Steps:
    """Counts effects; *left* of them still happen, and none when it is ``None`` are counted."""

    left: int | None = None

    def step(self) -> None:
        """Let one more happen, or die."""
        if self.left is None:
            return
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


@frozen
class Mortal:
    """A port of which each call is a step."""

    port: Any
    steps: Steps

    def __getattr__(self, name: str) -> Any:
        what = getattr(self.port, name)
        if not iscoroutinefunction(what):
            return what

        async def call(*args: Any, **kwargs: Any) -> Any:
            self.steps.step()
            return await what(*args, **kwargs)

        return call


class MortalStore(Mortal):
    """A store of which also each commit is a step."""

    @asynccontextmanager
    async def transaction(self, *asked: Any) -> AsyncIterator[Transaction]:
        self.steps.step()
        async with self.port.transaction(*asked) as tx:
            yield tx
            self.steps.step()


@frozen(kw_only=True)
class Life:
    """One process: kiwisms, under a clock that only it moves, and one customer."""

    world: World
    kiwi: kiwisms.Kiwisms
    clock: ManualClock
    account_id: AccountId = field(default=AccountId(""))

    async def rent(self, key: str = "order-42") -> kiwisms.Rental:
        """Rent a number."""
        return await self.kiwi.rentals.rent(self.account_id, service="go", idempotency_key=key)

    async def send(self, code: str, to: kiwisms.Rental) -> None:
        """Let a message arrive upstream."""
        await self.world.steer("messages", code=code, to=to.activation_id)
        self.clock.advance(20)

    async def newest(self) -> kiwisms.Rental:
        """The customer's newest rental."""
        return (await self.kiwi.rentals.all(account_id=self.account_id))[0]


@asynccontextmanager
async def living(world: World, clock: ManualClock, steps: Steps) -> AsyncIterator[Life]:
    """Open all of kiwisms over what is there."""
    async with (
        open_store(world.store_url, SETTINGS) as store,
        kiwisms.DaisySMS(world.provider_url, world.provider_key) as provider,
        HttpWebhookSender(allow_private=True) as sender,
        kiwisms.open(
            cast("Store", MortalStore(store, steps)),
            provider=cast("Provider", Mortal(provider, steps)),
            webhooks=cast("WebhookSender", Mortal(sender, steps)),
            clock=clock,
            settings=SETTINGS,
            background=False,
        ) as kiwi,
    ):
        yield Life(world=world, kiwi=kiwi, clock=clock)


Act = Callable[[Life], Awaitable[object]]


@frozen(kw_only=True)
class Fate:
    """A process to be: it prepares, and then acts for so many *effects*."""

    world: World
    email: str
    prepare: Act
    act: Act
    effects: int

    async def meet(self) -> None:
        """Live it; whoever survives has done all there was to do."""
        steps = Steps()
        async with living(self.world, ManualClock(self.world.began), steps) as stranger:
            account = await stranger.kiwi.accounts.create(self.email)
            await stranger.kiwi.wallet.credit(account.id, "10.00", reason="top-up")
            await stranger.kiwi.webhooks.set(account.id, self.world.hook)
            life = evolve(stranger, account_id=account.id)
            await self.prepare(life)
            steps.left = self.effects
            with suppress(kiwisms.KiwismsError):
                await self.act(life)
            # Nobody has heard of it yet.
            steps.step()


@frozen
class Nursery:
    """A process that has imported everything, and forks one that meets its fate in no time."""

    process: "subprocess.Popen[bytes]"

    def kills(self, fate: Fate) -> bool:
        """Say whether it was killed; it must not end in any other way."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        pickle.dump(fate, self.process.stdin)
        self.process.stdin.flush()
        status = int(self.process.stdout.readline())
        assert status in {0, -signal.SIGKILL}
        return status != 0


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Have one for the block."""
    command = [sys.executable, "-m", "tests.e2e.victim"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as born:
        yield Nursery(born)


def main() -> None:
    """Be a nursery until there is nothing more to read."""
    while True:
        try:
            fate: Fate = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pid = os.fork()
        if not pid:
            asyncio.run(fate.meet())
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    # Under its own name: what is read here is pickled by that.
    from tests.e2e import victim

    victim.main()
