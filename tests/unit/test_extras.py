"""What can be used without an extra, in a process that has none of their packages."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import kiwisms

ROOT: Final = Path(__file__).parents[2]

BARE: Final = """
import sys

ALLOWED = {*sys.stdlib_module_names, "attr", "attrs", "cattr", "cattrs", "kiwisms", *sys.argv[1:]}

class NothingElse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ALLOWED:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NothingElse())
"""
"""Makes Python as it is where nothing but attrs, cattrs and the arguments is installed."""

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


def run(program: str, *installed: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BARE + program, *installed]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


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
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [each.partition(">")[0] for each in extras["optional-dependencies"]["testing"]]
    done = run(KIT, *names)

    assert (done.stdout, done.stderr) == ("0.39\n", "")


def test_what_is_imported_late_is_listed_all_the_same() -> None:
    assert set(kiwisms.__all__) <= set(dir(kiwisms))
    assert all(hasattr(kiwisms, name) for name in kiwisms.__all__)


def test_what_needs_an_extra_says_which_package_is_missing() -> None:
    done = run("import kiwisms; kiwisms.open")

    assert done.returncode == 1
    assert "ModuleNotFoundError: argon2" in done.stderr
