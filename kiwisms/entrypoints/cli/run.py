"""What a command does around its use case: read settings, open an engine, print the result."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import wraps
from typing import Concatenate, ParamSpec

import click

from kiwisms.domain.account import Account
from kiwisms.domain.actors import OPERATOR
from kiwisms.domain.errors import ValidationRefused
from kiwisms.entrypoints.cli.options import options
from kiwisms.entrypoints.cli.output import Failed, show
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.logs import configure_logs
from kiwisms.entrypoints.settings import Settings
from kiwisms.entrypoints.wiring.engines import open_engine, open_for_operator
from kiwisms.entrypoints.wiring.providers import open_provider

P = ParamSpec("P")
Work = Callable[Concatenate[Kiwisms, P], Awaitable[object]]
WorkOnAccount = Callable[Concatenate[Kiwisms, Account, ...], Awaitable[object]]


def with_store(work: Work[P]) -> Callable[P, None]:
    """Make a command of *work*; its engine needs no provider in the settings."""
    return _command(work, open_for_operator)


def with_account(work: WorkOnAccount) -> Callable[..., None]:
    """Make a command as `with_store` does; *work* gets the account that ACCOUNT names."""

    @with_store
    @wraps(work)
    async def command(kiwi: Kiwisms, /, account: str, **asked: object) -> object:
        return await work(kiwi, await kiwi.accounts.find(account), **asked)

    return command


def with_provider(work: Work[P]) -> Callable[P, None]:
    """Make a command of *work*; its engine has the provider that the settings name."""
    return _command(
        work,
        lambda settings: open_engine(
            settings.store_url,
            provider=open_provider(settings),
            settings=settings,
            background=False,
            by=OPERATOR,
        ),
    )


def read_settings() -> Settings:
    """Read the settings, and configure the logs as they say."""
    settings = options().settings()
    configure_logs(settings)
    return settings


def print_result(view: object) -> None:
    """Print *view* as ``--json`` says; after a `Failed` one, fail with its sentence."""
    show(view.view if isinstance(view, Failed) else view, as_json=options().json)
    options().has_printed = True
    if isinstance(view, Failed):
        raise click.ClickException(view.why)


def _command(
    work: Work[P], open_kiwi: Callable[[Settings], AbstractAsyncContextManager[Kiwisms]]
) -> Callable[P, None]:
    @wraps(work)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        settings = read_settings()

        async def run() -> object:
            async with open_kiwi(settings) as kiwi:
                try:
                    return await work(kiwi, *args, **kwargs)
                except ValidationRefused as refused:
                    raise click.UsageError(str(refused)) from refused

        print_result(asyncio.run(run()))

    return command
