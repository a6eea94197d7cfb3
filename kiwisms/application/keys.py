"""API keys: issue, revoke and authenticate them."""

from base64 import b32hexencode
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Final

from attrs import define, field, frozen

from kiwisms.application.lists import of_account
from kiwisms.application.retry import retry_on_conflict
from kiwisms.application.single_flight import SingleFlight
from kiwisms.application.trail import Trail
from kiwisms.domain.api_key import (
    ApiKey,
    ApiKeyNotFound,
    account_of,
    hash_secret,
    issue_key,
    parse_key,
)
from kiwisms.domain.errors import Unauthorized
from kiwisms.domain.ids import AccountId, KeyPrefix
from kiwisms.domain.text import must_be_text
from kiwisms.domain.trail import Action
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.store import Store

CACHE_LIFETIME: Final = timedelta(seconds=1)
"""How long a verified key is cached, and so the longest delay of a revocation elsewhere."""
MAX_CACHED: Final = 10_000
NO_KEY_HASH: Final = hash_secret("")
"""What is compared when there is no key; no secret is accepted then."""


@frozen(kw_only=True)
class Caller:
    """The authenticated caller: an account, and the key that it used."""

    account_id: AccountId
    key_prefix: KeyPrefix


@frozen
class _CachedCaller:
    caller: Caller
    until: datetime


@define(kw_only=True, eq=False)
class ApiKeys:
    """The use cases about API keys."""

    store: Store
    clock: Clock
    ids: Ids
    trail: Trail
    _cache: dict[bytes, _CachedCaller] = field(factory=dict, init=False, repr=False)
    _verifying: SingleFlight[bytes, Caller] = field(factory=SingleFlight, init=False, repr=False)

    @retry_on_conflict
    async def create(self, account_id: AccountId, *, label: str = "") -> tuple[ApiKey, str]:
        """
        Issue a key.

        Returns:
            The key, and its text ``lsms_{prefix}_{secret}``, which cannot be read again.

        Raises:
            AccountNotFound: There is no such account.
            ValidationRefused: *label* has more than 100 characters, or some that are not printable.
        """
        secret = b32hexencode(self.ids.secret()).decode("ascii").rstrip("=").lower()
        async with self.store.transaction(account_id) as tx:
            key, text = issue_key(
                account_id, tag=self.ids.tag(), secret=secret, label=label, at=self.clock.now()
            )
            tx.save(key, self.trail.entry(account_id, Action.KEY_CREATED, key.prefix, label))
        return key, text

    async def all(self, account_id: AccountId) -> Sequence[ApiKey]:
        """An account's keys, the oldest first; raises `AccountNotFound`."""
        return await of_account(self.store, account_id, await self.store.api_keys(account_id))

    @retry_on_conflict
    async def revoke(self, prefix: str) -> ApiKey:
        """Revoke a key; raises `ApiKeyNotFound`."""
        must_be_text("prefix", prefix)
        key_prefix = KeyPrefix(prefix)
        account_id = account_of(key_prefix)
        if account_id is None or await self.store.account(account_id) is None:
            raise ApiKeyNotFound(prefix)
        async with self.store.transaction(account_id) as tx:
            key = await tx.api_key(key_prefix)
            if key is None:
                raise ApiKeyNotFound(prefix)
            revoked = key.revoke(self.clock.now())
            if revoked is not key:
                tx.save(revoked, self.trail.entry(account_id, Action.KEY_REVOKED, key_prefix))
        self.forget()
        return revoked

    async def authenticate(self, text: str) -> Caller:
        """
        Find the caller that an API key belongs to.

        Raises:
            Unauthorized: The key is malformed, unknown or revoked.
            AccountSuspended: The key is right, but its account is suspended.
        """
        must_be_text("text", text)
        digest = sha256(text.encode("utf-8", "surrogatepass")).digest()
        now = self.clock.now()
        cached = self._cache.get(digest)
        if cached is not None and now < cached.until:
            return cached.caller
        # When a cached key expires, all requests that send it ask the store once.
        caller = await self._verifying.do(digest, partial(self._verify, text))
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
        self._cache[digest] = _CachedCaller(caller, now + CACHE_LIFETIME)
        return caller

    def forget(self) -> None:
        """Clear the cache: every key is verified in the store again."""
        self._cache.clear()
        self._verifying = SingleFlight()

    async def _verify(self, text: str) -> Caller:
        prefix, secret = parse_key(text)
        account_id = account_of(prefix)
        if account_id is None:
            # No key can ever have such a prefix, so there is nothing to hide.
            raise Unauthorized
        key = await self.store.api_key(account_id, prefix)
        # An unknown prefix must cost what a known one costs: a key is made, and its hash compared.
        checked = key or ApiKey(
            prefix=prefix,
            account_id=account_id,
            secret_hash=NO_KEY_HASH,
            created_at=self.clock.now(),
        )
        checked.must_accept(secret)
        account = None if key is None else await self.store.account(account_id)
        if account is None:
            raise Unauthorized
        account.must_be_active()
        return Caller(account_id=account_id, key_prefix=prefix)
