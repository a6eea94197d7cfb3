"""Messages that upstream pushes: kept at once, and believed when a look has confirmed them."""

from collections.abc import Sequence

from attrs import field, frozen

from kiwisms.application.outbox import WORK
from kiwisms.domain.push import PushedMessage, same_secret
from kiwisms.domain.rental import OPEN
from kiwisms.ports.clock import Clock
from kiwisms.ports.notices import Notices
from kiwisms.ports.store import Store


@frozen(kw_only=True, eq=False)
class Pushes:
    """
    The provider's use case.

    Each of the *secrets* is a part of an address that nobody else knows. The first is told to the
    provider, and the others were: what is pushed there is taken in too.
    """

    store: Store
    clock: Clock
    notices: Notices
    secrets: Sequence[str] = field(repr=False)

    @property
    def secret(self) -> str:
        """The secret part of the address that is told to the provider."""
        return self.secrets[0]

    def knows(self, secret: str) -> bool:
        """Whether somebody who gives this secret is the provider."""
        return any(same_secret(secret, each) for each in self.secrets)

    async def accept(self, pushed: PushedMessage) -> None:
        """
        Keep a pushed message and have its number looked at now, without waiting for upstream.

        Said again it changes nothing. A message for a number that nobody has is kept too: the
        number may be just about to be rented, or be one of which only an incident tells.
        """
        if not await self.store.add_push(pushed):
            return
        rental = await self.store.find_rental_by_activation(pushed.activation_id)
        if rental is None or rental.state not in OPEN:
            return
        if await self.store.hasten_rental(rental.account_id, rental.id, now=self.clock.now()):
            self.notices.notify(rental.id)
            self.notices.notify(WORK)
