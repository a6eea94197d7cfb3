"""A server as a process, and a customer who calls it over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from attrs import frozen

from tests.e2e.cli.programs import Kiwi, Running


@frozen(kw_only=True)
class Buyer:
    """Somebody with an API key."""

    session: aiohttp.ClientSession

    async def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and document of an answer; *path* is below ``/api/v1``."""
        async with self.session.request(
            method, f"/api/v1{path}", json=body, headers=headers
        ) as answer:
            return answer.status, await answer.json()

    async def rent(self) -> tuple[int, Any]:
        """Rent a number for ``go``."""
        return await self.ask("POST", "/rentals", {"service": "go"})

    async def balance(self) -> float:
        """What is available, in dollars."""
        _, document = await self.ask("GET", "/balance")
        balance: float = document["balance"]
        return balance


async def new_key(kiwi: Kiwi, email: str = "ada@example.com", balance: str = "10.00") -> str:
    """Create an account that has *balance* dollars, and give an API key of it."""
    async with kiwi.office() as office:
        account = await office.accounts.create(email)
        await office.wallet.credit(account.id, balance, reason="top-up")
        _, key = await office.keys.create(account.id)
    return key


@asynccontextmanager
async def serving(kiwi: Kiwi, key: str, **settings: str) -> AsyncIterator[tuple[Running, Buyer]]:
    """Run the server on a free port, and a customer with *key*."""
    async with (
        kiwi.up("serve", "--port", "0", **settings) as server,
        aiohttp.ClientSession(server.document["address"], headers={"X-API-Key": key}) as session,
    ):
        yield server, Buyer(session=session)
