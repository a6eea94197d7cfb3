"""``make bench``: measures, prints a table, and writes ``bench/results.json``."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import orjson
from attrs import frozen
from cattrs import unstructure
from rich.console import Console
from rich.table import Table

from bench import audit, lives, poll, postgres_rents, rents
from bench.numbers import Line, Measured

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results.json"
MEASUREMENTS: Final = (
    poll.measure,
    rents.measure,
    postgres_rents.measure,
    audit.measure,
    lives.measure,
)


@frozen(kw_only=True)
class Circumstances:
    """The conditions of a measurement; *load_average* is over the last minute."""

    at: datetime
    python: str
    cores: int | None
    load_average: float

    @classmethod
    def now(cls) -> "Circumstances":
        """Read them now."""
        return cls(
            at=datetime.now(UTC),
            python=platform.python_version(),
            cores=os.cpu_count(),
            load_average=os.getloadavg()[0],
        )


def main() -> None:
    """Run all measurements, one after another."""
    console, table = Console(highlight=False), _table()
    before, done = Circumstances.now(), list[Measured]()
    # Not in the system's temporary folder: that may be in memory, where a sync costs nothing.
    with TemporaryDirectory(dir=HERE, prefix=".store-") as folder:
        for measure in MEASUREMENTS:
            with console.status(f"measuring: {measure.__module__}"):
                done.append(measure(Path(folder)))
    for measured in done:
        for line in measured.lines:
            table.add_row(*_cells(line))
        table.add_section()
    after = Circumstances.now()
    console.print(table)
    console.print(f"load average {before.load_average:.1f} before, {after.load_average:.1f} after")
    results = {type(each).__name__.lower(): unstructure(each) for each in done}
    document = {"before": unstructure(before), "after": unstructure(after), **results}
    RESULTS.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    console.print(f"all numbers: {RESULTS.relative_to(Path.cwd())}")


def _table() -> Table:
    table = Table("", "median", "lowest", "highest", "", "wanted")
    for column in table.columns[1:4]:
        column.justify = "right"
    return table


def _cells(line: Line) -> list[str]:
    numbers = line.measured.median, line.measured.lowest, line.measured.highest
    return [line.what, *map(_number, numbers), line.unit, _verdict(line)]


def _verdict(line: Line) -> str:
    if line.wanted is None:
        return ""
    return f"{line.wanted:g}: {'yes' if line.measured.median >= line.wanted else 'no'}"


def _number(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"


if __name__ == "__main__":
    main()
