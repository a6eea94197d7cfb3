"""A customer's account: its email, and whether it may act."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from kiwisms.domain.errors import KiwismsError, ValidationRefused
from kiwisms.domain.ids import AccountId
from kiwisms.domain.text import must_be_text, printable

LONGEST_REASON: Final = 500


class AccountStatus(StrEnum):
    """Whether an account may act."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class AccountSuspended(KiwismsError):
    """The operator has suspended the account; only the operator may change it."""

    code = "ACCOUNT_SUSPENDED"

    def __init__(self) -> None:
        super().__init__("Account suspended")


class AccountNotFound(KiwismsError):
    """No account has this id or email."""

    code = "ACCOUNT_NOT_FOUND"

    def __init__(self, id_or_email: str) -> None:
        super().__init__(f"no account {id_or_email!r}")
        self.id_or_email = id_or_email


class EmailTaken(KiwismsError):
    """Another account has this email already."""

    code = "EMAIL_TAKEN"

    def __init__(self, email: str) -> None:
        super().__init__(f"an account with the email {email!r} exists already")
        self.email = email


@frozen(kw_only=True)
class Account:
    """One customer: the unit of locking, of billing and of access."""

    id: AccountId
    email: str
    status: AccountStatus = AccountStatus.ACTIVE
    suspended_for: str | None = None
    password_hash: str | None = field(default=None, repr=False)
    created_at: datetime

    def suspend(self, reason: str) -> "Account":
        """
        Stop the account from doing anything until it is reinstated.

        Raises:
            ValidationRefused: *reason* does not have 1 to 500 printable characters.
        """
        why = printable("reason", reason, longest=LONGEST_REASON)
        return evolve(self, status=AccountStatus.SUSPENDED, suspended_for=why)

    def reinstate(self) -> "Account":
        """Let a suspended account act again."""
        return evolve(self, status=AccountStatus.ACTIVE, suspended_for=None)

    def must_be_active(self) -> None:
        """Raise `AccountSuspended` unless the account may act."""
        if self.status is not AccountStatus.ACTIVE:
            raise AccountSuspended


def normalize_email(email: str) -> str:
    """
    Normalize an email to the form in which it is stored and looked up.

    Raises:
        ValidationRefused: *email* is not an email address.

    >>> normalize_email(" Ada@Example.com ")
    'ada@example.com'
    """
    must_be_text("email", email)
    normal = email.strip().lower()
    name, at, host = normal.rpartition("@")
    one_word = normal.isprintable() and not any(letter.isspace() for letter in normal)
    if not (name and at and host and one_word and len(normal) <= 254):
        raise ValidationRefused("email", "is not an email address")
    return normal
