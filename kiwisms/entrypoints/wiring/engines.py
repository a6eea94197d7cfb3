"""Opens the whole engine: every adapter, the use cases over them, and the background work."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TypeVar

from kiwisms.adapters.argon2_passwords import Argon2Passwords
from kiwisms.adapters.fernet_vault import FernetVault
from kiwisms.adapters.no_provider import NoProvider
from kiwisms.adapters.system import RandomIds, SystemClock
from kiwisms.adapters.webhook_sender import HttpWebhookSender
from kiwisms.domain.actors import APP, OPERATOR
from kiwisms.domain.push import push_secret
from kiwisms.domain.terms import Terms
from kiwisms.entrypoints.engine import Kiwisms, Ports, join
from kiwisms.entrypoints.settings import Settings
from kiwisms.entrypoints.wiring.limits import open_limits
from kiwisms.entrypoints.wiring.secret_keys import secret_keys
from kiwisms.entrypoints.wiring.stores import missing_folder, open_notices, open_store
from kiwisms.entrypoints.worker import working
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.limits import Limits
from kiwisms.ports.provider import Provider
from kiwisms.ports.store import Store, StoreUnavailable
from kiwisms.ports.webhooks import WebhookSender

T = TypeVar("T")


@asynccontextmanager
async def open_engine(
    store: str | Store,
    *,
    provider: Provider,
    settings: Settings | None = None,
    terms: Terms | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    limits: Limits | None = None,
    webhooks: WebhookSender | None = None,
    background: bool = True,
    by: str = APP,
) -> AsyncIterator[Kiwisms]:
    """
    Run kiwisms inside this program while the block runs.

    Args:
        store: ``sqlite:///path`` or ``postgresql://…`` (created and upgraded as needed),
            ``memory://``, or a store of one's own.
        provider: Where numbers come from, such as `DaisySMS`.
        settings: Everything that is not given here; by default each setting's default.
        terms: Prices, limits and times, instead of those in *settings*.
        clock: The time, instead of the system's.
        ids: Ids and randomness, instead of the system's.
        limits: The rate limits over HTTP. By default they are counted in this process, or in the
            Redis that the settings name.
        webhooks: How events are posted, instead of over HTTP.
        background: Whether this process does background work. Turn it off only if another
            process on the same store does it.
        by: The name that the trail records for what this program does to accounts.

    Raises:
        ValidationRefused: The store's address cannot be used.
        SchemaMismatch: A newer kiwisms has written the store.
        StoreUnavailable: The store cannot be opened.
    """
    settings = settings or Settings()
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        if isinstance(store, str) and (missing := missing_folder(store)):
            raise StoreUnavailable(f"{missing} does not exist; create it")
        keys = secret_keys(settings, store)
        opened = await stack.enter_async_context(open_store(store, settings))
        ports = Ports(
            store=opened,
            provider=await _enter(stack, provider),
            sender=await _enter(
                stack, webhooks or HttpWebhookSender(allow_private=settings.webhook_allow_private)
            ),
            limits=await _enter(stack, limits or open_limits(settings, clock)),
            notices=await _enter(stack, open_notices(opened, clock)),
            vault=FernetVault(keys),
            passwords=Argon2Passwords(),
            clock=clock,
            ids=ids or RandomIds(),
        )
        kiwi = join(
            ports,
            terms or settings.terms(),
            catalog_age=timedelta(seconds=settings.catalog_seconds),
            push_secrets=[push_secret(key) for key in keys],
            by=by,
            settings=settings,
        )
        stack.push_async_callback(kiwi.rentals.renting.calls.drain)
        if background:
            await stack.enter_async_context(working(kiwi.background, ports.notices))
        yield kiwi


@asynccontextmanager
async def open_for_operator(settings: Settings) -> AsyncIterator[Kiwisms]:
    """Open what an operator's command needs: the store, but no provider and no background work."""
    async with open_engine(
        settings.store_url, provider=NoProvider(), settings=settings, background=False, by=OPERATOR
    ) as kiwi:
        yield kiwi


async def _enter(stack: AsyncExitStack, port: T) -> T:
    if isinstance(port, AbstractAsyncContextManager):
        await stack.enter_async_context(port)
    return port
