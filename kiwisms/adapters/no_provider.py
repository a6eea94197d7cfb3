"""The provider of an operator who has none, or of a command that needs none."""

from typing import Final

from kiwisms.domain.catalog import CountryCode
from kiwisms.domain.ids import ActivationId
from kiwisms.ports.provider import NumberOrder, Refusal, Refused, Unknown

NOBODY: Final = Refused(Refusal.UNREACHABLE)
NO_PROVIDER: Final = Unknown("no provider is set")


class NoProvider:
    """A `Provider` that cannot be reached: nothing is ever asked."""

    asks_for_next = False

    async def rent(self, _order: NumberOrder) -> Refused:
        """Refuse."""
        return NOBODY

    async def renew(self, _activation_id: ActivationId) -> Refused:
        """Refuse."""
        return NOBODY

    async def look(self, _activation_id: ActivationId) -> Unknown:
        """Tell nothing."""
        return NO_PROVIDER

    async def ask_next(self, activation_id: ActivationId) -> None:
        """Do nothing."""

    async def finish(self, _activation_id: ActivationId) -> Unknown:
        """Tell nothing."""
        return NO_PROVIDER

    async def cancel(self, _activation_id: ActivationId) -> Unknown:
        """Tell nothing."""
        return NO_PROVIDER

    async def catalog(self, _country: CountryCode) -> Refused:
        """Refuse."""
        return NOBODY

    async def balance(self) -> Refused:
        """Refuse."""
        return NOBODY

    async def active(self) -> Unknown:
        """Tell nothing."""
        return NO_PROVIDER
