"""The addresses and words that a setting may hold."""

from typing import Final
from urllib.parse import urlsplit

from kiwisms.domain.text import is_web_address

SQLITE: Final = "sqlite:///"
MEMORY: Final = "memory://"


def is_word(text: str) -> bool:
    """Whether it can be printed, and no space is in it."""
    return text.isprintable() and " " not in text and text != ""


def is_host(text: str) -> bool:
    """Whether it can be a host name or an address, without brackets, port or path."""
    return is_word(text) and not set(text) & set("[]/@")


def is_site(text: str) -> bool:
    """Whether a path can be added to it to make the address of a page."""
    return is_web_address(text) and not set(text) & set("?#")


def is_redis(text: str) -> bool:
    """Whether it is the address of a Redis server, at most with the number of a database."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"redis", "rediss"} and parts.hostname and parts.port != 0
    except ValueError:
        return False
    database = parts.path.removeprefix("/")
    # An unknown option behind a ? is an error only when the first request comes.
    plain = is_word(text) and not set(text) & set("?#")
    return bool(usable) and plain and (not database or database.isdecimal())


def is_store(text: str) -> bool:
    """Whether it is the address of a store."""
    file = text.removeprefix(SQLITE)
    return text == MEMORY or is_postgres(text) or bool(file and file != text)


def is_postgres(text: str) -> bool:
    """Whether it is the address of a store in Postgres."""
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        return False
    return scheme in {"postgresql", "postgres"} and is_word(text)
