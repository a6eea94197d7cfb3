"""The schema: numbered steps in plain SQL, each applied once and in order."""

import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from kiwisms.adapters.sqlite.statements import SCHEMA_VERSION
from kiwisms.ports.store import SchemaMismatch

STEPS: Final = tuple(
    step.read_text("utf-8")
    for step in sorted(files(__name__).iterdir(), key=lambda file: file.name)
    if step.name.endswith(".sql")
)
NEWEST: Final = len(STEPS)


def migrate(connection: sqlite3.Connection) -> None:
    """
    Bring the schema up to `NEWEST`, within the transaction that *connection* is in.

    Raises:
        SchemaMismatch: The schema is newer than that.
    """
    (version,) = connection.execute(SCHEMA_VERSION).fetchone()
    refuse_newer(version)
    for step in STEPS[version:]:
        for statement in _statements(step):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {NEWEST}")


def refuse_newer(version: int) -> None:
    """Raise `SchemaMismatch` for a schema that only a newer kiwisms understands."""
    if version > NEWEST:
        raise SchemaMismatch(
            f"the store has schema {version}, and this kiwisms knows only {NEWEST}:"
            " install a newer kiwisms"
        )


def refuse_older(version: int) -> None:
    """Raise `SchemaMismatch` for a schema that was not brought up to date."""
    if version < NEWEST:
        raise SchemaMismatch(
            f"the store has schema {version}, and this kiwisms needs {NEWEST}:"
            " run `kiwisms migrate`"
        )


def _statements(script: str) -> Iterator[str]:
    # executescript() would commit what is under way.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
