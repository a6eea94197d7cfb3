"""The upstream provider that rents out real numbers, and every answer it can give."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol

from attrs import field, frozen
from attrs.validators import ge, optional

from kiwisms.domain.catalog import Catalog, CountryCode, ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import ZERO, Money
from kiwisms.domain.sms import Code

Phone = NewType("Phone", str)
"""Digits with country code and no plus sign."""


class Refusal(StrEnum):
    """Why a request was refused; it is certain that upstream did nothing."""

    NO_NUMBERS = "NO_NUMBERS"
    PRICE_EXCEEDED = "PRICE_EXCEEDED"
    TOO_MANY_WAITING = "TOO_MANY_WAITING"
    BAD_SERVICE = "BAD_SERVICE"
    NOT_RENEWABLE = "NOT_RENEWABLE"
    NO_MONEY = "NO_MONEY"
    """The operator's balance upstream is used up."""
    BAD_KEY = "BAD_KEY"
    REJECTED = "REJECTED"
    """Refused in a way that only the operator can fix: banned, or a wrong action."""
    UNREACHABLE = "UNREACHABLE"
    """No connection could be made, so no request was sent."""


@frozen(kw_only=True)
class NumberOrder:
    """An order for a number; *max_cost* is the most that upstream may charge, in whole cents."""

    service: ServiceCode
    country: CountryCode
    max_cost: Money
    areas: tuple[str, ...] = ()
    carrier: str | None = None


@frozen(kw_only=True)
class Rented:
    """Upstream gave a number; *cost* is what it charged, 0 or more, if it reports that."""

    activation_id: ActivationId
    phone: Phone
    cost: Money | None = field(default=None, validator=optional(ge(ZERO)))
    asleep_until: datetime | None = None


@frozen(kw_only=True)
class Active:
    """A number that upstream has rented out to us; *rented_at* is set if upstream reports it."""

    activation_id: ActivationId
    service: ServiceCode
    phone: Phone | None = None
    rented_at: datetime | None = None


@frozen
class Refused:
    """Upstream refused, or was not reached: it is certain that nothing happened."""

    reason: Refusal

    @property
    def detail(self) -> str:
        """The reason in a word, safe to log."""
        return self.reason

    @property
    def asked(self) -> bool:
        """Always: upstream was asked, or it was tried at least; see `Unknown`."""
        return True


@frozen
class Unknown:
    """
    It is not known whether upstream acted.

    *detail* is safe to log: it never holds the provider's key. *asked* is false when no request was
    sent; then the reason is already logged, once for all such answers.
    """

    detail: str
    asked: bool = field(default=True, kw_only=True, repr=False)


@frozen(kw_only=True)
class Received:
    """A message has come; *text* is the whole of it, if upstream reports it."""

    code: Code
    text: str | None = None


@frozen
class Waiting:
    """No message so far."""


@frozen
class Cancelled:
    """Upstream has ended the rental without a charge."""


@frozen
class Gone:
    """Upstream does not know this activation, or no longer does."""


@frozen
class Finished:
    """Upstream has released the number."""


@frozen
class Ambiguous:
    """Upstream did not cancel: a code came, or the rental is over. Look before deciding."""


@frozen
class TooEarly:
    """Upstream does not cancel a number so soon after renting it out."""


NoAnswer = Refused | Unknown
"""Answers that show nothing about a number."""
Look = Received | Waiting | Cancelled | Gone | NoAnswer
"""What one look at an activation can show."""
CancelAnswer = Cancelled | Ambiguous | Gone | TooEarly | NoAnswer
"""What upstream can answer when a number is given back."""


class Provider(Protocol):
    """
    An upstream account.

    No method raises an error of upstream or the network: each failure is an answer. No method
    repeats a request that could act twice.
    """

    @property
    def asks_for_next(self) -> bool:
        """Whether a further message must be asked for with `ask_next` after each one."""
        ...

    async def rent(self, order: NumberOrder) -> Rented | Refused | Unknown:
        """Ask for a number, once."""
        ...

    async def renew(self, activation_id: ActivationId) -> Rented | Refused | Unknown:
        """Ask, once, for a new session on the number of an earlier activation."""
        ...

    async def look(self, activation_id: ActivationId) -> Look:
        """Read what a number has received; this changes nothing upstream."""
        ...

    async def ask_next(self, activation_id: ActivationId) -> None:
        """Ask for a further message; safe to repeat, and its failure shows at the next look."""
        ...

    async def finish(self, activation_id: ActivationId) -> Finished | Gone | Refused | Unknown:
        """Release a number that is paid for; safe to repeat."""
        ...

    async def cancel(self, activation_id: ActivationId) -> CancelAnswer:
        """Give a number back unpaid; safe to repeat."""
        ...

    async def catalog(self, country: CountryCode) -> Catalog | Refused | Unknown:
        """Read what is on offer in one country, at upstream's prices."""
        ...

    async def balance(self) -> Money | Refused | Unknown:
        """Read the money left in the operator's account upstream."""
        ...

    async def active(self) -> Sequence[Active] | Refused | Unknown:
        """List every number that is rented out to us now; `Unknown` if upstream has no list."""
        ...
