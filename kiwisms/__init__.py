"""
The engine behind an SMS one-time-code rental service.

``kiwisms.open`` runs it inside your program, `DaisySMS` is where numbers come from, and every
error raised on purpose is a `KiwismsError`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from kiwisms.domain.account import AccountNotFound, AccountSuspended, EmailTaken
from kiwisms.domain.api_key import ApiKeyNotFound
from kiwisms.domain.catalog import InvalidCountry, ServiceUnavailable
from kiwisms.domain.delivery import DeliveryNotFound
from kiwisms.domain.errors import KiwismsError, RateLimited, Unauthorized, ValidationRefused
from kiwisms.domain.idempotency import IdempotencyConflict, IdempotencyKeyReused
from kiwisms.domain.incident import IncidentNotFound
from kiwisms.domain.ledger import ReferenceReused
from kiwisms.domain.money import Money
from kiwisms.domain.reconciliation import BooksInMotion
from kiwisms.domain.rental import CancelNotAllowed, RenewNotFound, Rental, RentalNotFound
from kiwisms.domain.terms import Terms
from kiwisms.domain.transitions import TransitionRefused
from kiwisms.domain.usage import TooManyActiveRentals
from kiwisms.domain.wallet import InsufficientBalance, Wallet
from kiwisms.domain.webhook import WebhookNotFound
from kiwisms.ports.store import SchemaMismatch, StoreUnavailable
from kiwisms.ports.transaction import NumberTaken, TransactionOutrun
from kiwisms.ports.vault import VaultLocked

if TYPE_CHECKING:
    from kiwisms.adapters.daisysms import DaisySMS
    from kiwisms.adapters.guarded_provider import GuardedProvider
    from kiwisms.adapters.memory import MemoryStore
    from kiwisms.adapters.postgres import PostgresStore
    from kiwisms.adapters.sqlite import SqliteStore
    from kiwisms.application.errors import ProviderFailed
    from kiwisms.entrypoints.engine import Kiwisms
    from kiwisms.entrypoints.settings import Settings
    from kiwisms.entrypoints.wiring import open_engine as open

__version__ = "0.1.0"

__all__ = [
    "AccountNotFound",
    "AccountSuspended",
    "ApiKeyNotFound",
    "BooksInMotion",
    "CancelNotAllowed",
    "DaisySMS",
    "DeliveryNotFound",
    "EmailTaken",
    "GuardedProvider",
    "IdempotencyConflict",
    "IdempotencyKeyReused",
    "IncidentNotFound",
    "InsufficientBalance",
    "InvalidCountry",
    "Kiwisms",
    "KiwismsError",
    "MemoryStore",
    "Money",
    "NumberTaken",
    "PostgresStore",
    "ProviderFailed",
    "RateLimited",
    "ReferenceReused",
    "RenewNotFound",
    "Rental",
    "RentalNotFound",
    "SchemaMismatch",
    "ServiceUnavailable",
    "Settings",
    "SqliteStore",
    "StoreUnavailable",
    "Terms",
    "TooManyActiveRentals",
    "TransactionOutrun",
    "TransitionRefused",
    "Unauthorized",
    "ValidationRefused",
    "VaultLocked",
    "Wallet",
    "WebhookNotFound",
    "open",
]

# Imported when first used, as some need an extra: the rules alone need only attrs.
_LATE: Final = {
    "DaisySMS": ("kiwisms.adapters.daisysms", "DaisySMS"),
    "GuardedProvider": ("kiwisms.adapters.guarded_provider", "GuardedProvider"),
    "Kiwisms": ("kiwisms.entrypoints.engine", "Kiwisms"),
    "MemoryStore": ("kiwisms.adapters.memory", "MemoryStore"),
    "PostgresStore": ("kiwisms.adapters.postgres", "PostgresStore"),
    "ProviderFailed": ("kiwisms.application.errors", "ProviderFailed"),
    "Settings": ("kiwisms.entrypoints.settings", "Settings"),
    "SqliteStore": ("kiwisms.adapters.sqlite", "SqliteStore"),
    "open": ("kiwisms.entrypoints.wiring", "open_engine"),
}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LATE[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
