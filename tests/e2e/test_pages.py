"""Every command and every Python block on the pages is run, with a simulator as the provider."""

import ast
import asyncio
import inspect
import json
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

import kiwisms
from kiwisms.adapters.simulator.server import Simulator
from kiwisms.domain.ids import DeliveryId
from kiwisms.domain.rental_state import State
from kiwisms.domain.signature import new_secret, sign
from kiwisms.entrypoints.wiring.providers import open_simulator
from tests.e2e.terminal import Terminal
from tests.e2e.wheels import build_wheel
from tests.pages import BLOCKS, PAGES, ROOT, Block, text_of
from tests.postgres import binaries, database, unused_database

pytestmark = pytest.mark.timeout(120)
"""What is typed here starts many a process, which takes its time on a busy machine."""
CODE_AFTER: Final = timedelta(seconds=0.2)
STORE: Final = "sqlite:///kiwisms.db"
EXPECTED: Final = re.compile(r"^ *print\(.*\)  # (?P<said>.*)$", re.MULTILINE)
"""A line that prints, and behind it what."""
README: Final = ROOT / "README.md"
USED_BEFORE: Final = """
export KIWISMS_PROVIDER_URL=https://daisysms.io/stubs/handler_api.php
export KIWISMS_PROVIDER_KEY=your-provider-key
kiwisms accounts create zoe@example.com
kiwisms wallet credit zoe@example.com 5 --reason top-up
"""
"""What was done in the folder before an operator reads on."""
NEVER_RUN: Final = {"make test\n"}
"""It runs this."""


def of_kind(*kinds: str, page: Path | None = None) -> list[Block]:
    return [block for block in BLOCKS if block.kind in kinds and page in {None, block.page}]


def pages_with(*kinds: str) -> list[Path]:
    return [page for page in PAGES if of_kind(*kinds, page=page)]


def named(page: Path) -> str:
    return page.name


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with open_simulator(code_after=CODE_AFTER) as running:
        yield running


@pytest.fixture
async def terminal(tmp_path: Path, simulator: Simulator) -> AsyncIterator[Terminal]:
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    restored, restored_url = unused_database()
    async with database() as postgres:
        instead = {
            "https://daisysms.io/stubs/handler_api.php": simulator.url,
            "your-provider-key": simulator.key,
            "postgresql://kiwisms:PASSWORD@db.example/kiwisms": postgres,
            "postgresql://kiwisms:PASSWORD@db.example/restored": restored_url,
            " restored\n": f" {restored}\n",
            "postgresql://kiwisms:PASSWORD@db-1.example,db-2.example/kiwisms?": f"{postgres}&",
        }
        yield Terminal(folder=folder, home=home, instead=instead, programs=binaries())


def without_chance(said: str) -> str:
    """What was printed, without the numbers that differ each time: phones, codes, ports."""
    return re.sub(r"\d{4,}", "0000", said)


def without_an_index(wheel: Path, site: Path) -> dict[str, str]:
    """Let pip install what was built here, and nothing else, beside what is installed."""
    return {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_FIND_LINKS": str(wheel.parent),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_TARGET": str(site),
    }


