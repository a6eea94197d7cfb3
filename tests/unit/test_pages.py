"""What the pages say is true of the code, and what is generated on them is current."""

import configparser
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click
import pytest
from attrs import fields

import kiwisms
from docs.diagrams import BLOCKS as GENERATED
from docs.diagrams import PAGES as GENERATED_PAGES
from docs.diagrams import PICTURE, main, renewed, stale
from docs.tables import arrows, mermaid
from kiwisms.adapters.postgres.migrations import STEPS
from kiwisms.domain.delivery import MOST_FAILURES, PAUSES
from kiwisms.domain.events import WebhookEvent
from kiwisms.domain.incident import IncidentKind
from kiwisms.domain.rental import SHOWN
from kiwisms.entrypoints.cli.root import kiwisms as command_line
from kiwisms.entrypoints.http.documents import rental as document_of
from kiwisms.entrypoints.http.errors import OURS, STATUS
from kiwisms.entrypoints.load_settings import FOR_TESTS, load_settings, variable
from kiwisms.entrypoints.logs import RedactingFormatter
from kiwisms.entrypoints.settings import Settings
from kiwisms.testing.kit import Kit
from tests.pages import BLOCKS, PAGES, ROOT, Block, prose_of, text_of

VARIABLES: Final = [variable(name) for name in asdict(Settings())]
MISSPELT: Final = "KIWISMS_PROT"
"""The example of a variable that does not exist, in decision 12."""
API: Final = ROOT / "docs/api.md"
OPERATING: Final = ROOT / "docs/operating.md"
HIDDEN: Final = {status for status in OURS if status >= 500}
"""With these the server does not say what was wrong."""
NOT_CUSTOMERS: Final = {
    kiwisms.AccountNotFound,
    kiwisms.ApiKeyNotFound,
    kiwisms.BooksInMotion,
    kiwisms.DeliveryNotFound,
    kiwisms.EmailTaken,
    kiwisms.IncidentNotFound,
    kiwisms.NumberTaken,
    kiwisms.ReferenceReused,
    kiwisms.WebhookNotFound,
}
"""What only commands, programs that embed kiwisms, and its own use cases can meet."""
MADE: Final = {"bench/results.json"}
"""Files that are there only after a command."""
RUN: Final = {"python", "sh", "sh up", "sh checkout", "sh checkout up", "text demo"}
"""Blocks that tests/e2e/test_pages.py runs, or finds in what was printed."""
READ: Final = {"json", "mermaid", "sql citus", "text", "toml"}
"""Blocks that are held to the code here."""
TOLD: Final = {"text history"}
"""What a bug told that a test had put in, and is there no more."""
TRIED: Final = {"sql"}
"""Blocks that tests/contract/test_places.py runs."""
DRAWN: Final = {"{eval-rst}", "{include} ../CHANGELOG.md", "{toctree}"}
"""Directives, which fail the build of the pages when they are wrong."""


def of_kind(kind: str, page: Path | None = None) -> list[Block]:
    found = [block for block in BLOCKS if block.kind == kind and page in {None, block.page}]
    assert found
    return found


