"""Commands about customers."""

import sys
from datetime import datetime

import click
from attrs import frozen

from kiwisms.domain.account import Account
from kiwisms.entrypoints.cli.options import Group
from kiwisms.entrypoints.cli.run import with_account, with_store
from kiwisms.entrypoints.engine import Kiwisms


@frozen
class AccountView:
    """An account as it is printed."""

    id: str
    email: str
    status: str
    suspended_for: str | None
    created_at: datetime


def _view(account: Account) -> AccountView:
    return AccountView(
        id=account.id,
        email=account.email,
        status=account.status,
        suspended_for=account.suspended_for,
        created_at=account.created_at,
    )


@click.group(cls=Group)
def accounts() -> None:
    """Create, list, suspend and reinstate customers' accounts."""


@accounts.command()
@click.argument("email")
@click.option(
    "--password-stdin",
    is_flag=True,
    help=(
        "Read a password of 8 to 1024 characters from standard input, one line. It is kept as a"
        " hash, for a sign-in of your own."
    ),
)
@with_store
async def create(kiwi: Kiwisms, email: str, *, password_stdin: bool) -> AccountView:
    """Add a customer's account with an empty wallet. EMAIL is unique, such as ada@example.com."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    return _view(await kiwi.accounts.create(email, password=password))


@accounts.command("list")
@with_store
async def list_all(kiwi: Kiwisms) -> list[AccountView]:
    """List all accounts, the oldest first."""
    return [_view(account) for account in await kiwi.accounts.all()]


@accounts.command()
@click.argument("account")
@click.option("--reason", required=True, help="Why; only the operator sees it.")
@with_account
async def suspend(kiwi: Kiwisms, account: Account, reason: str) -> AccountView:
    """Refuse a customer's requests until `reinstate`. ACCOUNT is an id or an email."""
    return _view(await kiwi.accounts.suspend(account.id, reason=reason))


@accounts.command()
@click.argument("account")
@with_account
async def reinstate(kiwi: Kiwisms, account: Account) -> AccountView:
    """Accept a suspended customer's requests again. ACCOUNT is an id or an email."""
    return _view(await kiwi.accounts.reinstate(account.id))
