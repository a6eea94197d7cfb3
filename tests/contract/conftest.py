"""Fixtures of the contract suites."""

from collections.abc import AsyncIterator

import pytest

from kiwisms.ports.store import Store
from tests.contract.stores import BOB, OPEN, account


@pytest.fixture(params=OPEN)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """A fresh store that knows Ada and Bob."""
    async with OPEN[request.param]() as opened:
        await opened.create_account(account())
        await opened.create_account(account(BOB, "bob@example.com"))
        yield opened
