"""What a unit of work knows of its account: read in one row, or left by the one before it."""

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
from kiwisms.domain.usage import UsageAsked
from kiwisms.domain.wallet import Wallet
from kiwisms.domain.webhook import Webhook
from kiwisms.ports.transaction import Ahead, Fact


def _places(parts: Iterable[str]) -> Iterator[slice]:
    """Where the columns of each part stand in a row that has them one after another."""
    begin = 0
    for columns in parts:
        end = begin + len(columns.split(","))
        yield slice(begin, end)
        begin = end
    yield slice(begin, None)


VERSION, WALLET, ACCOUNT, RENTAL, KEY, WEBHOOK, USAGE = _places(sql.BEGINNING_PARTS)
"""Where each stands in the row with which a unit of work begins."""


@define(kw_only=True, eq=False)
class Known:
    """
    An account as of one *version* of its wallet.

    Of rentals and keys some are known, also that there is none; *webhook* is the account's own,
    and *usage* what was counted, and how.
    """

    version: int
    wallet: Wallet
    account: Account
    rentals: dict[RentalId, Rental | None]
    keys: dict[IdempotencyKey, IdempotencyRecord | None]
    webhook: Webhook | None
    usage: tuple[UsageAsked, Row] | None

    @classmethod
    async def read(cls, connection: Connection, account_id: AccountId, ahead: Ahead) -> Self:
        """Read the account, its wallet and what is *ahead*; raises `AccountNotFound`."""
        asked = {"account_id": account_id, "rental_id": ahead.rental_id, "key": ahead.key}
        statement = sql.BEGINNING
        if ahead.usage is not None:
            asked |= asdict(ahead.usage)
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
            usage=None if ahead.usage is None else (ahead.usage, row[USAGE]),
        )
        if ahead.rental_id is not None:
            rental = row[RENTAL]
            known.rentals[ahead.rental_id] = decode.rental(rental) if rental[0] else None
        if ahead.key is not None:
            key = row[KEY]
            known.keys[ahead.key] = decode.idempotency(key) if key[0] else None
        return known

    def next(self) -> Self:
        """Begin to know the next version, to `put` in what it changes."""
        return evolve(
            self,
            version=self.version + 1,
            rentals=dict(self.rentals),
            keys=dict(self.keys),
            usage=None,
        )

    def put(self, fact: Fact) -> None:
        """Take in what is known from now on."""
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
