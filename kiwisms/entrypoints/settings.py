"""What the operator can set, with the defaults that need no thought."""

from datetime import timedelta

from attrs import field, frozen
from attrs.validators import and_, ge, in_, instance_of, le, optional

from kiwisms.domain.rental import Pace
from kiwisms.domain.terms import Terms


def _between(low: float, high: float) -> object:
    return and_(ge(low), le(high))


@frozen(kw_only=True)
class Settings:
    """
    One attribute per setting, named as in ``kiwisms.toml``.

    In the environment the names are upper case with ``KIWISMS_`` before them.
    """

    store_url: str = "sqlite:///kiwisms.db"
    provider_url: str | None = None
    provider_key: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = field(default=8080, validator=_between(0, 65535))
    workers: int = field(default=1, validator=_between(1, 64))
    public_url: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    markup_percent: int = field(default=30, validator=_between(0, 10_000))
    session_seconds: int = field(default=1200, validator=_between(1, 86_400))
    provider_timeout_seconds: float = field(default=10, validator=_between(0.1, 120))
    sync_seconds: float = field(default=3, validator=_between(0, 3600))
    catalog_seconds: float = field(default=30, validator=_between(0, 86_400))
    max_active_rentals: int = field(default=20, validator=_between(1, 100_000))
    provider_max_waiting: int = field(default=20, validator=_between(1, 100_000))
    cancels_per_hour: int = field(default=60, validator=_between(0, 1_000_000))
    rate_rent_per_minute: int = field(default=60, validator=_between(1, 1_000_000))
    rate_read_per_minute: int = field(default=600, validator=_between(1, 1_000_000))
    rate_public_per_minute: int = field(default=60, validator=_between(1, 1_000_000))
    redis_url: str | None = field(default=None, repr=False)
    webhook_allow_private: bool = field(default=False, validator=instance_of(bool))
    log_format: str | None = field(default=None, validator=optional(in_(["console", "json"])))

    @property
    def base_url(self) -> str:
        """Where customers reach this deployment, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

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
        )
