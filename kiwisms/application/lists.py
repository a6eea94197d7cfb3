"""Lists that belong to one account."""

from collections.abc import Sequence
from typing import TypeVar

from kiwisms.domain.account import AccountNotFound
from kiwisms.domain.ids import AccountId
from kiwisms.ports.account_reads import AccountReads

T = TypeVar("T")


async def of_account(
    accounts: AccountReads, account_id: AccountId, found: Sequence[T]
) -> Sequence[T]:
    """
    Return what was *found* for an account.

    The account itself is read only when nothing was found.

    Raises:
        AccountNotFound: There is no such account.
    """
    if not found and await accounts.account(account_id) is None:
        raise AccountNotFound(account_id)
    return found
