"""What a command prints: tables on a terminal, plain text in a pipe, JSON when asked for."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeGuard

import click
from attrs import fields, frozen, has
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override
from rich.box import SIMPLE_HEAD, Box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from kiwisms.domain.contract_values import instant
from kiwisms.domain.money import Money

Row = Mapping[str, object]

JSON_NAME: Final = "json_name"
"""The metadata key for an attribute's name in JSON, if that is not its name in camelCase."""
WIDEST: Final = 10_000
"""Columns; wide enough that nothing is wrapped."""
COLORS: Final[Mapping[str, str]] = {
    "ACTIVE": "green",
    "CANCELLED": "dim",
    "COMPLETED": "green",
    "DELIVERED": "green",
    "EXPIRED": "dim",
    "FAILED": "red",
    "GIVEN_UP": "red",
    "PENDING": "yellow",
    "RECEIVED": "green",
    "SUSPENDED": "red",
    "WAITING": "yellow",
    "no": "red",
    "yes": "green",
}


@frozen
class Failed:
    """The result of a command that fails: what to print, and one sentence that says why."""

    view: object
    why: str


def show(view: object, *, as_json: bool) -> None:
    """
    Print what a command returned, to standard output.

    Args:
        view: An attrs object, or a sequence of them; JSON has their names in camelCase, or as
            `JSON_NAME` in the metadata says. A text is printed as it is.
        as_json: Whether to print one JSON document.
    """
    if isinstance(view, str):
        click.echo(view, nl=False)
        return
    document = DOCUMENTS.unstructure(view)
    if as_json:
        click.echo(json.dumps(document))
        return
    console = Console(markup=False, highlight=False, emoji=False)
    columns = console.width if console.is_terminal else WIDEST
    # The terminal wraps what is too long for a line, so that it can still be copied whole.
    console.width = WIDEST
    with console.capture() as printed:
        for paragraph in _paragraphs(document, console, columns):
            console.print(paragraph)
    # A table pads its last column with spaces.
    click.echo("\n".join(map(str.rstrip, printed.get().splitlines())), color=True)


def _paragraphs(
    document: Row | list[Row], console: Console, columns: int
) -> Iterator[RenderableType]:
    if isinstance(document, list):
        yield from _rows(document, console, columns)
        return
    lists = {name: value for name, value in document.items() if _is_table(value)}
    yield _record({name: value for name, value in document.items() if name not in lists})
    for name, rows in lists.items():
        yield Text(f"\n{name}", style="bold")
        yield from _rows(rows, console, columns)


def _rows(rows: Sequence[Row], console: Console, columns: int) -> Iterator[RenderableType]:
    if not rows:
        yield Text("none", style="dim")
        return
    table = _table(rows, SIMPLE_HEAD if console.is_terminal else None)
    if Measurement.get(console, console.options, table).maximum <= columns:
        yield table
        return
    # Too wide for the terminal: print each row as a record, so that ids can still be copied.
    for row in rows:
        yield _record(row)
        yield ""


def _record(row: Row) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, value in row.items():
        grid.add_row(Text(name, style="bold"), _cell(value))
    return grid


def _table(rows: Sequence[Row], box: Box | None) -> Table:
    table = Table(box=box, show_edge=False, pad_edge=False)
    for name in rows[0]:
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    return table


def _is_table(value: object) -> TypeGuard[list[Row]]:
    return isinstance(value, list) and not any(isinstance(each, str) for each in value)


def _cell(value: object) -> Text:
    words = {None: "", True: "yes", False: "no"}
    if _is_table(value):
        # Of a table inside a table, only the last line is shown.
        value = " ".join(map(str, value[-1].values())) if value else None
    elif isinstance(value, list):
        value = ", ".join(value)
    text = words[value] if isinstance(value, bool | None) else str(value)
    # Text from a message or from upstream must not control the terminal.
    safe = "".join(letter if letter.isprintable() else " " for letter in text)
    cell = Text(safe)
    # Not the style of the cell, which would colour its padding too.
    cell.stylize(COLORS.get(safe, ""))
    return cell


def _documents() -> Converter:
    converter = Converter()
    converter.register_unstructure_hook(Money, str)
    converter.register_unstructure_hook(datetime, instant)
    converter.register_unstructure_hook_factory(has, partial(_in_camel_case, converter))
    return converter


def _in_camel_case(converter: Converter, view: type) -> Callable[[object], dict[str, object]]:
    names: dict[str, Any] = {
        each.name: override(rename=each.metadata.get(JSON_NAME, _camel(each.name)))
        for each in fields(view)
    }
    return make_dict_unstructure_fn(view, converter, **names)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


DOCUMENTS: Final = _documents()
