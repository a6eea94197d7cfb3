"""What to install where a package is missing that an extra brings."""

from collections.abc import Iterator
from contextlib import contextmanager

from kiwisms.domain.errors import ValidationRefused


def needs(missing: ModuleNotFoundError, extra: str) -> str:
    """
    Say which extra brings what is missing.

    >>> needs(ModuleNotFoundError(name="psycopg"), "postgres")
    "needs psycopg; run pip install 'kiwisms[postgres]'"
    """
    return f"needs {missing.name}; run pip install 'kiwisms[{extra}]'"


@contextmanager
def bringing(extra: str, setting: str) -> Iterator[None]:
    """
    Import here what an *extra* brings and a *setting* asks for.

    Raises:
        ValidationRefused: It is not installed; the error names the setting.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ValidationRefused(setting, needs(missing, extra)) from missing
