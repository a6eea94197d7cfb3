"""What may stand in a setting: each rule reads it, or says what to write instead."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen

from kiwisms.domain.errors import ValidationRefused

Value = str | int | float | bool

SQLITE: Final = "sqlite:///"
MEMORY: Final = "memory://"
LONGEST_ECHO: Final = 40
SWITCH: Final = {"0": False, "1": True, "false": False, "true": True}


@frozen(kw_only=True)
class Rule(ABC):
    """
    Reads one setting, and guards its attribute as an attrs validator.

    *wanted* ends the sentence "… is not", and *example* is something that can be written.
    """

    example: str

    @property
    @abstractmethod
    def wanted(self) -> str:
        """What must be written."""

    @abstractmethod
    def read(self, given: object) -> Value:
        """
        Make the value of what stands in the environment, in a file or in a call.

        Raises:
            ValueError: With the end of a sentence that begins with the setting's name.
        """

    def __call__(self, _settings: object, attribute: "Attribute[Any]", value: object) -> None:
        """Raise `ValidationRefused` unless *value* is as `read` would give it."""
        if value is None and attribute.default is None:
            return
        try:
            good = self.read(value) == value
        except ValueError as why:
            raise ValidationRefused(attribute.name, str(why)) from None
        if not good:
            raise ValidationRefused(attribute.name, str(self.refusal(value)))

    def refusal(self, given: object | None = None) -> ValueError:
        """Say why not; *given* is repeated unless it is left out, as a secret must be."""
        shown = "what is written there" if given is None else repr(given)
        if len(shown) > LONGEST_ECHO:
            shown = shown[:LONGEST_ECHO] + "…"
        return ValueError(f"{shown} is not {self.wanted}; write for example {self.example}")


@frozen(kw_only=True)
class Whole(Rule):
    """A whole number."""

    low: int
    high: int

    @property
    def wanted(self) -> str:
        """Both ends of the range."""
        return f"a whole number from {self.low} to {self.high}"

    def read(self, given: object) -> int:
        """Read decimal digits."""
        if isinstance(given, bool) or not isinstance(given, int | str):
            raise self.refusal(given)
        # int() also takes "8_0", " 80 " and the digits of other scripts.
        if isinstance(given, str) and not (given.isascii() and given.isdigit()):
            raise self.refusal(given)
        try:
            number = int(given)
        except ValueError:
            raise self.refusal(given) from None
        if not self.low <= number <= self.high:
            raise self.refusal(given)
        return number


@frozen(kw_only=True)
class Real(Rule):
    """A number that may have a fraction."""

    low: float
    high: float

    @property
    def wanted(self) -> str:
        """Both ends of the range."""
        return f"a number from {self.low:g} to {self.high:g}"

    def read(self, given: object) -> float:
        """Read a decimal number."""
        if isinstance(given, bool) or not isinstance(given, int | float | str):
            raise self.refusal(given)
        try:
            number = float(given)
        except ValueError:
            raise self.refusal(given) from None
        if not self.low <= number <= self.high:
            raise self.refusal(given)
        return number


@frozen(kw_only=True)
class Switch(Rule):
    """On or off."""

    example: str = "1"

    @property
    def wanted(self) -> str:
        """All words for it."""
        return "one of " + ", ".join(SWITCH)

    def read(self, given: object) -> bool:
        """Read a word or a truth value."""
        value = given if isinstance(given, bool) else SWITCH.get(str(given).lower())
        if value is None:
            raise self.refusal(given)
        return value


@frozen(kw_only=True)
class Choice(Rule):
    """One word out of few."""

    words: tuple[str, ...]

    @property
    def wanted(self) -> str:
        """All words."""
        return "one of " + ", ".join(self.words)

    def read(self, given: object) -> str:
        """Read one of the words."""
        if given not in self.words:
            raise self.refusal(given)
        return str(given)


@frozen(kw_only=True)
class Text(Rule):
    """
    A text that is never repeated, for there may be a password in it.

    *check* raises `ValueError` where there is more to say than that it is not *wanted*.
    """

    wanted: str = field()
    accepts: Callable[[str], bool]
    check: Callable[[str], None] = field(default=lambda _: None)

    def read(self, given: object) -> str:
        """Read a text."""
        if not isinstance(given, str) or not given or not given.isprintable():
            raise self.refusal()
        self.check(given)
        if not self.accepts(given):
            raise self.refusal()
        return given


def is_word(text: str) -> bool:
    """Whether no space is in it."""
    return not any(letter.isspace() for letter in text)


def is_host(text: str) -> bool:
    """Whether it can be a host name or an address, without brackets, port or path."""
    return is_word(text) and not set(text) & set("[]/@")


def is_web_address(text: str) -> bool:
    """Whether it is http(s) with a host, and without a user name or password."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(usable) and is_word(text) and "@" not in parts.netloc


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
