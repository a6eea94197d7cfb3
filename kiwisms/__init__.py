"""
The engine behind an SMS one-time-code rental service.

``kiwisms.open`` runs it inside your program. `DaisySMS` is the provider of numbers. Every error
that is raised on purpose is a `KiwismsError`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from kiwisms.domain.account import (
    Account,
    AccountNotFound,
    AccountStatus,
    AccountSuspended,
    EmailTaken,
)
from kiwisms.domain.api_key import ApiKey, ApiKeyNotFound
from kiwisms.domain.catalog import (
    CountryCode,
    InvalidCountry,
    Offer,
    ServiceCode,
    ServiceUnavailable,
)
from kiwisms.domain.delivery import Delivery, DeliveryNotFound, DeliveryStatus
from kiwisms.domain.errors import KiwismsError, RateLimited, Unauthorized, ValidationRefused
from kiwisms.domain.events import WebhookEvent
from kiwisms.domain.history import Step
from kiwisms.domain.idempotency import IdempotencyConflict, IdempotencyKeyReused
from kiwisms.domain.ids import (
    AccountId,
    ActivationId,
    DeliveryId,
    IdempotencyKey,
    KeyPrefix,
    RentalId,
    TransferId,
)
from kiwisms.domain.incident import IncidentNotFound, IncidentResolved
from kiwisms.domain.ledger import ReferenceReused, Transfer
from kiwisms.domain.money import Amount, Money
from kiwisms.domain.order import Order
from kiwisms.domain.pace import Pace
from kiwisms.domain.reconciliation import BooksInMotion
from kiwisms.domain.rental import (
    CancelNotAllowed,
    GiveUpNotAllowed,
    RenewNotFound,
    Rental,
    RentalNotFound,
)
from kiwisms.domain.rental_state import State
from kiwisms.domain.sms import Code, Message
from kiwisms.domain.terms import Terms
from kiwisms.domain.transitions import TransitionRefused
from kiwisms.domain.usage import TooManyActiveRentals
from kiwisms.domain.wallet import InsufficientBalance, Wallet
from kiwisms.domain.webhook import Webhook, WebhookNotFound
from kiwisms.entrypoints.extras import needs
from kiwisms.ports.store import SchemaMismatch, StoreUnavailable
from kiwisms.ports.transaction import NumberTaken, TransactionConflict
from kiwisms.ports.vault import VaultLocked

if TYPE_CHECKING:
    from kiwisms.adapters.daisysms import DaisySMS
    from kiwisms.adapters.guarded_provider import GuardedProvider
    from kiwisms.adapters.memory import MemoryStore
    from kiwisms.adapters.postgres import PostgresStore
    from kiwisms.adapters.sqlite import SqliteStore
    from kiwisms.application.catalogs import KnownCatalog, Priced, PriceList
    from kiwisms.application.errors import ProviderFailed
    from kiwisms.application.keys import Caller
    from kiwisms.application.renting import Ordered
    from kiwisms.application.wallets import Audit, StatementLine
    from kiwisms.application.webhooks import Resealed
    from kiwisms.entrypoints.engine import Kiwisms
    from kiwisms.entrypoints.load_settings import load_settings
    from kiwisms.entrypoints.settings import Settings
    from kiwisms.entrypoints.wiring.engines import open_engine as open
    from kiwisms.entrypoints.wiring.providers import open_provider

__version__ = "0.1.0"

__all__ = [
    "Account",
    "AccountId",
    "AccountNotFound",
    "AccountStatus",
    "AccountSuspended",
    "ActivationId",
    "Amount",
    "ApiKey",
    "ApiKeyNotFound",
    "Audit",
    "BooksInMotion",
    "Caller",
    "CancelNotAllowed",
    "Code",
    "CountryCode",
    "DaisySMS",
    "Delivery",
    "DeliveryId",
    "DeliveryNotFound",
    "DeliveryStatus",
    "EmailTaken",
    "GiveUpNotAllowed",
    "GuardedProvider",
    "IdempotencyConflict",
    "IdempotencyKey",
    "IdempotencyKeyReused",
    "IncidentNotFound",
    "IncidentResolved",
    "InsufficientBalance",
    "InvalidCountry",
    "KeyPrefix",
    "Kiwisms",
    "KiwismsError",
    "KnownCatalog",
    "MemoryStore",
    "Message",
    "Money",
    "NumberTaken",
    "Offer",
    "Order",
    "Ordered",
    "Pace",
    "PostgresStore",
    "PriceList",
    "Priced",
    "ProviderFailed",
    "RateLimited",
    "ReferenceReused",
    "RenewNotFound",
    "Rental",
    "RentalId",
    "RentalNotFound",
    "Resealed",
    "SchemaMismatch",
    "ServiceCode",
    "ServiceUnavailable",
    "Settings",
    "SqliteStore",
    "State",
    "StatementLine",
    "Step",
    "StoreUnavailable",
    "Terms",
    "TooManyActiveRentals",
    "TransactionConflict",
    "Transfer",
    "TransferId",
    "TransitionRefused",
    "Unauthorized",
    "ValidationRefused",
    "VaultLocked",
    "Wallet",
    "Webhook",
    "WebhookEvent",
    "WebhookNotFound",
    "load_settings",
    "open",
    "open_provider",
]

# Imported on first use, since some need an extra: the domain alone needs only attrs.
_LAZY: Final = {
    "Audit": ("kiwisms.application.wallets", "Audit"),
    "Caller": ("kiwisms.application.keys", "Caller"),
    "DaisySMS": ("kiwisms.adapters.daisysms", "DaisySMS"),
    "GuardedProvider": ("kiwisms.adapters.guarded_provider", "GuardedProvider"),
    "Kiwisms": ("kiwisms.entrypoints.engine", "Kiwisms"),
    "KnownCatalog": ("kiwisms.application.catalogs", "KnownCatalog"),
    "MemoryStore": ("kiwisms.adapters.memory", "MemoryStore"),
    "Ordered": ("kiwisms.application.renting", "Ordered"),
    "PostgresStore": ("kiwisms.adapters.postgres", "PostgresStore"),
    "PriceList": ("kiwisms.application.catalogs", "PriceList"),
    "Priced": ("kiwisms.application.catalogs", "Priced"),
    "ProviderFailed": ("kiwisms.application.errors", "ProviderFailed"),
    "Resealed": ("kiwisms.application.webhooks", "Resealed"),
    "Settings": ("kiwisms.entrypoints.settings", "Settings"),
    "SqliteStore": ("kiwisms.adapters.sqlite", "SqliteStore"),
    "StatementLine": ("kiwisms.application.wallets", "StatementLine"),
    "load_settings": ("kiwisms.entrypoints.load_settings", "load_settings"),
    "open": ("kiwisms.entrypoints.wiring.engines", "open_engine"),
    "open_provider": ("kiwisms.entrypoints.wiring.providers", "open_provider"),
}
_EXTRAS: Final = {
    "DaisySMS": "server",
    "PostgresStore": "postgres",
    "Settings": "server",
    "SqliteStore": "sqlite",
    "load_settings": "server",
    "open": "server",
    "open_provider": "server",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LAZY[name]
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as missing:
        if name not in _EXTRAS:
            raise
        why = f"kiwisms.{name} {needs(missing, _EXTRAS[name])}"
        raise ModuleNotFoundError(why, name=missing.name) from missing


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
