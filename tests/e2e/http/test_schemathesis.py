"""Thousands of requests that a machine makes up, from the user's contract and from ours."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

from kiwisms.domain.catalog import ServiceCode
from kiwisms.domain.money import Money
from kiwisms.entrypoints.http.openapi import CONTRACT, merged
from tests.e2e.http.site import WIDE, Customer, Site, open_site

ENDLESS = 1_000_000
SETTINGS = replace(
    WIDE,
    cancels_per_hour=0,
    max_active_rentals=100_000,
    provider_max_waiting=100_000,
    rate_rent_per_minute=ENDLESS,
    rate_read_per_minute=ENDLESS,
    rate_public_per_minute=ENDLESS,
)
GUESSED = ("0", "00")
"""What the machine mostly takes for a service: only when these are sold does it rent numbers."""
NO_EMPTY_KEY = {
    "components": {"parameters": {"IdempotencyKey": {"schema": {"pattern": "^[!-~]+$"}}}}
}
"""The contract has no word for a key that is empty or cannot be printed, which is refused."""
SEED = 20260101

pytestmark = pytest.mark.timeout(300)  # seconds where nothing else runs, more where much does


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(f"sqlite:///{tmp_path}/kiwisms.db", SETTINGS) as opened:
        upstream = opened.simulator.upstream
        upstream.most_waiting = ENDLESS
        upstream.balance = Money.parse(ENDLESS)
        upstream.code_after = timedelta(0)
        go = upstream.service("go", "187")
        assert go is not None
        for code in GUESSED:
            upstream.stock(evolve(go, code=ServiceCode(code)))
        yield opened
        await opened.assert_balanced()


@pytest.fixture
async def ada(site: Site) -> Customer:
    return await site.customer("1000000")


async def schemathesis(where: Path, contract: str, ada: Customer, *options: str) -> None:
    """Let it look for anything that a contract does not say; it may find nothing."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        "run",
        contract,
        f"--url=http://127.0.0.1:{ada.site.port}",
        f"--header=X-API-Key: {ada.key}",
        f"--seed={SEED}",
        "--checks=all",
        # The contract's types also have what no number can be rented for, such as two
        # countries at once or a price of zero: such data is valid there, and 400 is right.
        "--exclude-checks=positive_data_acceptance",
        "--continue-on-failure",
        "--no-color",
        *options,
        cwd=where,
        stdout=PIPE,
        stderr=STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()


async def test_nothing_is_found_with_the_served_contract(
    site: Site, ada: Customer, tmp_path: Path
) -> None:
    await schemathesis(
        tmp_path, f"http://127.0.0.1:{site.port}/openapi.json", ada, "--max-examples=25"
    )
    assert site.bought > 20


async def test_nothing_is_found_with_the_contract_as_it_was_given(
    site: Site, ada: Customer, tmp_path: Path
) -> None:
    contract = tmp_path / "contract.json"
    contract.write_text(json.dumps(merged(CONTRACT, NO_EMPTY_KEY)))
    # Only what it allows: it does not say on every operation what is answered to anything else.
    await schemathesis(tmp_path, str(contract), ada, "--mode=positive", "--max-examples=20")
    assert site.bought > 20
