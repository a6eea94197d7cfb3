"""API keys: their format, and how one is verified."""

import hmac
from base64 import b32hexencode
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from attrs import evolve, field, frozen

from kiwisms.domain.errors import KiwismsError, Unauthorized
from kiwisms.domain.ids import AccountId, KeyPrefix
from kiwisms.domain.text import printable

SCHEME: Final = "lsms"
ACCOUNT_CHARACTERS: Final = 26
TAG_CHARACTERS: Final = 6
LONGEST_KEY: Final = 256
LONGEST_LABEL: Final = 100


class ApiKeyNotFound(KiwismsError):
    """No API key has this prefix."""

    code = "API_KEY_NOT_FOUND"

    def __init__(self, prefix: str) -> None:
        super().__init__(f"no API key {prefix!r}")
        self.prefix = prefix


@frozen(kw_only=True)
class ApiKey:
    """An API key as it is stored: its prefix, and a hash in place of its secret."""

    prefix: KeyPrefix
    account_id: AccountId
    secret_hash: str = field(repr=False)
    label: str = ""
    created_at: datetime
    revoked_at: datetime | None = None

    def revoke(self, at: datetime) -> "ApiKey":
        """Revoke the key; revoking it again changes nothing."""
        return self if self.revoked_at else evolve(self, revoked_at=at)

    def must_accept(self, secret: str) -> None:
        """
        Check a secret in constant time.

        Raises:
            Unauthorized: The secret is wrong, or the key is revoked.
        """
        same = hmac.compare_digest(self.secret_hash, hash_secret(secret))
        if not same or self.revoked_at is not None:
            raise Unauthorized


def issue_key(
    account_id: AccountId, *, tag: str, secret: str, label: str, at: datetime
) -> tuple[ApiKey, str]:
    """
    Make a new API key.

    Args:
        account_id: The account that the key authenticates.
        tag: Six letters or digits that distinguish this account's keys.
        secret: 256 random bits, as letters and digits.
        label: The customer's name for the key.
        at: Now.

    Returns:
        The key to store, and the text ``lsms_{prefix}_{secret}`` that is shown once.

    Raises:
        ValidationRefused: *label* has more than 100 characters, or some that are not printable.
    """
    prefix = KeyPrefix(_account_part(account_id) + tag)
    key = ApiKey(
        prefix=prefix,
        account_id=account_id,
        secret_hash=hash_secret(secret),
        label=printable("label", label, longest=LONGEST_LABEL, shortest=0),
        created_at=at,
    )
    return key, f"{SCHEME}_{prefix}_{secret}"


def parse_key(text: str) -> tuple[KeyPrefix, str]:
    """
    Split an API key's text.

    Returns:
        Its prefix and its secret.

    Raises:
        Unauthorized: The text does not have the form ``lsms_{prefix}_{secret}``.
    """
    parts = text.split("_")
    if len(text) > LONGEST_KEY or len(parts) != 3 or parts[0] != SCHEME or not text.isascii():
        raise Unauthorized
    return KeyPrefix(parts[1]), parts[2]


def account_of(prefix: KeyPrefix) -> AccountId | None:
    """
    Return the account that a key prefix belongs to; ``None`` when it cannot be a prefix.

    >>> key, _ = issue_key(AccountId("01890a5d-ac96-774b-bcce-b302099a8057"),
    ...     tag="abc123", secret="s" * 32, label="", at=datetime(2026, 1, 1))
    >>> account_of(key.prefix)
    '01890a5d-ac96-774b-bcce-b302099a8057'
    """
    if len(prefix) != ACCOUNT_CHARACTERS + TAG_CHARACTERS:
        return None
    encoded = prefix[:ACCOUNT_CHARACTERS]
    if not (encoded.isascii() and encoded.isalnum()):
        return None
    try:
        # These are the digits of base 32, two bits longer than an id; `b32hexdecode` is slow.
        return AccountId(str(UUID(int=int(encoded, 32) >> 2)))
    except ValueError:
        return None


def hash_secret(secret: str) -> str:
    """
    Hash an API key's secret for storage.

    Plain SHA-256 is enough: nobody can guess 256 random bits, so a slow hash would protect
    nothing, and it would delay every request.
    """
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _account_part(account_id: AccountId) -> str:
    return b32hexencode(UUID(account_id).bytes).decode("ascii").rstrip("=").lower()
