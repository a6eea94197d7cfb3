"""Checks of a given text before it is stored, shown or called."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from kiwisms.domain.errors import ValidationRefused


def must_be_text(field: str, value: object) -> None:
    """Raise `TypeError`, which names *field*, unless *value* is text."""
    if not isinstance(value, str):
        raise TypeError(f"{field} must be a str, not {type(value).__name__}")


def parse_texts(field: str, given: str | Iterable[str]) -> Sequence[str]:
    """
    Parse texts that are given as one text with commas, or as an iterable; empty ones are left out.

    Raises:
        TypeError: *given* is neither; the error names *field*.

    >>> parse_texts("areas", "503, 202,"), parse_texts("areas", ["503", "202"])
    (['503', '202'], ['503', '202'])
    """
    try:
        each_given = iter(given.split(",") if isinstance(given, str) else given)
    except TypeError:
        kind = type(given).__name__
        raise TypeError(f"{field} must be a str or an iterable of str, not {kind}") from None
    texts = list(each_given)
    for each in texts:
        must_be_text(field, each)
    return [text for text in map(str.strip, texts) if text]


def printable(field: str, text: str, *, longest: int, shortest: int = 1) -> str:
    """
    Check a text of one line, and return it unchanged.

    Spaces at its ends do not count towards *shortest*.

    Raises:
        ValidationRefused: It is too short, too long or not printable; the error names *field*.
        TypeError: It is not a text.

    >>> printable("reason", "top-up", longest=500)
    'top-up'
    """
    must_be_text(field, text)
    if len(text.strip()) < shortest or len(text) > longest or not text.isprintable():
        length = f"{shortest} to {longest}" if shortest else f"at most {longest}"
        raise ValidationRefused(field, f"must have {length} printable characters")
    return text


def is_web_address(text: str) -> bool:
    """
    Whether *text* is an http(s) URL with a host, and without user name, password or spaces.

    >>> is_web_address("https://ada.example.com/hook"), is_web_address("https://ada@example.com")
    (True, False)
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(usable) and "@" not in parts.netloc and text.isprintable() and " " not in text
