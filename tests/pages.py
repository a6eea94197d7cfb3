"""The pages of the documentation, and the blocks of code on them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

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
