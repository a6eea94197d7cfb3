"""All that the operator can set, with defaults for most of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Final, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails, PydanticCustomError

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.pace import Pace
from kiwisms.domain.terms import Terms
from kiwisms.domain.text import is_web_address
from kiwisms.entrypoints.addresses import (
    STORES,
    is_host,
    is_postgres,
    is_redis,
    is_site,
    is_store,
    is_word,
)
from kiwisms.ports.vault import SHORTEST_KEY

MAX_DAYS: Final = 36_500
NEW_SECRET: Final = "what `openssl rand -hex 32` prints"
"""What error messages advise for a secret key."""
TERMS: Final = Terms()
"""The source of the defaults that a program without `Settings` has as well."""


def _text(accepts: Callable[[str], bool], wanted: str) -> AfterValidator:
    """Accept a text, or say what is *wanted* without repeating it: it may hold a password."""

    def check(text: str) -> str:
        if not accepts(text):
            raise PydanticCustomError("setting", "must be {wanted}", {"wanted": wanted})
        return text

    return AfterValidator(check)


StoreUrl = Annotated[str, _text(is_store, STORES)]
ProviderUrl = Annotated[
    str,
    _text(
        is_web_address,
        "an http:// or https:// address without a user name, "
        "such as https://daisysms.io/stubs/handler_api.php",
    ),
]
ProviderKey = Annotated[str, _text(is_word, "the provider's API key, a word without spaces")]
Host = Annotated[str, _text(is_host, "a host name or an IP address, such as 127.0.0.1")]
PublicUrl = Annotated[
    str,
    _text(
        is_site,
        "an http:// or https:// address without a user name and without ? or #, "
        "such as https://sms.example.com",
    ),
]
SecretKey = Annotated[
    str,
    _text(
        lambda text: len(text) >= SHORTEST_KEY and text.isprintable(),
        f"a secret of {SHORTEST_KEY} characters or more, such as {NEW_SECRET}",
    ),
]
RedisUrl = Annotated[
    str,
    _text(
        is_redis,
        "a redis:// or rediss:// address with at most the number of a database, "
        "such as redis://127.0.0.1:6379/0",
    ),
]


def _must_be_no_switch(given: object) -> object:
    """Refuse true and false, which Python and pydantic take for 1 and 0."""
    if isinstance(given, bool):
        raise PydanticCustomError("setting", "must be a number")
    return given


Whole = Annotated[int, BeforeValidator(_must_be_no_switch)]
Real = Annotated[float, BeforeValidator(_must_be_no_switch)]
PerMinute = Annotated[Whole, Field(ge=1, le=1_000_000)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Settings:
    """
    One attribute per setting, named as in ``kiwisms.toml``.

    In the environment the names are upper case with ``KIWISMS_`` before them. Making `Settings`
    reads neither the file nor the environment; `load_settings` does. A value that cannot be used
    raises `ValidationRefused`.
    """

    store_url: StoreUrl = Field(default="sqlite:///kiwisms.db", repr=False)
    postgres_pool: Whole = Field(default=10, ge=1, le=1000)
    postgres_prepare: bool = True
    provider_url: ProviderUrl | None = Field(default=None, repr=False)
    provider_key: ProviderKey | None = Field(default=None, repr=False)
    provider_asks_for_next: bool = False
    provider_price_in_json: bool = False
    provider_lists_active: bool = False
    host: Host = "127.0.0.1"
    port: Whole = Field(default=8080, ge=0, le=65535)
    workers: Whole = Field(default=1, ge=1, le=64)
    public_url: PublicUrl | None = None
    secret_key: SecretKey | None = Field(default=None, repr=False)
    old_secret_key: SecretKey | None = Field(default=None, repr=False)
    markup_percent: Whole = Field(default=TERMS.markup_percent, ge=0, le=10_000)
    session_seconds: Whole = Field(default=int(TERMS.pace.session.total_seconds()), ge=1, le=86_400)
    provider_timeout_seconds: Real = Field(default=10, ge=0.1, le=120)
    sync_seconds: Real = Field(default=TERMS.pace.look.total_seconds(), ge=0, le=3600)
    catalog_seconds: Real = Field(default=30, ge=0, le=86_400)
    max_active_rentals: Whole = Field(default=TERMS.max_active_rentals, ge=1, le=100_000)
    provider_max_waiting: Whole = Field(default=TERMS.provider_max_waiting, ge=1, le=100_000)
    cancels_per_hour: Whole = Field(default=TERMS.cancels_per_hour, ge=0, le=1_000_000)
    rate_rent_per_minute: PerMinute = 60
    rate_read_per_minute: PerMinute = 600
    rate_public_per_minute: PerMinute = 60
    redis_url: RedisUrl | None = Field(default=None, repr=False)
    webhook_allow_private: bool = False
    keep_days: Whole | None = Field(default=TERMS.keep_days, ge=1, le=MAX_DAYS)
    log_format: Literal["console", "json"] | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _refuse(cls, given: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            settings = handler(given)
        except ValidationError as error:
            raise _refusal(error.errors(include_input=False, include_url=False)[0]) from None
        if settings.workers > 1 and not is_postgres(settings.store_url):
            raise ValidationRefused(
                "workers",
                f"{settings.workers} workers need Postgres, which several processes can share;"
                " with SQLite write 1",
            )
        return settings

    @property
    def base_url(self) -> str:
        """Where customers reach this deployment, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must never be shown."""
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
                # After twice its time limit, a call upstream has surely ended.
                request_timeout=2 * timeout + timedelta(seconds=5),
            ),
            # A look is at most three upstream calls, and a webhook takes at most 10 s.
            lease=max(3 * timeout, timedelta(seconds=10)) + timedelta(seconds=20),
            keep_days=self.keep_days,
        )


def _refusal(error: ErrorDetails) -> ValidationRefused:
    is_unknown = error["type"] == "unexpected_keyword_argument"
    message = "there is no such setting" if is_unknown else error["msg"]
    return ValidationRefused(str(error["loc"][0]), message[0].lower() + message[1:])
