"""The one place where adapters meet use cases."""

import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard, TypeVar

from kiwisms.adapters.argon2_passwords import Argon2Passwords
from kiwisms.adapters.daisysms import DaisySMS, Dialect
from kiwisms.adapters.fernet_vault import FernetVault
from kiwisms.adapters.guarded_provider import GuardedProvider
from kiwisms.adapters.local_limits import LocalLimits
from kiwisms.adapters.local_notices import LocalNotices
from kiwisms.adapters.memory import MemoryStore
from kiwisms.adapters.no_provider import NoProvider
from kiwisms.adapters.secret_file import read_secret, secret_file
from kiwisms.adapters.simulator.server import Simulator
from kiwisms.adapters.simulator.upstream import Upstream
from kiwisms.adapters.system import RandomIds, SystemClock
from kiwisms.adapters.webhook_sender import HttpWebhookSender
from kiwisms.domain.actors import APP, OPERATOR
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.push import push_secret
from kiwisms.domain.terms import Terms
from kiwisms.entrypoints.addresses import MEMORY, SQLITE, is_postgres
from kiwisms.entrypoints.engine import Kiwisms, Ports, join
from kiwisms.entrypoints.extras import bringing
from kiwisms.entrypoints.load_settings import variable
from kiwisms.entrypoints.settings import NEW_SECRET, Settings
from kiwisms.entrypoints.worker import working
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.limits import Limits
from kiwisms.ports.notices import Notices
from kiwisms.ports.provider import Provider
from kiwisms.ports.store import Store, StoreUnavailable
from kiwisms.ports.webhooks import WebhookSender

if TYPE_CHECKING:
    from kiwisms.adapters.postgres import PostgresStore
    from kiwisms.adapters.redis import RedisLimits

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
    Run kiwisms inside this program.

    Args:
        store: ``sqlite:///path`` or ``postgresql://…`` (created and upgraded as needed),
            ``memory://``, or a store of one's own.
        provider: Where numbers come from, such as `DaisySMS`.
        settings: For all that is not given here; the defaults without it.
        terms: Prices, limits and times, instead of those in *settings*.
        clock: The time, instead of the system's.
        ids: Identity and chance, instead of the system's.
        limits: How often customers may call over HTTP, instead of counting in this process, or
            in the Redis that the settings name.
        webhooks: How events are posted, instead of over HTTP.
        background: Whether due work is done here; only another process doing it is a reason
            to say no.
        by: Who is written into the trail for what this program does to accounts.

    Raises:
        ValidationRefused: The store's address cannot be used.
        SchemaMismatch: The store was written by a newer kiwisms.
        StoreUnavailable: The store cannot be opened.
    """
    settings = settings or Settings()
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        if isinstance(store, str) and (missing := missing_folder(store)):
            raise StoreUnavailable(f"{missing} does not exist; create it")
        secret_keys = _secret_keys(settings, store)
        opened = await stack.enter_async_context(open_store(store, settings))
        ports = Ports(
            store=opened,
            provider=await _entered(stack, provider),
            sender=await _entered(
                stack, webhooks or HttpWebhookSender(allow_private=settings.webhook_allow_private)
            ),
            limits=await _entered(stack, limits or open_limits(settings, clock)),
            notices=await _entered(stack, _notices(opened, clock)),
            vault=FernetVault(secret_keys),
            passwords=Argon2Passwords(),
            clock=clock,
            ids=ids or RandomIds(),
        )
        kiwi = join(
            ports,
            terms or settings.terms(),
            catalog_age=timedelta(seconds=settings.catalog_seconds),
            push_secrets=[push_secret(key) for key in secret_keys],
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


@asynccontextmanager
async def open_store(
    store: str | Store, settings: Settings, *, upgrade: bool = True
) -> AsyncIterator[Store]:
    """
    Open a store by its address; `open_engine` says more.

    Args:
        store: Its address, or a store of one's own.
        settings: How connections are made.
        upgrade: Whether its schema is brought up to date.

    Raises:
        ValidationRefused: The address cannot be used, or the library for it is not installed.
    """
    if not isinstance(store, str):
        yield store
    elif store == MEMORY:
        yield MemoryStore()
    elif is_postgres(store):
        # A driver comes with an extra: who has no such store need not have it.
        with bringing("postgres", "store_url"):
            from kiwisms.adapters.postgres import PostgresStore
        async with PostgresStore(
            store, pool=settings.postgres_pool, prepare=settings.postgres_prepare
        ) as opened:
            if upgrade:
                await opened.migrate()
            yield opened
    else:
        with bringing("sqlite", "store_url"):
            from kiwisms.adapters.sqlite import SqliteStore
        async with SqliteStore(sqlite_path(store)) as opened:
            if upgrade:
                await opened.migrate()
            yield opened


def sqlite_path(store_url: str) -> Path:
    """
    Read the file out of ``sqlite:///relative`` or ``sqlite:////absolute``.

    Raises:
        ValidationRefused: It is not such an address.
    """
    path = store_url.removeprefix(SQLITE)
    if not store_url.startswith(SQLITE) or not path:
        raise ValidationRefused(
            "store_url", "must be sqlite:///FILE or postgresql://…, such as sqlite:///kiwisms.db"
        )
    return Path(path)


def store_file(store_url: str) -> Path | None:
    """Say in which file a store is; ``None`` where it is in none. Raises as `sqlite_path` does."""
    return sqlite_path(store_url) if store_url.startswith(SQLITE) else None


def missing_folder(store_url: str) -> Path | None:
    """Name the folder of a store's file, where it is not there. Raises as `sqlite_path` does."""
    file = store_file(store_url)
    folder = file and file.absolute().parent
    return None if folder is None or folder.is_dir() else folder


