"""
Keeps the generated parts of the documentation equal to the code.

``python -m docs.diagrams`` brings every file up to date. With ``--check`` it only names the files
that are not up to date, and then fails.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from docs.picture import svg
from docs.tables import arrows, effect_table, error_table, event_table, mermaid

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = (
    ROOT / "README.md",
    *(ROOT / f"docs/{name}.md" for name in ("billing", "embedding", "rental-states")),
)
PICTURE: Final = ROOT / "docs/rental-states.svg"

BLOCKS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "rental-states": lambda: mermaid(arrows()),
        "rental-events": lambda: event_table(arrows()),
        "billing-effects": effect_table,
        "errors": error_table,
    }
)


def updated(page: str, blocks: Mapping[str, Callable[[], str]] = BLOCKS) -> str:
    """Replace the text between the markers of each block in a page."""
    for name, make in blocks.items():
        begin, end = f"<!-- begin {name}: python -m docs.diagrams -->", f"<!-- end {name} -->"
        before, found, rest = page.partition(begin)
        if found:
            _, _, after = rest.partition(end)
            page = f"{before}{begin}\n{make()}\n{end}{after}"
    return page


def stale() -> dict[Path, str]:
    """Return the files that differ from the tables of the code, with the text they must have."""
    wanted = {path: updated(path.read_text("utf-8")) for path in PAGES}
    wanted[PICTURE] = svg(arrows())
    return {
        path: text
        for path, text in wanted.items()
        if not path.exists() or path.read_text("utf-8") != text
    }


def main(arguments: list[str]) -> int:
    """Write the stale files; with ``--check`` only name them and return 1."""
    old = stale()
    if arguments == ["--check"]:
        for path in old:
            sys.stderr.write(f"{path.relative_to(ROOT)} is stale: run python -m docs.diagrams\n")
        return 1 if old else 0
    for path, text in old.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
