"""Customers: create them, find them, suspend and reinstate them."""

from collections.abc import Sequence

from attrs import frozen

from kiwisms.application.retry import retry_on_conflict
from kiwisms.application.trail import Trail
from kiwisms.domain.account import Account, AccountNotFound, normalize_email
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import AccountId
from kiwisms.domain.text import must_be_text
from kiwisms.domain.trail import Action
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.passwords import Passwords
from kiwisms.ports.store import Store


@frozen(kw_only=True, eq=False)
class Accounts:
    """The operator's use cases about accounts."""

    store: Store
    clock: Clock
    ids: Ids
    passwords: Passwords
    trail: Trail

    async def create(self, email: str, *, password: str | None = None) -> Account:
        """
        Add a customer with an empty wallet.

        Args:
            email: The address; no two accounts have the same.
            password: 8 to 1024 characters, stored as a hash for your own sign-in:
                ``passwords.matches`` compares it with the account's *password_hash*.

        Raises:
            ValidationRefused: The email or the password cannot be used.
            EmailTaken: An account has this email.
        """
        account = Account(
            id=AccountId(self.ids.new()),
            email=normalize_email(email),
            password_hash=None if password is None else await self._hash(password),
            created_at=self.clock.now(),
        )
        entry = self.trail.entry(account.id, Action.ACCOUNT_CREATED)
        await self.store.create_account(account, entry)
        return account

    async def find(self, id_or_email: str) -> Account:
        """Find an account by its id or email; raises `AccountNotFound`."""
        must_be_text("id_or_email", id_or_email)
        if "@" in id_or_email:
            try:
                email = normalize_email(id_or_email)
            except ValidationRefused:
                raise AccountNotFound(id_or_email) from None
            found = await self.store.account_by_email(email)
        else:
            found = await self.store.account(AccountId(id_or_email))
        if found is None:
            raise AccountNotFound(id_or_email)
        return found

    async def all(self) -> Sequence[Account]:
        """Every account, the oldest first."""
        return await self.store.accounts()

    @retry_on_conflict
    async def suspend(self, account_id: AccountId, *, reason: str) -> Account:
        """
        Refuse every request of the account until it is reinstated.

        Raises:
            AccountNotFound: There is no such account.
            ValidationRefused: *reason* does not have 1 to 500 printable characters.
        """
        async with self.store.transaction(account_id) as tx:
            account = (await tx.account()).suspend(reason)
            entry = self.trail.entry(account_id, Action.ACCOUNT_SUSPENDED, detail=reason)
            tx.save(account, entry)
        return account

    @retry_on_conflict
    async def reinstate(self, account_id: AccountId) -> Account:
        """Let a suspended account act again."""
        async with self.store.transaction(account_id) as tx:
            account = (await tx.account()).reinstate()
            tx.save(account, self.trail.entry(account_id, Action.ACCOUNT_REINSTATED))
        return account

    async def _hash(self, password: str) -> str:
        must_be_text("password", password)
        if not 8 <= len(password) <= 1024:
            raise ValidationRefused("password", "must have 8 to 1024 characters")
        return await self.passwords.hash(password)
