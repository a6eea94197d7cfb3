"""One life: a storm with faults, then a calm in which all work is finished."""

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
from kiwisms.testing.simulation.plan import HORIZON, Action, ActionKind, Plan
from kiwisms.testing.simulation.pusher import Pusher
from kiwisms.testing.simulation.world import World

LONGEST_REST: Final = timedelta(hours=48)
"""Every retry schedule is over by then, also the day-long pauses of a webhook."""

CustomerAction = Callable[[Customer, Action], Awaitable[None]]
OperatorAction = Callable[[Operator, Customer, Action], Awaitable[None]]

BY_CUSTOMER: Final[Mapping[ActionKind, CustomerAction]] = MappingProxyType(
    {
        ActionKind.RENT: Customer.rent,
        ActionKind.RENT_TWICE: Customer.rent_twice,
        ActionKind.POLL: Customer.poll,
        ActionKind.LIST: Customer.list_all,
        ActionKind.FOLLOW: Customer.follow,
        ActionKind.CANCEL: Customer.cancel,
        ActionKind.CANCEL_TWICE: Customer.cancel_twice,
        ActionKind.DONE: Customer.done,
        ActionKind.RENEW: Customer.renew,
        ActionKind.BALANCE: Customer.read_balance,
    }
)
BY_OPERATOR: Final[Mapping[ActionKind, OperatorAction]] = MappingProxyType(
    {
        ActionKind.CREDIT: Operator.credit,
        ActionKind.DEBIT: Operator.debit,
        ActionKind.SUSPEND: Operator.suspend,
        ActionKind.REVOKE: Operator.revoke,
        ActionKind.SET_WEBHOOK: Operator.set_webhook,
        ActionKind.CLEAR_WEBHOOK: Operator.clear_webhook,
        ActionKind.ROTATE_WEBHOOK: Operator.rotate_webhook,
        ActionKind.TEST_WEBHOOK: Operator.test_webhook,
        ActionKind.RESEND: Operator.resend,
        ActionKind.RESOLVE: Operator.resolve,
        ActionKind.GIVE_UP: Operator.give_up,
        ActionKind.WITHDRAW: Operator.withdraw,
        ActionKind.RELEASE_BY_HAND: Operator.release_by_hand,
        ActionKind.REPRICE: Operator.reprice,
        ActionKind.UPSTREAM_AWAY: Operator.upstream_away,
        ActionKind.FALL_SILENT: Operator.fall_silent,
        ActionKind.RECEIVER_DIES: Operator.receiver_dies,
        ActionKind.CRASH: Operator.crash,
        ActionKind.STOP: Operator.stop,
        ActionKind.STOP_ALL: Operator.stop_all,
        ActionKind.RENT_BY_HAND: Operator.rent_by_hand,
        ActionKind.FORGE_PUSH: Operator.forge_push,
    }
)


@define(kw_only=True, eq=False)
class Life:
    """
    A world, its servers, and everyone who acts on them.

    Attributes:
        world: What all processes share.
        cluster: The servers.
        plan: The actions of this life.
        laws: What must hold at any time.
        laws_at_rest: What must hold when no work is left.
        strict: Whether to check the laws after each commit too.
        customers: Everyone who rents numbers.
        pusher: Pushes upstream's messages.
        operator: The person who runs the service.
        calm_since: When the faults and all actions had ended.
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
            world.upstream.on_message = self.pusher.push

    @property
    def resolved(self) -> Mapping[IncidentId, str]:
        """The operator's note on each incident that was resolved."""
        return self.operator.resolved

    def live(self) -> None:
        """Run the whole life; the broken laws are in ``world.broken``."""
        if self.strict:
            self._check_after_commits()
        try:
            self.world.loop.run(self._live())
        except Stuck as error:
            self.world.law_broken(f"the life has no end: {error}")
        for caught in self.world.loop.errors:
            self.world.law_broken(f"the loop caught an error: {caught}")

    async def _live(self) -> None:
        for number in range(self.plan.accounts):
            self.customers.append(await self._create_customer(number))
        self.world.faults.begin()
        loop = self.world.loop
        actions = [loop.create_task(self._do(action)) for action in self.plan.actions]
        await asyncio.sleep(HORIZON + 5)
        self._check(self.laws)
        self.world.log("life", "the storm is over")
        self.world.faults.end()
        await asyncio.gather(*actions)
        self.calm_since = self.world.clock.now()
        await self._finish_work()
        self._check(self.laws)
        self._check(self.laws_at_rest)

    async def _create_customer(self, number: int) -> Customer:
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

    async def _do(self, action: Action) -> None:
        await asyncio.sleep(action.at)
        customer = self.customers[action.account]
        try:
            if action.kind in BY_CUSTOMER:
                await BY_CUSTOMER[action.kind](customer, action)
            else:
                await BY_OPERATOR[action.kind](self.operator, customer, action)
        except Exception as error:  # noqa: BLE001 - any error is a finding
            self.world.law_broken(f"{action} raised {error!r}")

    async def _finish_work(self) -> None:
        clock = self.world.clock
        latest = clock.now() + LONGEST_REST
        while clock.now() < latest:
            await self.pusher.drain()
            due = self.world.disk.first_due
            if due is not None:
                await asyncio.sleep(clock.seconds_until(due) + 1)
                continue
            # The last answers are still in flight, and calls whose caller has left.
            await asyncio.sleep(60)
            if self.world.disk.first_due is None:
                break
        await self.pusher.drain()

    def _check(self, laws: Sequence["Law"]) -> None:
        for law in laws:
            try:
                for what in law(self):
                    self.world.law_broken(what)
            except Exception as error:  # noqa: BLE001 - a law that raises is broken
                name, at = getattr(law, "__name__", law), extract_tb(error.__traceback__)[-1]
                where = f"{at.filename}:{at.lineno}"
                self.world.law_broken(f"the law {name} raised {error!r} at {where}")

    def _check_after_commits(self) -> None:
        notify = self.world.disk.on_commit

        def check(account_id: AccountId) -> None:
            notify(account_id)
            if not self.world.broken:
                self._check(self.laws)

        self.world.disk.on_commit = check


Law = Callable[[Life], Iterator[str]]
"""Checks a life, and yields a sentence for each thing that does not hold."""