async def run(block: Block, names: dict[str, Any]) -> None:
    """Run a block of Python where ``await`` may stand by itself, and then its tests."""
    source = "\n" * block.line + block.text
    code = compile(source, str(block.page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    under_way = eval(code, names)
    if inspect.iscoroutine(under_way):
        await under_way
    for name in [name for name in names if name.startswith("test_")]:
        await asyncio.to_thread(names.pop(name))


async def finish_what_was_shown(said: list[str], provider: kiwisms.DaisySMS) -> None:
    """Be the customer, who is done with a number as soon as its code was printed."""
    while not said:  # noqa: ASYNC110 - the page prints, and cannot set an event
        await asyncio.sleep(0.05)
    async with kiwisms.open(STORE, provider=provider, background=False) as kiwi:
        for rental in await kiwi.rentals.all():
            await kiwi.rentals.done(rental.account_id, rental.id)


async def printed_by(page: Path, simulator: Simulator) -> list[str]:
    """Run all Python of a page, and give what it printed."""
    said: list[str] = []

    def say(*values: object) -> None:
        said.append(" ".join(map(str, values)))

    names = {"url": simulator.url, "key": simulator.key, "print": say}
    provider = kiwisms.DaisySMS(simulator.url, simulator.key)
    customer = asyncio.create_task(finish_what_was_shown(said, provider))
    for block in of_kind("python", page=page):
        await run(block, names)
    customer.cancel()
    await asyncio.wait([customer])
    if not customer.cancelled():
        customer.result()
    return said


async def test_the_five_lines_rent_a_number_and_wait_for_its_end(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = await printed_by(README, simulator)

    async with kiwisms.open(
        STORE, provider=kiwisms.DaisySMS(simulator.url, simulator.key), background=False
    ) as kiwi:
        (rental,) = await kiwi.rentals.all()
        assert rental.state is State.COMPLETED
        assert [message.code for message in rental.messages] == [code]
        assert rental.idempotency_key == "order-42"
        wallet = await kiwi.wallet.balance(rental.account_id)
        assert (str(wallet.available), str(wallet.held)) == ("9.61", "0.00")
        assert (await kiwi.wallet.audit()).balanced


@pytest.mark.parametrize("page", [p for p in pages_with("python") if p != README], ids=named)
async def test_the_python_of_a_page_runs_and_prints_what_stands_beside_it(
    page: Path, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIWISMS_PROVIDER_URL", simulator.url)
    monkeypatch.setenv("KIWISMS_PROVIDER_KEY", simulator.key)
    said = await printed_by(page, simulator)

    assert set(EXPECTED.findall(text_of(page))) <= set(said)


@pytest.mark.parametrize("page", pages_with("sh", "sh up"), ids=named)
async def test_the_commands_of_a_page_do_well(
    page: Path, terminal: Terminal, tmp_path: Path
) -> None:
    terminal.settings = without_an_index(build_wheel(tmp_path), tmp_path / "site")
    if page != README:
        await terminal.run(USED_BEFORE)
    async with AsyncExitStack() as stack:
        for block in of_kind("sh", "sh up", page=page):
            if "curl" in block.text and shutil.which("curl") is None:
                pytest.skip("this machine has no curl")
            if block.kind == "sh up":
                await stack.enter_async_context(terminal.up(block.text))
            else:
                said = await terminal.run(block.text)
                assert "WARNING" not in said

    audit = await terminal.run("kiwisms ledger audit --json")
    assert json.loads(audit)["balanced"] is True


@pytest.mark.parametrize(
    "block", of_kind("sh checkout", "sh checkout up"), ids=lambda block: block.name
)
async def test_a_command_in_the_checkout_does_well(block: Block, terminal: Terminal) -> None:
    if block.text in NEVER_RUN:
        dry = block.text.replace("make", "make --dry-run")
        assert "pytest" in await terminal.run(dry, where=ROOT)
    elif block.kind == "sh checkout up":
        (shown,) = of_kind("text demo")
        async with terminal.up(block.text, where=ROOT) as said:
            assert without_chance(shown.text) in without_chance(said)
    else:
        await terminal.run(block.text, where=ROOT)


async def test_make_docs_builds_every_page_without_a_warning(terminal: Terminal) -> None:
    assert "WARNING" not in await terminal.run("make docs", where=ROOT)


@pytest.fixture
def receiver() -> Mapping[str, Any]:
    """What the page tells receivers of webhooks to write."""
    names: dict[str, Any] = {}
    (block,) = [block for block in of_kind("python") if "def is_genuine(" in block.text]
    exec(block.text, names)
    return names


SECRET, OLD, OTHER = map(new_secret, (b"a" * 32, b"b" * 32, b"c" * 32))
BODY: Final = '{"event":"sms.received","smsText":"é"}'.encode()


def signed(*secrets: str, at: datetime | None = None) -> dict[str, str]:
    moment = at or datetime.now(UTC)
    return sign(BODY, delivery_id=DeliveryId("event-1"), at=moment, secrets=secrets)


@pytest.mark.parametrize("name", ["is_genuine", "is_genuine_in_short"])
def test_a_receiver_knows_what_we_signed(receiver: Mapping[str, Any], name: str) -> None:
    is_genuine = receiver[name]

    assert is_genuine(SECRET, signed(SECRET), BODY)
    assert is_genuine(SECRET, signed(SECRET, OLD), BODY)
    assert not is_genuine(SECRET, signed(SECRET), BODY + b" ")
    assert not is_genuine(SECRET, signed(OTHER), BODY)
    assert not is_genuine(SECRET, dict.fromkeys(signed(SECRET), "é"), BODY)


def test_a_receiver_goes_on_while_a_secret_is_replaced(receiver: Mapping[str, Any]) -> None:
    assert receiver["is_genuine"](OLD, signed(SECRET, OLD), BODY)
    assert not receiver["is_genuine_in_short"](OLD, signed(SECRET, OLD), BODY)


def test_a_receiver_refuses_a_copy_of_an_old_request(receiver: Mapping[str, Any]) -> None:
    old = signed(SECRET, at=datetime.now(UTC) - timedelta(minutes=6))

    assert not receiver["is_genuine"](SECRET, old, BODY)
    assert receiver["is_genuine_in_short"](SECRET, old, BODY)
