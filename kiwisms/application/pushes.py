"""Messages that upstream pushes: saved at once, believed after a look has confirmed them."""

from collections.abc import Sequence

from attrs import field, frozen

from kiwisms.application.outbox import WORK
from kiwisms.domain.push import PushedMessage, same_secret
from kiwisms.domain.rental_state import OPEN
from kiwisms.ports.clock import Clock
from kiwisms.ports.notices import Notices
from kiwisms.ports.store import Store


@frozen(kw_only=True, eq=False)
class Pushes:
    """
    The provider's use case.

    Each of the *secrets* is part of an address that only the provider knows. The first is the
    current one. The others are earlier ones; messages pushed there are accepted too.
    """

    store: Store
    clock: Clock
    notices: Notices
    secrets: Sequence[str] = field(repr=False)

    @property
    def secret(self) -> str:
        """The secret part of the address to give to the provider."""
        return self.secrets[0]

    def knows(self, secret: str) -> bool:
        """Whether *secret* is one of those given to the provider."""
        return any(same_secret(secret, each) for each in self.secrets)

    async def accept(self, pushed: PushedMessage) -> None:
        """
        Save a pushed message, and make its rental due for a look, without waiting for upstream.

        A repeated push changes nothing. A message for a number without a rental is saved too: the
        number may be in the middle of being rented, or belong to an incident.
        """
        if not await self.store.add_push(pushed):
            return
        rental = await self.store.find_rental_by_activation(pushed.activation_id)
        if rental is None or rental.state not in OPEN:
            return
        if await self.store.hasten_rental(rental.account_id, rental.id, now=self.clock.now()):
            self.notices.notify(rental.id)
            self.notices.notify(WORK)
