"""The source distribution has what builds, tests and explains kiwisms, and no stray file."""

import re
import shutil
import tarfile
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest

from tests.e2e.wheels import build_sdist, build_wheel
from tests.pages import PAGES, ROOT, prose_of

MADE: Final = (".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "_build", ".store-*")
"""What other programs make in a checkout, perhaps at this moment."""
STRAY: Final = ("kiwisms.toml", ".env", "kiwisms.db", "kiwisms.db.key", "notes.txt")
"""What a working directory may have beside the sources: secrets, stores, anything."""


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source distribution, unpacked, of a checkout in which somebody works."""
    folder = tmp_path_factory.mktemp("sdist")
    checkout = shutil.copytree(ROOT, folder / "checkout", ignore=shutil.ignore_patterns(*MADE))
    for name in STRAY:
        (checkout / name).write_text("a secret")
    with tarfile.open(build_sdist(folder, checkout)) as packed:
        packed.extractall(folder, filter="data")
    (unpacked,) = folder.glob("kiwisms-*/")
    return unpacked


def names_in(wheel: Path) -> set[str]:
    with ZipFile(wheel) as opened:
        return set(opened.namelist())


def test_nothing_else_is_in_it(sdist: Path) -> None:
    assert {path.name for path in sdist.iterdir()} == {
        ".dockerignore",
        ".gitignore",
        "CHANGELOG.md",
        "Dockerfile",
        "LICENSE",
        "Makefile",
        "PKG-INFO",
        "README.md",
        "SECURITY.md",
        "bench",
        "compose.yaml",
        "deploy",
        "docs",
        "kiwisms",
        "pyproject.toml",
        "requirements",
        "setup.cfg",
        "tests",
    }


def test_it_builds_the_same_wheel(sdist: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"

    assert names_in(build_wheel(theirs, sdist)) == names_in(build_wheel(ours))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_in_it(page: Path, sdist: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", prose_of(page))
    there = sdist / page.relative_to(ROOT)

    assert there.read_text("utf-8") == page.read_text("utf-8")
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (there.parent / link).exists()] == []
