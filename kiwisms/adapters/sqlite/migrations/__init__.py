"""The migrations: numbered steps in plain SQL, each applied once and in order."""

import sqlite3
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Final

from kiwisms.adapters.sqlite.statements.reads import SCHEMA_VERSION
from kiwisms.ports.store import SchemaMismatch

STEPS: Final = tuple(
    step.read_text("utf-8")
    for step in sorted(files(__name__).iterdir(), key=lambda file: file.name)
    if step.name.endswith(".sql")
)
NEWEST: Final = len(STEPS)


def migrate(connection: sqlite3.Connection, steps: Sequence[str] = STEPS) -> None:
    """
    Apply those of *steps* that the schema does not have yet, in the transaction of *connection*.

    Raises:
        SchemaMismatch: The schema has more steps than *steps*.
    """
    (version,) = connection.execute(SCHEMA_VERSION).fetchone()
    if version > len(steps):
        raise SchemaMismatch(found=version, known=len(steps))
    for step in steps[version:]:
        for statement in _statements(step):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(steps)}")


def _statements(script: str) -> Iterator[str]:
    # executescript() would commit the open transaction.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
