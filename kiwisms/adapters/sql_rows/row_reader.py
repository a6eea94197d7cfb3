"""The interface for reading rows from any database."""

from typing import Protocol

from kiwisms.adapters.sql_rows.columns import Row


class RowReader(Protocol):
    """Reads from one database; each ``?`` in a statement is one parameter, in order."""

    async def read_one(self, statement: str, parameters: Row = ()) -> Row | None:
        """Read the first row, if there is one."""
        ...

    async def read_all(self, statement: str, parameters: Row = ()) -> list[Row]:
        """Read all rows; none when a parameter fits no column."""
        ...
