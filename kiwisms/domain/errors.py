"""The root of every error that kiwisms raises on purpose."""

from typing import ClassVar


class KiwismsError(Exception):
    """
    Something was refused or failed for a reason that kiwisms can name.

    ``code`` is the machine-readable code that the HTTP contract puts beside the message. The
    facts of an error are its attributes, and it can be pickled.
    """

    code: ClassVar[str] = "ERROR"

    def __reduce__(self) -> tuple[object, ...]:
        # By default unpickling calls the class with the message; the classes here take others.
        return type(self).__new__, (type(self), *self.args), self.__dict__


class ValidationRefused(KiwismsError):
    """A given value cannot be used; *field* names it."""

    code = "VALIDATION_ERROR"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field, self.why = field, why


class Unauthorized(KiwismsError):
    """The API key is missing, malformed, unknown or revoked; the error does not say which."""

    code = "UNAUTHORIZED"

    def __init__(self) -> None:
        super().__init__("Missing or invalid API key")


class RateLimited(KiwismsError):
    """Too many requests; *retry_after* is in whole seconds."""

    code = "RATE_LIMITED"

    def __init__(self, retry_after: int, why: str = "Rate limit exceeded") -> None:
        super().__init__(why)
        self.retry_after, self.why = retry_after, why
