"""A unit of work's snapshot of its account: read in one row, or from the unit before it."""

from collections.abc import Iterable, Iterator
from typing import Self

from attrs import asdict, define, evolve

from kiwisms.adapters.postgres.columns import decode
from kiwisms.adapters.postgres.connections import Connection
from kiwisms.adapters.postgres.statements import reads as sql
from kiwisms.adapters.sql_rows.columns import Row
from kiwisms.domain.account import Account, AccountNotFound
from kiwisms.domain.idempotency import IdempotencyRecord
from kiwisms.domain.ids import AccountId, IdempotencyKey, RentalId
from kiwisms.domain.rental import Rental
from kiwisms.domain.usage import UsageQuery
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.transaction import Fact, Prefetch


def _places(parts: Iterable[str]) -> Iterator[slice]:
    """Yield where the columns of each part are, in a row with all parts one after another."""
    begin = 0
    for columns in parts:
        end = begin + len(columns.split(","))
        yield slice(begin, end)
        begin = end
    yield slice(begin, None)


VERSION, WALLET, ACCOUNT, RENTAL, KEY, WEBHOOK, USAGE = _places(sql.BEGINNING_PARTS)
"""Where the columns of each are, in the first row of a unit of work."""


@define(kw_only=True, eq=False)
class AccountSnapshot:
    """
    What is known of an account, as of one *version* of its wallet.

    *rentals* and *keys* have the ones that were read, and ``None`` for those that do not exist.
    *webhook* is the account's own. *usage* is the last count, with its question.
    """

    version: int
    wallet: Wallet
    account: Account
    rentals: dict[RentalId, Rental | None]
    keys: dict[IdempotencyKey, IdempotencyRecord | None]
    webhook: Webhook | None
    usage: tuple[UsageQuery, Row] | None

    @classmethod
    async def read(cls, connection: Connection, account_id: AccountId, prefetch: Prefetch) -> Self:
        """Read the account, its wallet and what *prefetch* names; raises `AccountNotFound`."""
        asked = {"account_id": account_id, "rental_id": prefetch.rental_id, "key": prefetch.key}
        statement = sql.BEGINNING
        if prefetch.usage is not None:
            asked |= asdict(prefetch.usage)
            statement = sql.BEGINNING_WITH_USAGE
        row = await connection.read_one(statement, asked)
        if row is None:
            raise AccountNotFound(account_id)
        (version,) = row[VERSION]
        known = cls(
            version=version,
            wallet=decode.wallet(row[WALLET]),
            account=decode.account(row[ACCOUNT]),
            rentals={},
            keys={},
            webhook=decode.webhook(row[WEBHOOK]) if row[WEBHOOK][0] else None,
            usage=None if prefetch.usage is None else (prefetch.usage, row[USAGE]),
        )
        if prefetch.rental_id is not None:
            rental = row[RENTAL]
            known.rentals[prefetch.rental_id] = decode.rental(rental) if rental[0] else None
        if prefetch.key is not None:
            key = row[KEY]
            known.keys[prefetch.key] = decode.idempotency(key) if key[0] else None
        return known

    def next(self) -> Self:
        """A copy for the next version, without *usage*; `put` adds the changes."""
        return evolve(
            self,
            version=self.version + 1,
            rentals=dict(self.rentals),
            keys=dict(self.keys),
            usage=None,
        )

    def put(self, fact: Fact) -> None:
        """Record a fact that is saved."""
        match fact:
            case Wallet():
                self.wallet = fact
            case Rental():
                self.rentals[fact.id] = fact
            case IdempotencyRecord():
                self.keys[fact.key] = fact
            case Account():
                self.account = fact
            case Webhook(key_prefix=None):
                self.webhook = fact
