"""Commands about a customer's money."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import click
from attrs import astuple, fields_dict, frozen

from kiwisms.application.wallets import StatementLine
from kiwisms.domain.account import Account
from kiwisms.domain.contract_values import instant
from kiwisms.domain.money import Money
from kiwisms.domain.wallet import Wallet
from kiwisms.entrypoints.cli.amounts import PAYABLE
from kiwisms.entrypoints.cli.options import Group, options
from kiwisms.entrypoints.cli.run import with_account, with_store
from kiwisms.entrypoints.engine import Kiwisms

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a text begins that a spreadsheet reads as a formula (OWASP, CSV injection)."""


@frozen
class WalletView:
    """A wallet as it is printed; *balance* is what is available."""

    account_id: str
    balance: Money
    held: Money


@frozen
class LineView:
    """A line of a statement as it is printed: a transfer, and the balances after it."""

    number: int
    at: datetime
    reason: str
    debit: str
    credit: str
    amount: Money
    balance: Money
    held: Money
    id: str


@frozen
class StatementView:
    """A statement as it is printed."""

    account_id: str
    balance: Money
    held: Money
    lines: Sequence[LineView]


def _view(wallet: Wallet) -> WalletView:
    return WalletView(account_id=wallet.account_id, balance=wallet.available, held=wallet.held)


def _line(line: StatementLine) -> LineView:
    transfer = line.transfer
    return LineView(
        number=transfer.number,
        at=transfer.at,
        reason=transfer.reason,
        debit=transfer.debit,
        credit=transfer.credit,
        amount=transfer.amount,
        balance=line.available,
        held=line.held,
        id=transfer.id,
    )


@click.group(cls=Group)
def wallet() -> None:
    """Credit or debit a customer's wallet, and show its statement."""


_reference = click.option(
    "--reference",
    help="Your own id for this payment, such as invoice-1; a repeat is not applied again.",
)


@wallet.command()
@click.argument("account")
@click.argument("amount", type=PAYABLE)
@click.option("--reason", required=True, help="Why; shown on the statement.")
@_reference
@with_account
async def credit(
    kiwi: Kiwisms, account: Account, amount: Money, reason: str, reference: str | None
) -> WalletView:
    """
    Put AMOUNT dollars into a customer's wallet.

    ACCOUNT is an id or an email. AMOUNT is in whole cents, such as 10.00.
    """
    return _view(await kiwi.wallet.credit(account.id, amount, reason=reason, reference=reference))


@wallet.command()
@click.argument("account")
@click.argument("amount", type=PAYABLE)
@click.option("--reason", required=True, help="Why; shown on the statement.")
@_reference
@with_account
async def debit(
    kiwi: Kiwisms, account: Account, amount: Money, reason: str, reference: str | None
) -> WalletView:
    """
    Take AMOUNT dollars out of a customer's wallet.

    ACCOUNT is an id or an email. AMOUNT is in whole cents, such as 10.00, and at most what is
    available.
    """
    return _view(await kiwi.wallet.debit(account.id, amount, reason=reason, reference=reference))


@wallet.command()
@click.argument("account")
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="Print CSV. A text that a spreadsheet would read as a formula has ' before it.",
)
@with_store
async def statement(kiwi: Kiwisms, account: str, *, as_csv: bool) -> StatementView | str:
    """List every transfer of a wallet, the oldest first. ACCOUNT is an id or an email."""
    if as_csv and options().json:
        raise click.UsageError("--csv and --json cannot be combined")
    found = await kiwi.accounts.find(account)
    lines = [_line(line) for line in await kiwi.wallet.statement(found.id)]
    if as_csv:
        return _csv(lines)
    now = await kiwi.wallet.balance(found.id)
    return StatementView(account_id=found.id, balance=now.available, held=now.held, lines=lines)


def _csv(lines: Sequence[LineView]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(fields_dict(LineView))
    for line in lines:
        cells = line.number, instant(line.at), *astuple(line, recurse=False)[2:]
        writer.writerow(map(_defused, cells))
    return text.getvalue()


def _defused(cell: object) -> object:
    """Put a quote before a text that would be a formula; amounts stay the numbers they are."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
