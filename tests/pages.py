"""The pages of the documentation, and the blocks of code on them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from attrs import frozen

from kiwisms.entrypoints.cli.root import kiwisms as command_line

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts),
)
FENCE: Final = re.compile(r" *(?P<ticks>`{3,})(?P<info>.*)")


@frozen
class Block:
    """A block of code; *kind* is all that stands behind its opening ticks."""

    page: Path
    line: int
    kind: str
    text: str

    @property
    def name(self) -> str:
        """Where to find it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def text_of(page: Path) -> str:
    """Read a page."""
    return page.read_text("utf-8")


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page in order."""
    lines = enumerate(text_of(page).splitlines(), start=1)
    for number, line in lines:
        opening = FENCE.fullmatch(line)
        if opening is None:
            continue
        inside = []
        for _, each in lines:
            if each.strip() == opening["ticks"]:
                break
            inside.append(each)
        yield Block(page, number, opening["info"].strip(), "\n".join(inside) + "\n")


def prose_of(page: Path) -> str:
    """A page without its blocks."""
    prose = text_of(page)
    for block in blocks_of(page):
        prose = prose.replace(f"```{block.kind}\n{block.text}```", "")
    return prose


BLOCKS: Final = tuple(block for page in PAGES for block in blocks_of(page))


def of_kind(kind: str, page: Path | None = None) -> list[Block]:
    """All blocks of a kind, of which there must be one."""
    found = [block for block in BLOCKS if block.kind == kind and page in {None, block.page}]
    assert found
    return found


def rows(page: Path) -> Iterator[list[str]]:
    """The cells of all tables of a page."""
    for line in text_of(page).splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def assert_is_command(words: list[str]) -> None:
    """*words* are a command of ``kiwisms``, and options that it has."""
    command: click.Command | None = command_line
    # Not a bare context: click keeps in each command the help option that the first one asks for.
    context = command_line.make_context("kiwisms", [], resilient_parsing=True)
    for word in words:
        if isinstance(command, click.Group) and not word.startswith("-"):
            command = command.get_command(context, word)
            assert command is not None, words
    assert command is not None
    options = {name for each in command.get_params(context) for name in each.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= options, words
