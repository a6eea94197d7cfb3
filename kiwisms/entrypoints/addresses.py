"""Checks of the addresses and words that a setting may hold."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kiwisms.domain.text import is_web_address

SQLITE: Final = "sqlite:///"
MEMORY: Final = "memory://"
STORES: Final = (
    "sqlite:///FILE, postgresql://USER:PASSWORD@HOST/DATABASE, "
    "or memory:// where nothing is to be kept"
)
"""What `is_store` accepts."""


def is_word(text: str) -> bool:
    """Whether *text* is printable and has no space in it."""
    return text.isprintable() and " " not in text and text != ""


def is_host(text: str) -> bool:
    """Whether *text* can be a host name or an IP address, without brackets, port or path."""
    return is_word(text) and not set(text) & set("[]/@")


def is_site(text: str) -> bool:
    """Whether *text* is an address to which a path can be added."""
    return is_web_address(text) and not set(text) & set("?#")


def is_redis(text: str) -> bool:
    """Whether *text* is the address of a Redis server, with or without a database number."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"redis", "rediss"} and parts.hostname and parts.port != 0
    except ValueError:
        return False
    database = parts.path.removeprefix("/")
    # An unknown option after a ? would be an error only at the first request.
    plain = is_word(text) and not set(text) & set("?#")
    return bool(usable) and plain and (not database or database.isdecimal())


def is_store(text: str) -> bool:
    """Whether *text* is the address of a store."""
    return text == MEMORY or is_postgres(text) or is_sqlite(text)


def is_sqlite(text: str) -> bool:
    """Whether *text* names the file of a store in SQLite; ``:memory:`` is not a file."""
    file = text.removeprefix(SQLITE)
    return file not in {text, ""} and Path(file) != Path(":memory:")


def is_postgres(text: str) -> bool:
    """Whether *text* is the address of a store in Postgres."""
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        return False
    return scheme in {"postgresql", "postgres"} and is_word(text)
