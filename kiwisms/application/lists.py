"""Lists of what one account has."""

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
    Give back what was *found* of an account.

    Only where that is nothing is it looked whether there is such an account.

    Raises:
        AccountNotFound: There is none.
    """
    if not found and await accounts.account(account_id) is None:
        raise AccountNotFound(account_id)
    return found
