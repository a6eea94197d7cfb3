"""The provider when none is set, or when a command needs none."""

from typing import Final

from kiwisms.domain.catalog import CountryCode
from kiwisms.domain.ids import ActivationId
from kiwisms.ports.provider import NumberOrder, Refusal, Refused, Unknown

UNREACHABLE: Final = Refused(Refusal.UNREACHABLE)
NO_PROVIDER: Final = Unknown("no provider is set")


class NoProvider:
    """A `Provider` that asks nothing, and answers as one that cannot be reached."""

    asks_for_next = False

    async def rent(self, _order: NumberOrder) -> Refused:
        """Refuse as ``UNREACHABLE``."""
        return UNREACHABLE

    async def renew(self, _activation_id: ActivationId) -> Refused:
        """Refuse as ``UNREACHABLE``."""
        return UNREACHABLE

    async def look(self, _activation_id: ActivationId) -> Unknown:
        """Return `Unknown`."""
        return NO_PROVIDER

    async def ask_next(self, activation_id: ActivationId) -> None:
        """Do nothing."""

    async def finish(self, _activation_id: ActivationId) -> Unknown:
        """Return `Unknown`."""
        return NO_PROVIDER

    async def cancel(self, _activation_id: ActivationId) -> Unknown:
        """Return `Unknown`."""
        return NO_PROVIDER

    async def catalog(self, _country: CountryCode) -> Refused:
        """Refuse as ``UNREACHABLE``."""
        return UNREACHABLE

    async def balance(self) -> Refused:
        """Refuse as ``UNREACHABLE``."""
        return UNREACHABLE

    async def active(self) -> Unknown:
        """Return `Unknown`."""
        return NO_PROVIDER
