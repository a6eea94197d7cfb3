"""One life: a storm in which things go wrong, and a calm in which all comes to rest."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from traceback import extract_tb
from types import MappingProxyType
from typing import Final

from attrs import define, field

from kiwisms.domain.ids import AccountId, IncidentId
from kiwisms.domain.money import cents
from kiwisms.testing.simulation.cluster import Cluster
from kiwisms.testing.simulation.customer import Customer
from kiwisms.testing.simulation.loop import Stuck
from kiwisms.testing.simulation.operator import Operator
from kiwisms.testing.simulation.plan import HORIZON, Act, Deed, Plan
from kiwisms.testing.simulation.pusher import Pusher
from kiwisms.testing.simulation.world import World

LONGEST_REST: Final = timedelta(hours=48)
"""Every schedule is over by then, a webhook's day-long pauses included."""

OF_CUSTOMER: Final[Mapping[Act, Callable[[Customer, Deed], Awaitable[None]]]] = MappingProxyType(
    {
        Act.RENT: Customer.rent,
        Act.RENT_TWICE: Customer.rent_twice,
        Act.POLL: Customer.poll,
        Act.LIST: Customer.list_all,
        Act.FOLLOW: Customer.follow,
        Act.CANCEL: Customer.cancel,
        Act.CANCEL_TWICE: Customer.cancel_twice,
        Act.DONE: Customer.done,
        Act.RENEW: Customer.renew,
        Act.BALANCE: Customer.read_balance,
    }
)
OF_OPERATOR: Final[Mapping[Act, Callable[[Operator, Customer, Deed], Awaitable[None]]]] = (
    MappingProxyType(
        {
            Act.CREDIT: Operator.credit,
            Act.DEBIT: Operator.debit,
            Act.SUSPEND: Operator.suspend,
            Act.REVOKE: Operator.revoke,
            Act.SET_WEBHOOK: Operator.set_webhook,
            Act.CLEAR_WEBHOOK: Operator.clear_webhook,
            Act.ROTATE_WEBHOOK: Operator.rotate_webhook,
            Act.TEST_WEBHOOK: Operator.test_webhook,
            Act.RESEND: Operator.resend,
            Act.RESOLVE: Operator.resolve,
            Act.GIVE_UP: Operator.give_up,
            Act.WITHDRAW: Operator.withdraw,
            Act.RELEASE_BY_HAND: Operator.release_by_hand,
            Act.REPRICE: Operator.reprice,
            Act.UPSTREAM_AWAY: Operator.upstream_away,
            Act.FALL_SILENT: Operator.fall_silent,
            Act.RECEIVER_DIES: Operator.receiver_dies,
            Act.CRASH: Operator.crash,
            Act.STOP: Operator.stop,
            Act.RENT_BY_HAND: Operator.rent_by_hand,
            Act.FORGE_PUSH: Operator.forge_push,
        }
    )
)


@define(kw_only=True, eq=False)
class Life:
    """
    A world, the servers in it, and everybody who does something there.

    Attributes:
        world: What there is only once.
        cluster: The servers.
        plan: What is done.
        laws: What must hold at any time.
        laws_at_rest: What must hold when nothing is left to do.
        strict: Whether the laws are checked after each commit, and not only now and then.
        customers: Who does it.
        pusher: Upstream's pushed messages.
        operator: Who runs the service.
        calm_since: When nothing went wrong any more, and nobody asked for anything.
    """

    world: World
    cluster: Cluster
    plan: Plan
    laws: Sequence["Law"]
    laws_at_rest: Sequence["Law"]
    strict: bool = False
    customers: list[Customer] = field(factory=list, init=False)
    pusher: Pusher = field(init=False)
    operator: Operator = field(init=False)
    calm_since: datetime = field(init=False)

    def __attrs_post_init__(self) -> None:
        world, cluster = self.world, self.cluster
        self.calm_since = world.clock.now()
        self.pusher = Pusher(world=world, cluster=cluster)
        self.operator = Operator(world=world, cluster=cluster, pusher=self.pusher)
        if world.pushes:
            world.upstream.on_message = self.pusher.hear

    @property
    def resolved(self) -> Mapping[IncidentId, str]:
        """What an operator has said of incidents."""
        return self.operator.resolved

    def live(self) -> None:
        """Run from the first account to the rest; what broke is in ``world.broken``."""
        if self.strict:
            self._check_after_commits()
        try:
            self.world.loop.run(self._live())
        except Stuck as error:
            self.world.break_law(f"the life has no end: {error}")
        for heard in self.world.loop.errors:
            self.world.break_law(f"the loop heard of an error: {heard}")

    async def _live(self) -> None:
        for number in range(self.plan.accounts):
            self.customers.append(await self._welcome(number))
        self.world.faults.begin()
        loop = self.world.loop
        deeds = [loop.create_task(self._do(deed)) for deed in self.plan.deeds]
        await asyncio.sleep(HORIZON + 5)
        self._check(self.laws)
        self.world.tell("life", "the storm is over")
        self.world.faults.end()
        await asyncio.gather(*deeds)
        self.calm_since = self.world.clock.now()
        await self._rest()
        self._check(self.laws)
        self._check(self.laws_at_rest)

    async def _welcome(self, number: int) -> Customer:
        kiwi = self.cluster.servers[0].kiwi
        name = f"customer {number}"
        account = await kiwi.accounts.create(f"customer{number}@example.com")
        await kiwi.wallet.credit(account.id, cents(self.plan.funds[number]), reason="top-up")
        if self.plan.webhooks[number]:
            await kiwi.webhooks.set(account.id, f"https://{number}.example.com/")
        _, key = await kiwi.keys.create(account.id)
        return Customer(
            world=self.world, cluster=self.cluster, account_id=account.id, name=name, key=key
        )

    async def _do(self, deed: Deed) -> None:
        await asyncio.sleep(deed.at)
        customer = self.customers[deed.account]
        try:
            if deed.act in OF_CUSTOMER:
                await OF_CUSTOMER[deed.act](customer, deed)
            else:
                await OF_OPERATOR[deed.act](self.operator, customer, deed)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            self.world.break_law(f"{deed} raised {error!r}")

    async def _rest(self) -> None:
        clock = self.world.clock
        latest = clock.now() + LONGEST_REST
        while clock.now() < latest:
            await self.pusher.rest()
            due = self.world.disk.first_due
            if due is None:
                break
            await asyncio.sleep(clock.seconds_until(due) + 1)
        # The last answers are still on their way.
        await asyncio.sleep(60)
        await self.pusher.rest()

    def _check(self, laws: Sequence["Law"]) -> None:
        for law in laws:
            try:
                for what in law(self):
                    self.world.break_law(what)
            except Exception as error:  # noqa: BLE001 - what it met, it did not expect
                name, at = getattr(law, "__name__", law), extract_tb(error.__traceback__)[-1]
                where = f"{at.filename}:{at.lineno}"
                self.world.break_law(f"the law {name} raised {error!r} at {where}")

    def _check_after_commits(self) -> None:
        told = self.world.disk.on_commit

        def check(account_id: AccountId) -> None:
            told(account_id)
            if not self.world.broken:
                self._check(self.laws)

        self.world.disk.on_commit = check


Law = Callable[[Life], Iterator[str]]
"""Looks at a life and says, in a sentence each, what does not hold."""
