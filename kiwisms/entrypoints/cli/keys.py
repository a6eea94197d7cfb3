"""Commands about API keys."""

from datetime import datetime

import click
from attrs import field, frozen

from kiwisms.domain.account import Account
from kiwisms.domain.api_key import ApiKey
from kiwisms.entrypoints.cli.options import Group
from kiwisms.entrypoints.cli.run import with_account, with_store
from kiwisms.entrypoints.engine import Kiwisms


@frozen
class KeyView:
    """An API key as it is listed: without its secret, which is not stored."""

    prefix: str
    account_id: str
    label: str
    created_at: datetime
    revoked_at: datetime | None


@frozen
class NewKeyView:
    """A new API key as it is printed, the only time that its secret is shown."""

    key: str = field(repr=False)
    prefix: str
    account_id: str
    label: str


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        prefix=key.prefix,
        account_id=key.account_id,
        label=key.label,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )


@click.group(cls=Group)
def keys() -> None:
    """Issue, list and revoke API keys."""


@keys.command()
@click.argument("account")
@click.option("--label", default="", help="What to call the key in lists, such as laptop.")
@with_account
async def create(kiwi: Kiwisms, account: Account, label: str) -> NewKeyView:
    """Issue an API key, which is shown only this once. ACCOUNT is an id or an email."""
    key, text = await kiwi.keys.create(account.id, label=label)
    return NewKeyView(key=text, prefix=key.prefix, account_id=key.account_id, label=key.label)


@keys.command("list")
@click.argument("account")
@with_account
async def list_all(kiwi: Kiwisms, account: Account) -> list[KeyView]:
    """List an account's keys, the oldest first. ACCOUNT is an id or an email."""
    return [_view(key) for key in await kiwi.keys.all(account.id)]


@keys.command()
@click.argument("prefix")
@with_store
async def revoke(kiwi: Kiwisms, prefix: str) -> KeyView:
    """Make a key invalid for good. PREFIX is its middle part, as `keys list` shows it."""
    return _view(await kiwi.keys.revoke(prefix))