def open_provider(settings: Settings) -> GuardedProvider:
    """
    Make the provider that the settings name, with a guard before it.

    What a call may wait for its place is part of what the settings let it wait.

    Raises:
        ValidationRefused: Its address or its key is missing.
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


def open_limits(settings: Settings, clock: Clock) -> Limits:
    """
    Make the limits that the settings ask for: of this process, or of all that share a Redis.

    Raises:
        ValidationRefused: Redis is asked for, but its library is not installed.
    """
    return LocalLimits(clock) if settings.redis_url is None else _redis(settings.redis_url, clock)


async def redis_trouble(settings: Settings) -> str | None:
    """Say why Redis cannot be asked; ``None`` when it can. Raises as `open_limits` does."""
    if settings.redis_url is None:
        return None
    async with _redis(settings.redis_url, SystemClock()) as limits:
        return await limits.trouble()


def _redis(url: str, clock: Clock) -> "RedisLimits":
    # It comes with an extra, and takes longer to import than a command may take.
    with bringing("redis", "KIWISMS_REDIS_URL"):
        from kiwisms.adapters.redis import RedisLimits
    return RedisLimits(url, clock=clock, fallback=LocalLimits(clock))


@asynccontextmanager
async def open_simulator(
    *, port: int = 0, code_after: timedelta | None = None
) -> AsyncIterator[Simulator]:
    """
    Run a simulated provider on loopback, over real HTTP.

    Args:
        port: Where it listens; 0 takes a port that is free.
        code_after: Every number receives a code after this long; without it, none by itself.
    """
    simulator = Simulator(SystemClock(), Upstream(code_after=code_after))
    await simulator.start(port)
    try:
        yield simulator
    finally:
        await simulator.stop()


def _secret_keys(settings: Settings, store: str | Store) -> list[str]:
    """The key that seals secrets, and before it is replaced everywhere the old one that opens."""
    file = _key_file(store)
    keys = [_secret_key(settings, store, file)]
    if settings.old_secret_key is not None:
        keys.append(settings.old_secret_key)
    old_file = file and file.with_name(file.name + ".old")
    if old_file and old_file.exists():
        keys.append(read_secret(old_file))
    return keys


def _key_file(store: str | Store) -> Path | None:
    path = store_file(store) if isinstance(store, str) else None
    return path and path.with_name(path.name + ".key")


def _secret_key(settings: Settings, store: str | Store, file: Path | None) -> str:
    """
    The key that seals secrets: set, or beside a SQLite store, or lost with the process.

    Every process on a Postgres must be given the same.
    """
    if settings.secret_key is not None:
        return settings.secret_key
    if is_postgres(store) if isinstance(store, str) else _is_in_postgres(store):
        raise ValidationRefused(
            variable("secret_key"), f"must be set with Postgres; write for example {NEW_SECRET}"
        )
    return RandomIds().secret().hex() if file is None else secret_file(file)


def _notices(store: Store, clock: Clock) -> Notices:
    local = LocalNotices(clock)
    if not _is_in_postgres(store):
        return local
    from kiwisms.adapters.postgres import PostgresNotices

    return PostgresNotices(store, local)


def _is_in_postgres(store: Store) -> TypeGuard["PostgresStore"]:
    # Where nobody has imported it, nobody has made one.
    postgres = sys.modules.get("kiwisms.adapters.postgres")
    return postgres is not None and isinstance(store, postgres.PostgresStore)


async def _entered(stack: AsyncExitStack, port: T) -> T:
    if isinstance(port, AbstractAsyncContextManager):
        await stack.enter_async_context(port)
    return port
