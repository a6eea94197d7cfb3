"""What is installed has all that the code reads, and nothing that is only for this repository."""

from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.e2e.wheels import build_wheel
from tests.pages import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZipFile]:
    with ZipFile(build_wheel(tmp_path_factory.mktemp("dist"))) as opened:
        yield opened


def metadata(wheel: ZipFile) -> Message:
    (name,) = [name for name in wheel.namelist() if name.endswith("dist-info/METADATA")]
    return message_from_string(wheel.read(name).decode())


def test_every_file_of_the_package_is_in_it(wheel: ZipFile) -> None:
    package = ROOT / "kiwisms"
    there = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    kinds = {Path(name).suffix for name in there}

    assert kinds == {".py", ".typed", ".json", ".sql"}
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == there
    assert wheel.read("kiwisms/entrypoints/http/contract.json").startswith(b"{")
    assert wheel.read("kiwisms/adapters/sqlite/migrations/0001_begin.sql")


def test_it_shows_the_readme_and_names_the_extras(wheel: ZipFile) -> None:
    found = metadata(wheel)

    assert found.get_payload() == (ROOT / "README.md").read_text("utf-8")
    assert found["Description-Content-Type"] == "text/markdown"
    assert {"server", "sqlite", "testing"} <= set(found.get_all("Provides-Extra", []))
    required = [each for each in found.get_all("Requires-Dist", []) if "extra ==" not in each]
    assert {each.split(">")[0] for each in required} == {"attrs", "cattrs"}


def test_it_has_the_command(wheel: ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "kiwisms = kiwisms.entrypoints.cli:main" in wheel.read(name).decode()
