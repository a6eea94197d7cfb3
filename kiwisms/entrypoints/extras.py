"""What to install when a package that an extra brings is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from kiwisms.domain.errors import ValidationRefused


def needs(missing: ModuleNotFoundError, extra: str) -> str:
    """
    Say which extra brings the missing package.

    >>> needs(ModuleNotFoundError(name="psycopg"), "postgres")
    "needs psycopg; run pip install 'kiwisms[postgres]'"
    """
    return f"needs {missing.name}; run pip install 'kiwisms[{extra}]'"


@contextmanager
def importing_extra(extra: str, setting: str) -> Iterator[None]:
    """
    Wrap an import of what an *extra* brings, which is needed because of a *setting*.

    Raises:
        ValidationRefused: The package is not installed; the error names the setting and the extra.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ValidationRefused(setting, needs(missing, extra)) from missing
