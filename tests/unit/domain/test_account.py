"""An API key names its account, is kept as a hash, and garbage is told nothing."""

import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis.strategies import SearchStrategy, builds, text, uuids

from kiwisms.domain.account import Account, AccountStatus, AccountSuspended, normalize_email
from kiwisms.domain.api_key import ApiKey, account_of, issue_key, parse_key
from kiwisms.domain.errors import Unauthorized, ValidationRefused
from kiwisms.domain.ids import AccountId, KeyPrefix

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA = AccountId("01890a5d-ac96-774b-bcce-b302099a8057")
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
SECRET = "s3cr3t" * 6

tags = text(ALPHABET, min_size=6, max_size=6)
secrets = text(ALPHABET, min_size=32, max_size=64)
accounts: SearchStrategy[AccountId] = uuids().map(lambda each: AccountId(str(each)))


def issue(account_id: AccountId = ADA, tag: str = "abc123", secret: str = SECRET) -> ApiKey:
    return issue_key(account_id, tag=tag, secret=secret, label="mine", at=NOW)[0]


@given(account_id=accounts, tag=tags, secret=secrets)
def test_a_key_reads_as_what_it_was_issued_with(
    account_id: AccountId, tag: str, secret: str
) -> None:
    key, shown = issue_key(account_id, tag=tag, secret=secret, label="", at=NOW)
    assert shown == f"lsms_{key.prefix}_{secret}"
    prefix, read = parse_key(shown)
    assert (prefix, read) == (key.prefix, secret)
    assert account_of(prefix) == key.account_id == account_id
    key.must_accept(read)


@given(account_id=accounts, one=tags, other=tags)
def test_tags_tell_the_keys_of_one_account_apart(
    account_id: AccountId, one: str, other: str
) -> None:
    same = issue(account_id, one).prefix == issue(account_id, other).prefix
    assert same == (one == other)


@given(secret=secrets, other=text())
def test_only_its_own_secret_is_accepted(secret: str, other: str) -> None:
    key = issue(secret=secret)
    if other == secret:
        key.must_accept(other)
    else:
        with pytest.raises(Unauthorized):
            key.must_accept(other)


def test_a_revoked_key_is_not_accepted() -> None:
    revoked = issue().revoke(NOW)
    with pytest.raises(Unauthorized):
        revoked.must_accept(SECRET)
    assert revoked.revoke(NOW + timedelta(days=1)) == revoked


@pytest.mark.parametrize("revoked", [False, True])
def test_secrets_are_compared_in_constant_time(
    monkeypatch: pytest.MonkeyPatch, revoked: bool
) -> None:
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    key = issue().revoke(NOW) if revoked else issue()
    with pytest.raises(Unauthorized):
        key.must_accept(SECRET)
    assert compared == [(key.secret_hash, key.secret_hash)]


def test_the_secret_is_not_kept_or_shown() -> None:
    key = issue()
    assert SECRET not in repr(key)
    assert key.secret_hash not in repr(key)
    assert SECRET not in key.secret_hash


@given(garbage=text())
def test_garbage_is_unauthorized_and_nothing_else(garbage: str) -> None:
    try:
        prefix, _ = parse_key(garbage)
    except Unauthorized:
        return
    account_of(prefix)


@given(
    garbage=builds(
        lambda prefix, secret: f"lsms_{prefix}_{secret}", text(max_size=40), text(max_size=80)
    )
)
def test_what_looks_like_a_key_is_unauthorized_or_read(garbage: str) -> None:
    try:
        prefix, secret = parse_key(garbage)
    except Unauthorized:
        return
    assert garbage == f"lsms_{prefix}_{secret}"
    account = account_of(prefix)
    assert account is None or str(UUID(account)) == account


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "lsms",
        "lsms_a",
        "lsms_a_b_c",
        "LSMS_a_b",
        "lsms_ä_b",
        "lsms_a_\ud800",
        "lsms_a_" + "b" * 256,
        "Bearer lsms_a_b",
    ],
)
def test_other_forms_are_refused_and_not_told_why(garbage: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        parse_key(garbage)
    assert str(refused.value) == str(Unauthorized())


def test_the_longest_key_has_256_characters() -> None:
    assert parse_key("lsms_a_" + "b" * 249) == ("a", "b" * 249)
    with pytest.raises(Unauthorized):
        parse_key("lsms_a_" + "b" * 250)


@pytest.mark.parametrize("prefix", ["", "a", "a" * 31, "a" * 33, "w" * 32, "!" * 32])
def test_another_prefix_names_no_account(prefix: str) -> None:
    assert account_of(KeyPrefix(prefix)) is None


@given(prefix=text())
def test_a_text_that_is_no_prefix_has_no_account(prefix: str) -> None:
    account = account_of(KeyPrefix(prefix))
    assert account is None or len(prefix) == 32


def test_a_suspended_account_may_do_nothing_until_it_is_reinstated() -> None:
    account = Account(id=ADA, email="ada@example.com", created_at=NOW)
    account.must_be_active()
    suspended = account.suspend("abuse")
    assert (suspended.status, suspended.suspended_for) == (AccountStatus.SUSPENDED, "abuse")
    with pytest.raises(AccountSuspended):
        suspended.must_be_active()
    assert suspended.reinstate() == account


@pytest.mark.parametrize("reason", ["", "  ", "abuse\x1b[2J", "a\x00", "x" * 501])
def test_a_suspension_needs_a_reason_that_can_be_shown(reason: str) -> None:
    account = Account(id=ADA, email="ada@example.com", created_at=NOW)
    with pytest.raises(ValidationRefused, match="reason"):
        account.suspend(reason)


@pytest.mark.parametrize("label", ["\x1b[2J", "a\x00", "x" * 101])
def test_a_label_can_be_shown(label: str) -> None:
    with pytest.raises(ValidationRefused, match="label"):
        issue_key(ADA, tag="abc123", secret=SECRET, label=label, at=NOW)


@pytest.mark.parametrize("email", ["ada@example.com", " Ada@Example.COM\n", "ADA@EXAMPLE.COM"])
def test_an_email_has_one_form(email: str) -> None:
    assert normalize_email(email) == "ada@example.com"


@given(email=text())
def test_the_normal_form_is_stable(email: str) -> None:
    try:
        normal = normalize_email(email)
    except ValidationRefused:
        return
    assert normalize_email(normal) == normal


@pytest.mark.parametrize(
    "email",
    ["", "ada", "@", "ada@", "@example.com", "a b@example.com", "a\x00@b.c", "a" * 251 + "@b.c"],
)
def test_what_is_not_an_email_is_refused(email: str) -> None:
    with pytest.raises(ValidationRefused) as refused:
        normalize_email(email)
    assert refused.value.field == "email"


def test_the_longest_email_has_254_characters() -> None:
    assert normalize_email("a" * 250 + "@b.c") == "a" * 250 + "@b.c"


def test_a_password_hash_does_not_show() -> None:
    account = Account(id=ADA, email="ada@example.com", password_hash="$argon2id$x", created_at=NOW)
    assert "argon2id" not in repr(account)
