"""The client of one customer: it authenticates each request, and retries those that failed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from attrs import define, field

from kiwisms.application.errors import ProviderFailed
from kiwisms.application.keys import Caller
from kiwisms.application.renting import Ordered
from kiwisms.domain.account import AccountSuspended
from kiwisms.domain.catalog import ServiceUnavailable
from kiwisms.domain.errors import KiwismsError, RateLimited, Unauthorized
from kiwisms.domain.idempotency import IdempotencyConflict
from kiwisms.domain.ids import AccountId
from kiwisms.domain.rental import CancelNotAllowed, RenewNotFound, RentalNotFound
from kiwisms.domain.usage import TooManyActiveRentals
from kiwisms.domain.wallet import InsufficientBalance
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.ports.provider import Refusal
from kiwisms.ports.store import StoreUnavailable
from kiwisms.ports.transaction import TransactionConflict
from kiwisms.testing.simulation.cluster import Cluster
from kiwisms.testing.simulation.describe import describe
from kiwisms.testing.simulation.marks import Mark
from kiwisms.testing.simulation.plan import Action
from kiwisms.testing.simulation.process import ConnectionLost
from kiwisms.testing.simulation.world import World

T = TypeVar("T")

PAUSES: Final = (0.5, 3.0, 12.0, 40.0)
"""Seconds before each retry of a request that failed through no fault of the customer."""
FAILED: Final = (ProviderFailed, StoreUnavailable, TransactionConflict, IdempotencyConflict)
"""Errors after which a client should retry."""
REFUSED: Final = (
    AccountSuspended,
    CancelNotAllowed,
    InsufficientBalance,
    RateLimited,
    RenewNotFound,
    RentalNotFound,
    ServiceUnavailable,
    TooManyActiveRentals,
    Unauthorized,
)
"""Errors that refuse the request of an honest customer."""

REACHED: Final = {
    AccountSuspended: Mark.SUSPENDED,
    InsufficientBalance: Mark.TOO_POOR,
    RateLimited: Mark.CANCELS_GUARDED,
    TooManyActiveRentals: Mark.TOO_MANY,
    Unauthorized: Mark.UNAUTHORIZED,
    IdempotencyConflict: Mark.KEY_RUNNING,
}


@define(kw_only=True, eq=False)
class Client:
    """
    Sends the requests of one account, perhaps from several programs at once.

    Attributes:
        world: What all processes share.
        cluster: The servers.
        account_id: The account.
        name: The customer's name in the history.
        key: The text of the API key in use.
        suspended_since: The step at which a suspension was acknowledged that is still in force.
        reinstatements: How many reinstatements are in progress.
        revoked: Revoked keys, each with the time from which no server accepts it.
    """

    world: World
    cluster: Cluster
    account_id: AccountId
    name: str
    key: str
    suspended_since: int | None = None
    reinstatements: int = 0
    revoked: dict[str, float] = field(factory=dict)

    async def ask(
        self,
        action: Action,
        request: Callable[[Kiwisms, Caller], Awaitable[T]],
        *,
        tries: int = 1,
    ) -> T | None:
        """Send a request, and retry it when it failed; None when it was refused or failed."""

        async def authenticated(kiwi: Kiwisms) -> T:
            began, text = self.world.loop.time(), self.key
            caller = await kiwi.keys.authenticate(text)
            if began > self.revoked.get(text, began):
                self.world.law_broken(f"{self.name}: a key revoked long ago was accepted")
            return await request(kiwi, caller)

        for number in range(tries):
            if number:
                await asyncio.sleep(PAUSES[number - 1])
            began = self.world.loop.steps
            self.world.log(self.name, f"{action}: asks")
            try:
                answer = await self.cluster.ask((action.luck * (number + 7)) % 1, authenticated)
            except ConnectionLost as error:
                self.world.log(self.name, f"{action}: {error}")
            except FAILED as error:
                self._mark(error)
                self.world.log(self.name, f"{action}: {error!r}")
            except REFUSED as error:
                self._mark(error)
                self.world.log(self.name, f"{action}: {error!r}")
                return None
            except KiwismsError as error:
                self.world.law_broken(f"{self.name}: {action} raised {error!r}")
                return None
            else:
                self._check(action, answer, began)
                return answer
        return None

    def _check(self, action: Action, answer: object, began: int) -> None:
        if self.world.history is not None:
            self.world.log(self.name, f"{action}: {describe(answer)}")
        made = isinstance(answer, Ordered) and not answer.replayed
        if made and self.suspended_since is not None and began > self.suspended_since + 1:
            self.world.law_broken(f"{self.name}: rented while suspended")

    def _mark(self, error: KiwismsError) -> None:
        mark = REACHED.get(type(error))
        if isinstance(error, ServiceUnavailable) and Refusal.PRICE_EXCEEDED in error.why:
            mark = Mark.PRICED_OUT
        if mark is not None:
            self.world.reach(mark)
