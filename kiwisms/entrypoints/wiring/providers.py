"""Opens the provider: the real one, or the simulator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from kiwisms.adapters.daisysms import DaisySMS, Dialect
from kiwisms.adapters.guarded_provider import GuardedProvider
from kiwisms.adapters.simulator.server import Simulator
from kiwisms.adapters.simulator.upstream import Upstream
from kiwisms.adapters.system import SystemClock
from kiwisms.domain.errors import ValidationRefused
from kiwisms.entrypoints.settings import Settings


def open_provider(settings: Settings) -> GuardedProvider:
    """
    Make the provider that the settings name, behind a guard.

    The time limit in the settings covers both: the wait for a free slot in the guard, and the call.

    Raises:
        ValidationRefused: The provider's address or key is missing.
    """
    if not settings.provider_url:
        raise ValidationRefused(
            "KIWISMS_PROVIDER_URL",
            "is not set; give the provider's handler_api address, "
            "such as https://daisysms.io/stubs/handler_api.php",
        )
    if not settings.provider_key:
        raise ValidationRefused("KIWISMS_PROVIDER_KEY", "is not set; give the provider's API key")
    patience = settings.provider_timeout_seconds / 40
    provider = DaisySMS(
        settings.provider_url,
        settings.provider_key,
        timeout=settings.provider_timeout_seconds - patience,
        dialect=Dialect(
            asks_for_next=settings.provider_asks_for_next,
            price_in_json=settings.provider_price_in_json,
            lists_active=settings.provider_lists_active,
        ),
    )
    return GuardedProvider(provider, patience=patience)


@asynccontextmanager
async def open_simulator(
    *, port: int = 0, code_after: timedelta | None = None
) -> AsyncIterator[Simulator]:
    """
    Run a simulated provider on loopback while the block runs, over real HTTP.

    Args:
        port: The port on which it listens; 0 takes a free one.
        code_after: How long after its rent each number receives a code. Without it a number
            receives a code only when it is sent one.
    """
    simulator = Simulator(SystemClock(), Upstream(code_after=code_after))
    await simulator.start(port)
    try:
        yield simulator
    finally:
        await simulator.stop()
