"""What the operator can set, with the defaults that need no thought."""

from datetime import timedelta
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.pace import Pace
from kiwisms.domain.terms import Terms
from kiwisms.entrypoints.rules import (
    Choice,
    Real,
    Switch,
    Text,
    Whole,
    is_host,
    is_postgres,
    is_redis,
    is_site,
    is_store,
    is_web_address,
    is_word,
)
from kiwisms.ports.vault import SHORTEST_KEY

MOST_DAYS = 36_500

STORE = Text(
    wanted="an address such as sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE",
    example="sqlite:///kiwisms.db",
    accepts=is_store,
)
PROVIDER = Text(
    wanted="an http:// or https:// address without a user name",
    example="https://daisysms.io/stubs/handler_api.php",
    accepts=is_web_address,
)
PROVIDER_KEY = Text(
    wanted="the provider's API key, a word without spaces",
    example="the key from the provider's dashboard",
    accepts=is_word,
)
HOST = Text(wanted="a host name or an IP address", example="127.0.0.1", accepts=is_host)
PUBLIC = Text(
    wanted="an http:// or https:// address without a user name and without ? or #",
    example="https://sms.example.com",
    accepts=is_site,
)
SECRET = Text(
    wanted=f"a secret of {SHORTEST_KEY} characters or more",
    example="what `openssl rand -hex 32` prints",
    accepts=lambda text: len(text) >= SHORTEST_KEY,
)
REDIS = Text(
    wanted="a redis:// or rediss:// address, with a database's number at most",
    example="redis://127.0.0.1:6379/0",
    accepts=is_redis,
)


TERMS: Final = Terms()
"""The defaults of what is the same with settings and without."""

Count = TypeVar("Count", int, int | None)


def _count(
    default: Count, *, low: int = 1, high: int = 1_000_000, example: int | None = None
) -> Count:
    rule = Whole(low=low, high=high, example=str(example or default))
    return field(default=default, validator=rule)


def _seconds(default: float, *, low: float = 0, high: float = 86_400) -> float:
    return field(default=default, validator=Real(low=low, high=high, example=f"{default:g}"))


def _switch(*, default: bool) -> bool:
    return field(default=default, validator=Switch())


@frozen(kw_only=True)
class Settings:
    """
    One attribute per setting, named as in ``kiwisms.toml``.

    In the environment the names are upper case with ``KIWISMS_`` before them. A value that
    cannot be used raises `ValidationRefused` with a sentence that says what can.
    """

    store_url: str = field(default="sqlite:///kiwisms.db", repr=False, validator=STORE)
    postgres_pool: int = _count(10, high=1000)
    postgres_prepare: bool = _switch(default=True)
    provider_url: str | None = field(default=None, repr=False, validator=PROVIDER)
    provider_key: str | None = field(default=None, repr=False, validator=PROVIDER_KEY)
    provider_asks_for_next: bool = _switch(default=False)
    provider_price_in_json: bool = _switch(default=False)
    provider_lists_active: bool = _switch(default=False)
    host: str = field(default="127.0.0.1", validator=HOST)
    port: int = _count(8080, low=0, high=65535)
    workers: int = _count(1, high=64)
    public_url: str | None = field(default=None, validator=PUBLIC)
    secret_key: str | None = field(default=None, repr=False, validator=SECRET)
    old_secret_key: str | None = field(default=None, repr=False, validator=SECRET)
    markup_percent: int = _count(TERMS.markup_percent, low=0, high=10_000)
    session_seconds: int = _count(int(TERMS.pace.session.total_seconds()), high=86_400)
    provider_timeout_seconds: float = _seconds(10.0, low=0.1, high=120)
    sync_seconds: float = _seconds(TERMS.pace.look.total_seconds(), high=3600)
    catalog_seconds: float = _seconds(30.0)
    max_active_rentals: int = _count(TERMS.max_active_rentals, high=100_000)
    provider_max_waiting: int = _count(TERMS.provider_max_waiting, high=100_000)
    cancels_per_hour: int = _count(TERMS.cancels_per_hour, low=0)
    rate_rent_per_minute: int = _count(60)
    rate_read_per_minute: int = _count(600)
    rate_public_per_minute: int = _count(60)
    redis_url: str | None = field(default=None, repr=False, validator=REDIS)
    webhook_allow_private: bool = _switch(default=False)
    keep_days: int | None = _count(TERMS.keep_days, high=MOST_DAYS, example=90)
    log_format: str | None = field(
        default=None, validator=Choice(words=("console", "json"), example="json")
    )

    def __attrs_post_init__(self) -> None:
        if self.workers > 1 and not is_postgres(self.store_url):
            raise ValidationRefused(
                "workers",
                f"{self.workers} workers need Postgres, which several processes can share;"
                " with SQLite write 1",
            )

    @property
    def base_url(self) -> str:
        """Where customers reach this deployment, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        addresses = (self.store_url, self.redis_url or "")
        passwords = [urlsplit(address).password or "" for address in addresses]
        keys = (self.provider_key, self.secret_key, self.old_secret_key)
        every = (*keys, *passwords, *map(unquote, passwords))
        return tuple(dict.fromkeys(filter(None, every)))

    def terms(self) -> Terms:
        """The operator's terms, for the use cases."""
        timeout = timedelta(seconds=self.provider_timeout_seconds)
        return Terms(
            markup_percent=self.markup_percent,
            max_active_rentals=self.max_active_rentals,
            provider_max_waiting=self.provider_max_waiting,
            cancels_per_hour=self.cancels_per_hour,
            pace=Pace(
                session=timedelta(seconds=self.session_seconds),
                look=timedelta(seconds=self.sync_seconds),
                # Upstream has surely answered, or never will, after twice its time limit.
                rescue=2 * timeout + timedelta(seconds=5),
            ),
            # A look is at most three upstream calls, and a webhook takes at most 10 s.
            lease=max(3 * timeout, timedelta(seconds=10)) + timedelta(seconds=20),
            keep_days=self.keep_days,
        )
