"""The migrations: numbered steps in plain SQL, each applied once and in order."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from psycopg import AsyncConnection

from kiwisms.adapters.postgres.statements import schema as sql
from kiwisms.ports.store import SchemaMismatch

STEPS: Final = tuple(
    step.read_text("utf-8")
    for step in sorted(files(__name__).iterdir(), key=lambda file: file.name)
    if step.name.endswith(".sql")
)
NEWEST: Final = len(STEPS)


async def schema_version(connection: AsyncConnection[Any]) -> int:
    """Read how many steps the schema has; 0 when it has none."""
    table = await (await connection.execute(sql.SCHEMA_VERSION_TABLE)).fetchone()
    if table is None:
        return 0
    row = await (await connection.execute(sql.SCHEMA_VERSION)).fetchone()
    return int(row[0]) if row else 0


async def migrate(connection: AsyncConnection[Any], steps: Sequence[str] = STEPS) -> None:
    """
    Apply those of *steps* that the schema does not have yet, all of them or none.

    If several processes do this at once, one does the work, and the others wait for it.

    Raises:
        SchemaMismatch: The schema has more steps than *steps*.
    """
    async with connection.transaction():
        await connection.execute(sql.WAIT_LONG)
        await connection.execute(sql.LOCK_SCHEMA)
        version = await schema_version(connection)
        if version > len(steps):
            raise SchemaMismatch(found=version, known=len(steps))
        if version == len(steps):
            return
        for step in steps[version:]:
            await connection.execute(step.encode(), prepare=False)
        await connection.execute(sql.CREATE_SCHEMA_VERSION)
        await connection.execute(sql.SAVE_SCHEMA_VERSION, (len(steps),))
