"""A customer with ten dollars, and everything else in memory."""

import pytest

from kiwisms.domain.account import Account
from kiwisms.testing.kit import Kit


@pytest.fixture
def kit() -> Kit:
    return Kit()


@pytest.fixture
async def ada(kit: Kit) -> Account:
    return await kit.customer("10.00")
