"""A folder with a store for each test, and a simulated provider where it is asked for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.cli.programs import Kiwi, Upstream, upstream
from tests.postgres import database


@pytest.fixture
def kiwi(tmp_path: Path) -> Kiwi:
    """The command in an empty folder, with no provider set."""
    return Kiwi(folder=tmp_path)


@pytest.fixture
async def provider() -> AsyncIterator[Upstream]:
    """A simulator."""
    async with upstream() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, provider: Upstream) -> Kiwi:
    """The command in an empty folder, with the simulator as its provider."""
    return Kiwi(folder=tmp_path, settings=provider.settings)


@pytest.fixture
async def chain(tmp_path: Path, provider: Upstream) -> AsyncIterator[Kiwi]:
    """The command over Postgres, which several workers may share, and the simulator."""
    async with database() as url:
        settings = {"KIWISMS_STORE_URL": url, "KIWISMS_SECRET_KEY": "a secret of the tests"}
        yield Kiwi(folder=tmp_path, settings={**provider.settings, **settings})
