"""The command that finds what is wrong before a customer does."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
import click
from attrs import frozen

from kiwisms.domain.errors import KiwismsError, ValidationRefused
from kiwisms.domain.money import Money
from kiwisms.entrypoints.cli.options import Command
from kiwisms.entrypoints.cli.output import Failed
from kiwisms.entrypoints.cli.provider import balance_problem
from kiwisms.entrypoints.cli.run import print_result, read_settings
from kiwisms.entrypoints.settings import Settings
from kiwisms.entrypoints.wiring.limits import redis_problem
from kiwisms.entrypoints.wiring.providers import open_provider
from kiwisms.entrypoints.wiring.stores import missing_folder, open_store, store_file
from kiwisms.ports.store import SchemaMismatch

MAX_CLOCK_ERROR: Final = timedelta(minutes=1)
"""Receivers of webhooks refuse a signature whose time is a few minutes off."""
NOT_YET: Final = "does not exist yet; it is created on first use"


@frozen
class Check:
    """The result of one check; *detail* says what was found, or how to fix it."""

    name: str
    ok: bool
    detail: str


@frozen
class DoctorView:
    """The results of all checks, as they are printed."""

    ok: bool
    checks: Sequence[Check]


@click.command(cls=Command)
def doctor() -> None:
    """
    Check settings, store, provider and clock, and say how to fix what is wrong.

    Checks the settings, the store and its schema, the provider's key and balance, Redis if it is
    used, and the clock. Changes nothing, and fails if something is wrong. Open incidents are
    counted, but do not make it fail.
    """
    try:
        settings = read_settings()
    except ValidationRefused as refused:
        checks = [Check("configuration", ok=False, detail=str(refused))]
    else:
        checks = asyncio.run(_check_all(settings))
    wrong = [check for check in checks if not check.ok]
    view = DoctorView(ok=not wrong, checks=checks)
    why = "; ".join(f"{check.name}: {check.detail}" for check in wrong)
    print_result(Failed(view, why) if wrong else view)


async def _check_all(settings: Settings) -> list[Check]:
    return [
        Check("configuration", ok=True, detail="every setting can be used"),
        *await _check_store(settings),
        *await _check_provider(settings),
        *await _check_redis(settings),
        await _check_clock(settings),
    ]


async def _check_store(settings: Settings) -> list[Check]:
    if missing := missing_folder(settings.store_url):
        return [Check("store", ok=False, detail=f"{missing} does not exist; create it")]
    file = store_file(settings.store_url)
    if file is not None and not file.exists():
        return [Check("store", ok=True, detail=f"{file} {NOT_YET}")]
    try:
        async with open_store(settings.store_url, settings, upgrade=False) as store:
            version = await store.schema_version()
            await store.check()
            incidents = await store.count_open_incidents()
    except SchemaMismatch as why:
        return [
            Check("store", ok=True, detail="can be opened"),
            Check("schema", ok=False, detail=str(why)),
        ]
    except KiwismsError as why:
        return [Check("store", ok=False, detail=str(why))]
    return [
        Check("store", ok=True, detail="can be read and written"),
        Check("schema", ok=True, detail=f"version {version}, which is current"),
        # Not a fault of this installation, so not a failure: money may be lost at the provider.
        Check("incidents", ok=True, detail=_incident_advice(incidents)),
    ]


def _incident_advice(incidents: int) -> str:
    if not incidents:
        return "none is open"
    return f"{incidents} open: see `kiwisms incidents list --open` and `kiwisms reconcile`"


async def _check_provider(settings: Settings) -> list[Check]:
    try:
        async with open_provider(settings) as provider:
            balance = await provider.balance()
    except ValidationRefused as why:
        return [Check("provider key", ok=False, detail=str(why))]
    if not isinstance(balance, Money):
        return [Check("provider key", ok=False, detail=balance_problem(balance))]
    advice = "" if balance else ": put money into the account, or no number can be rented"
    return [
        Check("provider key", ok=True, detail="the provider accepts it"),
        Check("provider balance", ok=bool(balance), detail=f"{balance}{advice}"),
    ]


async def _check_redis(settings: Settings) -> list[Check]:
    if settings.redis_url is None:
        return []
    try:
        problem = await redis_problem(settings)
    except ValidationRefused as why:
        problem = str(why)
    detail = "counts for all processes"
    if problem:
        detail = f"{problem}; each process counts alone, so check KIWISMS_REDIS_URL and the server"
    return [Check("redis", ok=problem is None, detail=detail)]


async def _check_clock(settings: Settings) -> Check:
    theirs = await _provider_time(settings)
    if theirs is None:
        return await _check_clock_by_rentals(settings)
    error = datetime.now(UTC) - theirs
    seconds = round(abs(error.total_seconds()))
    if abs(error) <= MAX_CLOCK_ERROR:
        return Check("clock", ok=True, detail=f"within {seconds} s of the provider's")
    way = "ahead of" if error > timedelta(0) else "behind"
    detail = f"{seconds} s {way} the provider's; synchronise this computer's clock with NTP"
    return Check("clock", ok=False, detail=detail)


async def _provider_time(settings: Settings) -> datetime | None:
    """Read the time from the provider's answer to a request without a key."""
    if settings.provider_url is None:
        return None
    limit = aiohttp.ClientTimeout(total=settings.provider_timeout_seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(settings.provider_url, allow_redirects=False) as answer,
        ):
            return parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
    except (aiohttp.ClientError, TimeoutError, LookupError, ValueError):
        return None


async def _check_clock_by_rentals(settings: Settings) -> Check:
    file = store_file(settings.store_url)
    newest: Sequence[datetime] = ()
    if file is None or file.exists():
        try:
            async with open_store(settings.store_url, settings, upgrade=False) as store:
                rentals = await store.rentals(account_id=None, state=None, limit=1)
                newest = [rental.created_at for rental in rentals]
        except KiwismsError:
            newest = ()
    if any(moment > datetime.now(UTC) + MAX_CLOCK_ERROR for moment in newest):
        return Check(
            "clock", ok=False, detail="behind the newest rental; set this computer's clock"
        )
    return Check(
        "clock", ok=True, detail="not before the newest rental; no other clock was reachable"
    )
