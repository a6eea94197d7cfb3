"""The command that runs the main job from end to end, and then leaves everything running."""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from tempfile import TemporaryDirectory
from typing import Any, Final

import aiohttp
import click
from attrs import field, frozen

from kiwisms.entrypoints.cli.options import Command, options
from kiwisms.entrypoints.cli.run import print_result, read_settings
from kiwisms.entrypoints.cli.server import address_of, listen, run, serving
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.settings import Settings
from kiwisms.entrypoints.wiring.engines import open_engine
from kiwisms.entrypoints.wiring.providers import open_provider, open_simulator

HOST: Final = "127.0.0.1"
CODE_AFTER: Final = timedelta(seconds=3)
SYNC_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.5
FUNDS: Final = "10.00"
SERVICE: Final = "go"


@frozen
class DemoView:
    """What a visitor needs, as it is printed; *control* is the simulator's control address."""

    address: str
    key: str = field(repr=False)
    curl: Sequence[str] = field(repr=False)
    control: str


@click.command(cls=Command)
def demo() -> None:
    """
    Rent a number from a simulated provider as a customer would, and stay up.

    Everything but the provider is real: the server, its SQLite store in a temporary folder, and the
    adapter that talks to the simulator over HTTP. Ctrl-C ends it and removes the store.
    """
    settings, as_json = read_settings(), options().json

    async def show(stop: asyncio.Event) -> None:
        async with _everything(settings) as view:
            if await _completed(_main_job(view, quiet=as_json), stop):
                print_result(view if as_json else _invitation(view))
                await stop.wait()

    run(show)


@asynccontextmanager
async def _everything(settings: Settings) -> AsyncIterator[DemoView]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="kiwisms-demo-"))
        listener = stack.enter_context(_listen(settings.port))
        upstream = await stack.enter_async_context(open_simulator(code_after=CODE_AFTER))
        ours = replace(
            settings,
            store_url=f"sqlite:///{folder}/kiwisms.db",
            provider_url=upstream.url,
            provider_key=upstream.key,
            host=HOST,
            public_url=None,
            sync_seconds=SYNC_SECONDS,
        )
        kiwi = await stack.enter_async_context(
            open_engine(ours.store_url, provider=open_provider(ours), settings=ours)
        )
        await stack.enter_async_context(serving(kiwi, ours, listener))
        address = address_of(ours, listener)
        key = await _customer_key(kiwi)
        yield DemoView(
            address=address, key=key, curl=_curl(address, key), control=upstream.control_url
        )


def _listen(port: int) -> socket.socket:
    try:
        return listen(HOST, port)
    except click.ClickException:
        return listen(HOST, 0)


async def _customer_key(kiwi: Kiwisms) -> str:
    account = await kiwi.accounts.create("ada@example.com")
    await kiwi.wallet.credit(account.id, FUNDS, reason="a present", reference="demo")
    _, text = await kiwi.keys.create(account.id, label="demo")
    return text


async def _main_job(view: DemoView, *, quiet: bool) -> None:
    """Act as the customer: rent a number over HTTP, wait for its code, and read the balance."""

    def say(step: str, what: str) -> None:
        if not quiet:
            click.echo(f"{step:8}{what}".lstrip())

    async with aiohttp.ClientSession(
        view.address, headers={"X-API-Key": view.key}, raise_for_status=True
    ) as session:
        say("", "A customer calls the server, which rents from a simulated provider:")
        say("wallet", _dollars(await _ask(session, "GET", "/api/v1/balance")))
        rented = await _ask(session, "POST", "/api/v1/rentals", {"service": SERVICE})
        rental = rented["rental"]
        say("rent", f"+{rental['phone']} for {rental['serviceName']}, {rental['price']:.2f} held")
        path = f"/api/v1/rentals/{rental['id']}"
        while not rental.get("codes"):
            await asyncio.sleep(LOOK_SECONDS)
            rental = (await _ask(session, "GET", path))["rental"]
        say("code", f"{rental['otpCode']}, and {rental['price']:.2f} paid for it")
        await _ask(session, "POST", f"{path}/done")
        say("wallet", _dollars(await _ask(session, "GET", "/api/v1/balance")))


async def _ask(
    session: aiohttp.ClientSession, method: str, path: str, body: object = None
) -> dict[str, Any]:
    async with session.request(method, path, json=body) as answer:
        document: dict[str, Any] = await answer.json()
        return document


def _dollars(balance: dict[str, Any]) -> str:
    return f"{balance['balance']:.2f} available"


async def _completed(work: Coroutine[None, None, None], stop: asyncio.Event) -> bool:
    """Do *work* and return true; if *stop* is set first, cancel it and return false."""
    working, ending = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if working.done():
        await working
        return True
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    return False


def _curl(address: str, key: str) -> list[str]:
    header = f"-H 'X-API-Key: {key}'"
    body = f"-H 'Content-Type: application/json' -d '{{\"service\": \"{SERVICE}\"}}'"
    return [
        f"curl {address}/api/v1/rentals {header} {body}",
        f"curl {address}/api/v1/rentals {header}",
        f"curl {address}/api/v1/balance {header}",
    ]


def _invitation(view: DemoView) -> str:
    rent, look, wallet = view.curl
    return f"""
kiwisms is up at {view.address} and this is a customer's API key:

  {view.key}

Rent a number:

  {rent}

See its code, which comes after {CODE_AFTER.seconds} seconds:

  {look}

See what that cost:

  {wallet}

Ctrl-C ends it, and nothing is left behind.
"""
