"""A deployment for each test, over each store."""

import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.http.site import Customer, Site, open_site
from tests.postgres import database


@pytest.fixture(scope="session", autouse=True)
def short_pauses() -> None:
    """Collect no garbage among all that is loaded: that can outlast a provider's short timeout."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a fresh store."""
    if request.param == "postgres":
        async with database() as url:
            yield url
    else:
        file = f"sqlite:///{tmp_path}/kiwisms.db"
        yield "memory://" if request.param == "memory" else file


@pytest.fixture
async def site(store_url: str) -> AsyncIterator[Site]:
    """A deployment with wide limits."""
    async with open_site(store_url) as opened:
        yield opened
        await opened.assert_balanced()


@pytest.fixture
async def ada(site: Site) -> Customer:
    """A customer with ten dollars."""
    return await site.customer()
