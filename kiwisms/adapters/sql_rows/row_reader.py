"""How rows are asked for, whichever database has them."""

from typing import Protocol

from kiwisms.adapters.sql_rows.columns import Row


class RowReader(Protocol):
    """Asks one database; in a statement ``?`` stands for each of the parameters in turn."""

    async def read_one(self, statement: str, parameters: Row = ()) -> Row | None:
        """Read the first row, if there is one."""
        ...

    async def read_all(self, statement: str, parameters: Row = ()) -> list[Row]:
        """Read every row; none for what no column can hold."""
        ...
