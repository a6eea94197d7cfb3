"""Give up a silent rental: one whose end upstream does not report."""

from attrs import frozen

from kiwisms.application.looks import Looks
from kiwisms.application.outbox import WORK, Outbox
from kiwisms.application.progress import Progress
from kiwisms.application.retry import retry_on_conflict
from kiwisms.application.silence import Silence
from kiwisms.application.trail import Trail
from kiwisms.domain.incident import LONGEST_NOTE
from kiwisms.domain.rental import Rental, RentalNotFound
from kiwisms.domain.rental_state import OPEN
from kiwisms.domain.terms import Terms
from kiwisms.domain.text import printable
from kiwisms.ports.clock import Clock
from kiwisms.ports.notices import Notices
from kiwisms.ports.store import Store
from kiwisms.ports.transaction import Prefetch


@frozen(kw_only=True, eq=False)
class GivingUp:
    """Ends a silent rental, unless a last look upstream is answered."""

    store: Store
    looks: Looks
    silence: Silence
    outbox: Outbox
    trail: Trail
    clock: Clock
    notices: Notices
    terms: Terms

    async def give_up(self, rental: Rental, *, reason: str) -> Rental:
        """Give a rental up; see `Rentals.give_up`."""
        checked = printable("reason", reason.strip(), longest=LONGEST_NOTE)
        rental.must_be_silent(self.clock.now(), self.terms.pace)
        looked, _ = await self.looks.look(rental, self.trail.by)
        if looked.state not in OPEN:
            return looked
        ended = await self._end(looked, checked)
        self.notices.notify(ended.id)
        self.notices.notify(WORK)
        return ended

    @retry_on_conflict
    async def _end(self, looked: Rental, reason: str) -> Rental:
        async with self.store.transaction(looked.account_id, Prefetch(rental_id=looked.id)) as tx:
            rental = await tx.rental(looked.id)
            if rental is None:
                raise RentalNotFound
            if rental.state not in OPEN:
                return rental
            progress = Progress(wallet=await tx.wallet(), rental=rental, by=self.trail.by)
            ended = self.silence.give_up(tx, progress, rental, reason)
            await self.outbox.save(tx, progress)
            await self.silence.resolve_if_ended(tx, progress)
        return ended
