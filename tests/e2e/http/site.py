"""A whole deployment on loopback: customer, server, adapter and simulated provider over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
from aiohttp import web
from attrs import frozen
from jsonschema_rs import Draft202012Validator

import kiwisms
from kiwisms.adapters.simulator.faults import Fault, FaultKind
from kiwisms.adapters.simulator.server import Simulator
from kiwisms.domain.ids import AccountId, RentalId
from kiwisms.domain.money import Money
from kiwisms.entrypoints.http.openapi import CONTRACT
from kiwisms.entrypoints.http.runner import Runner
from kiwisms.ports.provider import Provider
from kiwisms.ports.store import Store
from kiwisms.testing.clock import ManualClock

Json = Any

WIDE: Final = kiwisms.Settings(
    secret_key="a secret for tests",
    provider_timeout_seconds=0.8,
    rate_rent_per_minute=10_000,
    rate_read_per_minute=10_000,
    rate_public_per_minute=10_000,
)
"""Limits that no test meets by chance, and a provider that is waited for briefly."""


@frozen
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Json

    @property
    def code(self) -> str | None:
        """The error's code; the answer has the shape of the contract's ``Error``."""
        assert_is("Error", self.json)
        code: str = self.json["code"]
        return code

    @property
    def told(self) -> tuple[int, str | None]:
        """Status and error code, if it is an error."""
        return self.status, self.code if self.status >= 400 else None


@frozen(kw_only=True)
class Customer:
    """An account with a key, over HTTP."""

    site: "Site"
    account_id: AccountId
    key: str

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: Json = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request with the key; *path* is below ``/api/v1``."""
        given = {"X-API-Key": self.key, **(headers or {})}
        return await self.site.ask(method, f"/api/v1{path}", json=json, data=data, headers=given)

    async def rent(self, *, key: str | None = None, **order: Json) -> Answer:
        """Rent a number, by default for ``go``."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.ask("POST", "/rentals", json={"service": "go", **order}, headers=headers)

    async def balance(self) -> float:
        """What is available, in dollars."""
        answer = await self.ask("GET", "/balance")
        assert_is("Balance", answer.json)
        balance: float = answer.json["balance"]
        return balance

    async def poll(self, rental_id: str, *, sync: bool = True) -> Json:
        """The rental as it is."""
        answer = await self.ask("GET", f"/rentals/{rental_id}?sync={sync:d}")
        assert answer.status == 200
        assert_is("RentalResponse", answer.json)
        return answer.json["rental"]

    async def held(self) -> Money:
        """What is held, which the contract does not tell."""
        return (await self.site.kiwi.wallet.balance(self.account_id)).held


@frozen(kw_only=True, eq=False)
class Site:
    """All parts, to be moved by a test."""

    kiwi: kiwisms.Kiwisms
    simulator: Simulator
    clock: ManualClock
    session: aiohttp.ClientSession
    port: int

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: Json = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request as it is."""
        async with self.session.request(
            method, path, json=json, data=data, headers=headers
        ) as answer:
            body = await answer.read()
            is_json = answer.content_type == "application/json" and method != "HEAD"
            document = await answer.json() if is_json else None
            return Answer(answer.status, answer.headers, body, document)

    async def customer(self, balance: str = "10.00", email: str = "ada@example.com") -> Customer:
        """Create an account that has *balance* dollars, and a key of it."""
        account = await self.kiwi.accounts.create(email)
        if balance != "0":
            await self.kiwi.wallet.credit(account.id, balance, reason="top-up")
        _, key = await self.kiwi.keys.create(account.id)
        return Customer(site=self, account_id=account.id, key=key)

    def break_next(self, action: str, kind: FaultKind, **how: Json) -> None:
        """Let something go wrong upstream."""
        self.simulator.api.faults.add(Fault(kind=kind, action=action, **how))

    def deliver(self, code: str, to: str) -> None:
        """Let a message arrive upstream, and the time for the next look come."""
        assert self.simulator.upstream.deliver(code, self.clock.now(), to=to)
        self.clock.advance(3)

    @property
    def bought(self) -> int:
        """How many numbers upstream has sold."""
        return len(self.simulator.upstream.activations)

    async def rental(self, rental_id: str) -> kiwisms.Rental:
        """The rental as it is stored."""
        return await self.kiwi.rentals.find(RentalId(rental_id))

    async def assert_balanced(self) -> None:
        """Prove the books, ours and upstream's."""
        assert (await self.kiwi.wallet.audit()).violations == ()


@asynccontextmanager
async def open_site(
    store: str | Store, settings: kiwisms.Settings = WIDE, *, guarded: bool = False
) -> AsyncIterator[Site]:
    """
    Run everything; background work only happens where a test asks for it.

    Unless *guarded*, every call goes through to the provider, however often it fails.
    """
    clock = ManualClock()
    async with (
        Simulator(clock) as simulator,
        kiwisms.open(
            store,
            provider=_provider(simulator, clock, settings, guarded=guarded),
            settings=settings,
            clock=clock,
            background=False,
        ) as kiwi,
    ):
        runner = Runner(kiwi.http(settings), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
                yield Site(kiwi=kiwi, simulator=simulator, clock=clock, session=session, port=port)
        finally:
            await runner.cleanup()


def _provider(
    simulator: Simulator, clock: ManualClock, settings: kiwisms.Settings, *, guarded: bool
) -> Provider:
    provider = kiwisms.DaisySMS(
        simulator.url, simulator.key, timeout=settings.provider_timeout_seconds
    )
    return kiwisms.GuardedProvider(provider, clock) if guarded else provider


def assert_is(schema: str, document: Json) -> None:
    """Hold a document to the user's contract."""
    components = {"components": CONTRACT["components"]}
    Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **components}).validate(
        document
    )