def rows(page: Path) -> Iterator[list[str]]:
    """The cells of all tables of a page."""
    for line in text_of(page).splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def spans(page: Path) -> list[str]:
    """What stands between single ticks."""
    return re.findall(r"`([^`\n]+)`", prose_of(page))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_no_block_goes_untested(block: Block) -> None:
    assert block.kind in RUN | READ | TRIED | TOLD | DRAWN


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
    assert renewed(current, {name: lambda: "something else"}) != current
    assert renewed(current.replace(GENERATED[name](), "old")) == current


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

    named = set(re.findall(r"KIWISMS_[A-Z_]*", text_of(page)))
    assert {name for name in named - known if not name.startswith(FOR_TESTS)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_named_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for span in spans(page):
        program, *words = span.split()
        if program == "make" and words:
            assert words[0] in targets
        if program == "kiwisms" and words:
            assert_is_command(words)


def assert_is_command(words: list[str]) -> None:
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


def test_the_unit_starts_a_command_that_exists() -> None:
    unit = configparser.RawConfigParser()
    unit.read(ROOT / "deploy/kiwisms.service", "utf-8")
    program, *words = unit["Service"]["ExecStart"].split()

    assert Path(program).name == "kiwisms"
    assert_is_command(words)


async def test_the_rental_and_the_events_on_the_page_have_the_fields_of_real_ones() -> None:
    shown, *told = [json.loads(block.text) for block in of_kind("json", API)]
    kit = Kit()
    ada = await kit.customer("5.39")
    await kit.kiwi.webhooks.set(
        ada.id,
        "https://ada.example.com/hook",
        events="sms.received,rental.expired,wallet.low",
        low="5.00",
    )
    for _ in range(2):
        rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.deliver("004217", text="Your code is 004217", to=rental.activation_id)
    kit.clock.advance(3)
    await kit.work()
    kit.clock.advance(kit.terms.pace.session.total_seconds())
    await kit.work()
    real = {body["event"]: body for body in (json.loads(sent.body) for sent in kit.sender.tries)}

    assert {body["event"] for body in told} == real.keys()
    for body in told:
        assert list(body) == list(real[body["event"]])
    assert list(shown) == list(document_of(rental, kit.clock.now()))
    headers = {row[0].strip("`") for row in rows(API) if "ebhook-" in row[0]}
    assert headers | {"Content-Type"} == kit.sender.tries[0].headers.keys()


def test_every_event_is_explained() -> None:
    assert {f"`{event}`" for event in WebhookEvent} <= {row[0] for row in rows(API)}


def test_the_log_line_on_the_page_has_the_fields_of_a_real_one() -> None:
    [told] = [json.loads(block.text) for block in of_kind("json", OPERATING)]
    record = logging.LogRecord(told["logger"], logging.WARNING, "", 0, told["event"], None, None)
    line = RedactingFormatter("json", secrets=(), colors=False).format(record)

    assert json.loads(line) | {"timestamp": told["timestamp"]} == told


def test_the_schedule_of_webhooks_is_the_one_in_the_code() -> None:
    seconds = {"s": 1, "min": 60, "h": 3600}
    told = re.search(r"tried again after ([^±]+), each", " ".join(prose_of(API).split()))
    assert told is not None
    pauses = re.findall(r"(\d+) (s|min|h)\b", told[1])

    assert [int(number) * seconds[unit] for number, unit in pauses] == [
        pause.total_seconds() for pause in PAUSES
    ]
    assert MOST_FAILURES == 8


def test_every_error_of_the_api_is_explained_with_its_status() -> None:
    told = {row[0].strip("`"): int(row[1]) for row in rows(API) if re.fullmatch(r"\d{3}", row[1])}
    own = {code: status for status, (_, code) in OURS.items()}
    customers = STATUS.keys() - NOT_CUSTOMERS

    assert told == own | {
        kind.code: STATUS[kind] for kind in customers if STATUS[kind] not in HIDDEN
    }


def test_the_limits_of_the_api_are_the_defaults() -> None:
    told = [row[1].split(",")[0] for row in rows(API) if "429" in row[-1]]
    default = Settings()

    assert told == [
        f"{default.rate_rent_per_minute} a minute",
        f"{default.rate_read_per_minute} a minute",
        f"{default.rate_public_per_minute} a minute",
        f"{default.max_active_rentals}",
        f"{default.cancels_per_hour} an hour",
    ]


def test_every_state_that_customers_see_is_explained() -> None:
    assert {f"`{state}`" for state in SHOWN} <= {row[0] for row in rows(API)}


def test_every_kind_of_incident_is_explained() -> None:
    assert {f"`{kind}`" for kind in IncidentKind} <= {row[0] for row in rows(OPERATING)}


def test_every_part_of_the_engine_is_explained() -> None:
    told = [row[0].strip("`") for row in rows(ROOT / "docs/embedding.md")]
    parts = [each.name for each in fields(kiwisms.Kiwisms) if each.name != "settings"]

    assert set(parts) <= set(told)


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
