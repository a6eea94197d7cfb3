"""The idempotency key: one key makes one rental, however often it is sent."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Final, NewType, Self

from attrs import evolve, frozen

from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId, IdempotencyKey, RentalId
from kiwisms.domain.text import printable
from kiwisms.domain.transitions import next_state

Fingerprint = NewType("Fingerprint", str)

LIFETIME: Final = timedelta(hours=24)
LONGEST: Final = 256


class KeyState(StrEnum):
    """Whether the request that owns the key is running, has its answer, or left it free."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FREE = "FREE"


class KeyEvent(StrEnum):
    """What can happen to an idempotency key."""

    CLAIM = "CLAIM"
    FINISH = "FINISH"
    FREE = "FREE"


TRANSITIONS: Final[Mapping[tuple[KeyState, KeyEvent], KeyState]] = MappingProxyType(
    {
        (KeyState.FREE, KeyEvent.CLAIM): KeyState.RUNNING,
        (KeyState.RUNNING, KeyEvent.FINISH): KeyState.FINISHED,
        (KeyState.RUNNING, KeyEvent.FREE): KeyState.FREE,
    }
)


class IdempotencyConflict(KiwismsError):
    """The same request is still running under this key."""

    code = "IDEMPOTENCY_CONFLICT"

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is still running")


class IdempotencyKeyReused(KiwismsError):
    """The key belongs to another request."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key was already used with a different request body")


@frozen(kw_only=True)
class IdempotencyRecord:
    """
    A key, the request it is bound to, and the rental that request makes.

    The rental is the stored response: what the first response said of it never changes, so a
    replay can be written from it.
    """

    key: IdempotencyKey
    account_id: AccountId
    fingerprint: Fingerprint
    rental_id: RentalId
    state: KeyState
    claimed_at: datetime

    @classmethod
    def claim(
        cls,
        earlier: Self | None,
        *,
        key: IdempotencyKey,
        account_id: AccountId,
        fingerprint: Fingerprint,
        rental_id: RentalId,
        at: datetime,
    ) -> Self:
        """
        Bind a key to a request; *earlier* is the previous record of the key.

        Raises:
            TransitionRefused: The key still belongs to the earlier request.
        """
        state = KeyState.FREE
        if earlier is not None and earlier.binds(at):
            state = earlier.state
        return cls(
            key=key,
            account_id=account_id,
            fingerprint=fingerprint,
            rental_id=rental_id,
            state=next_state(TRANSITIONS, state, KeyEvent.CLAIM),
            claimed_at=at,
        )

    def finish(self) -> Self:
        """Record that the rental was made; from now on the key replays it."""
        return self._after(KeyEvent.FINISH)

    def free(self) -> Self:
        """Free the key for any request, as this one made no rental."""
        return self._after(KeyEvent.FREE)

    def binds(self, now: datetime) -> bool:
        """Whether the key still belongs to its request."""
        expired = self.state is KeyState.FINISHED and now >= self.claimed_at + LIFETIME
        return self.state is not KeyState.FREE and not expired

    def _after(self, event: KeyEvent) -> Self:
        return evolve(self, state=next_state(TRANSITIONS, self.state, event))


def parse_idempotency_key(
    text: str | None, *, field: str = "idempotency_key"
) -> IdempotencyKey | None:
    """
    Check a key that a customer sent.

    Raises:
        ValidationRefused: It does not have 1 to 256 printable characters; the error names *field*.
        TypeError: It is not a text.

    Source: HTTP contract, parameter ``Idempotency-Key``.
    """
    if text is None:
        return None
    return IdempotencyKey(printable(field, text, longest=LONGEST))


def fingerprint(*request: object) -> Fingerprint:
    """
    Hash a request, so that two requests can be compared without being kept.

    Raises:
        TypeError: A part has no form in JSON: two such parts might look the same.
    """
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return Fingerprint(sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest())


def replay(record: IdempotencyRecord | None, asked: Fingerprint, now: datetime) -> RentalId | None:
    """
    Find the rental that answers a request whose key has *record*.

    Returns:
        The rental that an earlier, equal request made; ``None`` when the key is free to claim.

    Raises:
        IdempotencyKeyReused: The key belongs to another request.
        IdempotencyConflict: The equal request is still running.
    """
    if record is None or not record.binds(now):
        return None
    if record.fingerprint != asked:
        raise IdempotencyKeyReused
    if record.state is KeyState.RUNNING:
        raise IdempotencyConflict
    return record.rental_id
