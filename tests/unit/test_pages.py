"""What the pages say is true of the code, and what is generated on them is current."""

import json
import logging
import re
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pytest
from attrs import fields

import kiwisms
from docs.diagrams import BLOCKS as GENERATED
from docs.diagrams import PAGES as GENERATED_PAGES
from docs.diagrams import PICTURE, main, stale, updated
from docs.tables import arrows, mermaid
from kiwisms.adapters.postgres.migrations import STEPS
from kiwisms.domain.incident import IncidentKind
from kiwisms.entrypoints.load_settings import load_settings, variable
from kiwisms.entrypoints.logs import RedactingFormatter
from kiwisms.entrypoints.settings import Settings
from tests.pages import (
    BLOCKS,
    PAGES,
    ROOT,
    Block,
    assert_is_command,
    of_kind,
    prose_of,
    rows,
    text_of,
)

VARIABLES: Final = [variable(name) for name in asdict(Settings())]
MISSPELT: Final = "KIWISMS_PROT"
"""The example of a variable that does not exist, in decision 12."""
OPERATING: Final = ROOT / "docs/operating.md"
MADE: Final = {"bench/results.json"}
"""Files that are there only after a command."""
RUN: Final = {"python", "sh", "sh up", "sh checkout", "sh checkout up", "text demo"}
"""Blocks that tests/e2e/test_pages.py runs, or finds in what was printed."""
READ: Final = {"json", "mermaid", "sql citus", "text", "toml", "yaml"}
"""Blocks that are held to the code here."""
TOLD: Final = {"text history"}
"""What a bug told that a test had put in, and is there no more."""
TRIED: Final = {"sql"}
"""Blocks that tests/contract/test_places.py runs."""
TYPED_BY_ROOT: Final = {"sh root"}
"""Blocks that change the machine, or need Docker: see tests/unit/test_deploying_page.py."""
DRAWN: Final = {
    "{eval-rst}",
    "{include} ../CHANGELOG.md",
    "{include} ../SECURITY.md",
    "{toctree}",
}
"""Directives, which fail the build of the pages when they are wrong."""


def spans(page: Path) -> list[str]:
    """What stands between single ticks."""
    return re.findall(r"`([^`\n]+)`", prose_of(page))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_no_block_goes_untested(block: Block) -> None:
    assert block.kind in RUN | READ | TRIED | TOLD | TYPED_BY_ROOT | DRAWN


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_code_hides_in_an_indent(page: Path) -> None:
    assert [line for line in prose_of(page).splitlines() if line.startswith("    ")] == []


def test_what_is_generated_is_current() -> None:
    assert list(stale()) == []
    assert main(["--check"]) == 0


@pytest.mark.parametrize("name", GENERATED)
def test_what_is_generated_stands_on_a_page_and_is_seen_when_it_is_old(name: str) -> None:
    (page,) = [page for page in GENERATED_PAGES if f"<!-- begin {name}:" in text_of(page)]
    current = text_of(page)

    assert GENERATED[name]() in current
    assert updated(current, {name: lambda: "something else"}) != current
    assert updated(current.replace(GENERATED[name](), "old")) == current


def test_the_picture_has_every_arrow() -> None:
    drawn = text_of(PICTURE)
    assert all(f">{arrow.label}</text>" in drawn for arrow in arrows())


def test_mermaid_is_only_what_was_generated() -> None:
    assert [f"```mermaid\n{block.text}```" for block in of_kind("mermaid")] == [mermaid(arrows())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", prose_of(page))
    local = [link for link in links if "://" not in link]

    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = [span for span in spans(page) if re.match(r"(kiwisms|tests|docs|bench|deploy)/", span)]

    assert [name for name in named if not (ROOT / name).exists() and name not in MADE] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_are_named_exist(page: Path) -> None:
    known = {*VARIABLES, "KIWISMS_", MISSPELT}

    assert set(re.findall(r"\bKIWISMS_[A-Z_]*", text_of(page))) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_named_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for span in spans(page):
        program, *words = span.split()
        if program == "make" and words:
            assert words[0] in targets
        if program == "kiwisms" and words:
            assert_is_command(words)


def test_the_table_of_settings_is_complete_and_has_the_right_defaults() -> None:
    told = {row[0]: row[1] for row in rows(OPERATING) if row[0].startswith("`KIWISMS_")}

    assert told.keys() == {f"`{name}`" for name in VARIABLES}
    for name, default in asdict(Settings()).items():
        written = told[f"`{variable(name)}`"].strip("`")
        if default is None:
            assert written.startswith("none")
        else:
            number = isinstance(default, int | float)
            assert written == (f"{default:g}" if number else default)


@pytest.mark.parametrize("block", of_kind("toml"), ids=lambda block: block.name)
def test_a_file_of_settings_can_be_read(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "kiwisms.toml"
    file.write_text(block.text, "utf-8")

    assert load_settings(file, {}) != Settings()


def test_the_log_line_on_the_page_has_the_fields_of_a_real_one() -> None:
    [told] = [json.loads(block.text) for block in of_kind("json", OPERATING)]
    record = logging.LogRecord(told["logger"], logging.WARNING, "", 0, told["event"], None, None)
    line = RedactingFormatter("json", secrets=(), colors=False).format(record)

    assert json.loads(line) | {"timestamp": told["timestamp"]} == told


def test_every_kind_of_incident_is_explained() -> None:
    assert {f"`{kind}`" for kind in IncidentKind} <= {row[0] for row in rows(OPERATING)}


def test_every_part_of_the_engine_is_explained() -> None:
    told = [row[0].strip("`") for row in rows(ROOT / "docs/embedding.md")]
    parts = [each.name for each in fields(kiwisms.Kiwisms) if each.name != "settings"]

    assert set(parts) <= set(told)


def test_every_part_of_the_engine_is_in_the_reference() -> None:
    shown = re.findall(r"automodule:: (\S+)", text_of(ROOT / "docs/reference.md"))
    parts = {
        each.type.__module__
        for each in fields(kiwisms.Kiwisms)
        if each.type is not None and each.name not in {"settings", "ports"}
    }

    assert parts - set(shown) == set()


@pytest.mark.parametrize("block", of_kind("text"), ids=lambda block: block.name)
def test_the_picture_of_the_layers_names_what_is_there(block: Block) -> None:
    names = re.findall(r"[a-z_]+(?= ·)|(?<=· )[a-z_]+", block.text)
    there = {path.stem for path in (ROOT / "kiwisms").rglob("*") if path.suffix in {"", ".py"}}

    assert len(names) > 20
    assert set(names) - there == set()


def test_every_table_has_its_place_in_a_distributed_store() -> None:
    (block,) = of_kind("sql citus")
    named = re.findall(r"create_(?:reference|distributed)_table\('(\w+)'", block.text)
    tables = [table for step in STEPS for table in re.findall(r"CREATE TABLE (\w+)", step)]

    assert sorted(named) == sorted(tables)


def test_decisions_that_are_named_exist_and_have_a_number_each() -> None:
    numbers = [int(path.name[:4]) for path in (ROOT / "docs/decisions").glob("*.md")]
    there = set(numbers)
    sources = [*PAGES, *(ROOT / "kiwisms").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    named = [
        int(number)
        for source in sources
        for number in re.findall(r"\b[Dd]ecision (\d+)", source.read_text("utf-8"))
    ]

    assert len(numbers) == len(there)
    assert named
    assert set(named) - there == set()
