"""Finds the keys that encrypt secrets in the store."""

from pathlib import Path

from kiwisms.adapters.secret_file import read_secret, secret_file
from kiwisms.adapters.system import RandomIds
from kiwisms.domain.errors import ValidationRefused
from kiwisms.entrypoints.addresses import is_postgres
from kiwisms.entrypoints.load_settings import variable
from kiwisms.entrypoints.settings import NEW_SECRET, Settings
from kiwisms.entrypoints.wiring.stores import is_in_postgres, store_file
from kiwisms.ports.store import Store


def secret_keys(settings: Settings, store: str | Store) -> list[str]:
    """
    Return the key that encrypts, and after it the old keys, which only decrypt.

    The key is the one in the settings. Without it, a SQLite store has a key file beside it, which
    is created on first use, and a store in memory has a random key, which is lost with the process.

    Raises:
        ValidationRefused: The store is in Postgres, and no key is set. All its processes need the
            same one.
    """
    file = _key_file(store)
    keys = [_current_key(settings, store, file)]
    if settings.old_secret_key is not None:
        keys.append(settings.old_secret_key)
    old_file = file and file.with_name(file.name + ".old")
    if old_file and old_file.exists():
        keys.append(read_secret(old_file))
    return keys


def _key_file(store: str | Store) -> Path | None:
    path = store_file(store) if isinstance(store, str) else None
    return path and path.with_name(path.name + ".key")


def _current_key(settings: Settings, store: str | Store, file: Path | None) -> str:
    if settings.secret_key is not None:
        return settings.secret_key
    if is_postgres(store) if isinstance(store, str) else is_in_postgres(store):
        raise ValidationRefused(
            variable("secret_key"), f"must be set with Postgres; write for example {NEW_SECRET}"
        )
    return RandomIds().secret().hex() if file is None else secret_file(file)
