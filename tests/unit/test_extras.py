"""What can be used without an extra, in a process that has none of their packages."""

import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kiwisms

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: Final[dict[str, list[str]]] = PROJECT["optional-dependencies"]

MISSING: Final = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if is_missing(name.partition(".")[0]):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""
BARE: Final = f"""{MISSING}
def is_missing(package):
    return package not in there

there = {{*sys.stdlib_module_names, "attr", "attrs", "cattr", "cattrs", "kiwisms", *sys.argv[1:]}}
"""
"""Makes Python as it is where nothing but attrs, cattrs and the arguments is installed."""
WITHOUT: Final = f"""{MISSING}
def is_missing(package):
    return package in sys.argv[1:]
"""
"""Makes Python as it is where the arguments are not installed."""

CORE: Final = """
import importlib, pkgutil
import kiwisms

for layer in "domain", "ports", "application":
    package = importlib.import_module(f"kiwisms.{layer}")
    for module in pkgutil.walk_packages(package.__path__, f"kiwisms.{layer}."):
        importlib.import_module(module.name)

from datetime import UTC, datetime
from kiwisms.domain.wallet import Cause

cause = Cause(id="credit:a", reason="top-up", at=datetime(2026, 1, 1, tzinfo=UTC))
wallet, transfer = kiwisms.Wallet(account_id="ada").fund(kiwisms.Money.parse("10"), cause)
print(wallet.available, transfer.credit, kiwisms.ProviderFailed.code)
"""

KIT: Final = """
import asyncio
from kiwisms.testing.kit import Kit

async def story():
    kit = Kit()
    ada = await kit.customer("10.00")
    await kit.kiwi.rentals.rent(ada.id, service="go")
    print((await kit.kiwi.wallet.balance(ada.id)).held)

asyncio.run(story())
"""


OPEN: Final = """
import asyncio, tempfile
from kiwisms.testing.clock import ManualClock
from kiwisms.testing.provider import FakeProvider

async def opened(store):
    settings = kiwisms.Settings(secret_key="x" * 64)
    provider = FakeProvider(ManualClock())
    async with kiwisms.open(store, provider=provider, settings=settings) as kiwi:
        account = await kiwi.accounts.create("ada@example.com")
        assert await kiwi.accounts.find(account.id) == account

def start(store):
    asyncio.run(opened(store))

with tempfile.TemporaryDirectory() as folder:
    start"""

COMMAND: Final = "from kiwisms.entrypoints.cli import main; main()"


def brought_by(asked: Requirement, extras: Collection[str] = ()) -> Iterator[str]:
    """A distribution and all that it needs, where *extras* of what asks for it were chosen."""
    if asked.marker is not None and not any(
        asked.marker.evaluate({"extra": extra}) for extra in (*extras, "")
    ):
        return
    yield canonicalize_name(asked.name)
    for needed in requires(asked.name) or []:
        yield from brought_by(Requirement(needed), asked.extras)


def packages_of(extra: str) -> list[str]:
    """What can be imported where an extra is installed, and where none is cannot."""
    with_it, without = (
        {name for asked in listed for name in brought_by(Requirement(asked))}
        for listed in (EXTRAS[extra], PROJECT["dependencies"])
    )
    names = with_it - without
    return [
        package
        for package, distributions in packages_distributions().items()
        if names & set(map(canonicalize_name, distributions))
    ]


def run(program: str, *packages: str, where: str = BARE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", where + program, *packages]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def run_with(program: str, *extras: str) -> subprocess.CompletedProcess[str]:
    """Run it where only these extras are installed."""
    installed = {package for extra in extras for package in packages_of(extra)}
    missing = {package for extra in EXTRAS for package in packages_of(extra)} - installed
    return run(f"import kiwisms; {program}", *missing, where=WITHOUT)


def test_the_core_needs_no_extra() -> None:
    done = run(CORE)

    assert (done.stdout, done.stderr) == ("10.00 AVAILABLE PROVIDER_ERROR\n", "")


def test_importing_kiwisms_imports_no_driver() -> None:
    program = "import sys, kiwisms; print(*(name.partition('.')[0] for name in sys.modules))"
    command = [sys.executable, "-c", program]
    imported = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    ours = set(imported.stdout.split()) - set(sys.stdlib_module_names)

    assert {"attr", "kiwisms"} <= ours
    drivers = {"aiohttp", "aiosqlite", "argon2", "click", "cryptography", "psycopg"}
    drivers |= {"pydantic", "redis"}
    assert ours & drivers == set()
    assert "sqlite3" not in imported.stdout.split()
    assert "asyncio" not in imported.stdout.split()


def test_the_kit_needs_the_extra_for_testing_alone() -> None:
    done = run(KIT, *packages_of("testing"))

    assert (done.stdout, done.stderr) == ("0.39\n", "")


def test_what_is_imported_late_is_listed_all_the_same() -> None:
    assert set(kiwisms.__all__) <= set(dir(kiwisms))
    assert all(hasattr(kiwisms, name) for name in kiwisms.__all__)


@pytest.mark.parametrize(
    ("program", "installed", "said"),
    [
        ("kiwisms.open", [], "kiwisms.open needs argon2; {server}"),
        ("kiwisms.open", ["sqlite"], "kiwisms.open needs argon2; {server}"),
        ("kiwisms.DaisySMS", [], "kiwisms.DaisySMS needs aiohttp; {server}"),
        ("kiwisms.Settings", ["sqlite"], "kiwisms.Settings needs pydantic; {server}"),
        ("kiwisms.load_settings", [], "kiwisms.load_settings needs pydantic; {server}"),
        ("kiwisms.SqliteStore", [], "kiwisms.SqliteStore needs aiosqlite; {sqlite}"),
        ("kiwisms.PostgresStore", [], "kiwisms.PostgresStore needs psycopg; {postgres}"),
        (f"{OPEN}('sqlite:///kiwisms.db')", ["server"], "store_url: needs aiosqlite; {sqlite}"),
        (f"{OPEN}('postgresql://localhost/k')", ["server"], "store_url: needs psycopg; {postgres}"),
        (COMMAND, [], "kiwisms needs click; {server}"),
    ],
)
def test_what_needs_an_extra_names_it(program: str, installed: list[str], said: str) -> None:
    done = run_with(program, *installed)
    install = {extra: f"run pip install 'kiwisms[{extra}]'" for extra in EXTRAS}

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(said.format(**install))
    assert "Traceback" not in done.stderr or program != COMMAND


@pytest.mark.parametrize(
    ("program", "extras"),
    [
        ("kiwisms.MemoryStore, kiwisms.GuardedProvider, kiwisms.Kiwisms", []),
        ("kiwisms.SqliteStore", ["sqlite"]),
        ("kiwisms.PostgresStore", ["postgres"]),
        ("kiwisms.DaisySMS, kiwisms.load_settings, kiwisms.open_provider", ["server"]),
        (f"{OPEN}('memory://')", ["server"]),
        (f"{OPEN}(f'sqlite:///{{folder}}/kiwisms.db')", ["server", "sqlite"]),
    ],
)
def test_an_extra_is_enough_for_what_it_is_for(program: str, extras: list[str]) -> None:
    done = run_with(program, *extras)

    assert (done.returncode, done.stderr) == (0, "")
