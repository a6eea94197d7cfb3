"""Accounts, their API keys and their wallets."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import pytest

from kiwisms.adapters.memory import MemoryStore
from kiwisms.domain.account import Account, AccountNotFound, AccountSuspended, EmailTaken
from kiwisms.domain.api_key import ApiKey, ApiKeyNotFound
from kiwisms.domain.errors import Unauthorized, ValidationRefused
from kiwisms.domain.ids import AccountId, KeyPrefix
from kiwisms.domain.ledger import ReferenceReused
from kiwisms.domain.wallet import InsufficientBalance
from kiwisms.domain.webhook import check_url
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.testing.kit import Kit

LISTS: Final[Mapping[str, Callable[[Kiwisms, AccountId], Awaitable[Sequence[object]]]]] = {
    "statement": lambda kiwi, who: kiwi.wallet.statement(who),
    "keys": lambda kiwi, who: kiwi.keys.all(who),
    "webhooks": lambda kiwi, who: kiwi.webhooks.all(who),
    "deliveries": lambda kiwi, who: kiwi.webhooks.deliveries(who),
    "trail": lambda kiwi, who: kiwi.trail.of(who),
}
"""Every list of what one account has; only its trail begins with the account."""


async def test_an_email_has_one_account(kit: Kit, ada: Account) -> None:
    with pytest.raises(EmailTaken):
        await kit.kiwi.accounts.create("ADA@example.com ")
    assert (await kit.kiwi.accounts.find("Ada@Example.com")).id == ada.id
    assert (await kit.kiwi.accounts.find(ada.id)).email == "ada@example.com"


@pytest.mark.parametrize("who", ["ada@", "ada\x00@example.com", "eve@example.com", "nobody"])
async def test_who_is_not_there_is_not_found(kit: Kit, who: str) -> None:
    with pytest.raises(AccountNotFound):
        await kit.kiwi.accounts.find(who)


@pytest.mark.parametrize("what", LISTS)
async def test_who_is_not_there_has_no_lists_either(kit: Kit, what: str) -> None:
    with pytest.raises(AccountNotFound):
        await LISTS[what](kit.kiwi, AccountId("nobody"))
    eve = await kit.kiwi.accounts.create("eve@example.com")
    assert len(await LISTS[what](kit.kiwi, eve.id)) == (what == "trail")


async def test_a_poll_does_not_ask_whether_there_is_an_account(kit: Kit) -> None:
    assert await kit.kiwi.rentals.active(AccountId("nobody")) == []


async def test_what_is_no_text_is_an_error_of_the_program(kit: Kit) -> None:
    number: Any = 12345678
    with pytest.raises(TypeError, match="id_or_email must be a str, not int"):
        await kit.kiwi.accounts.find(number)
    with pytest.raises(TypeError, match="email must be a str, not int"):
        await kit.kiwi.accounts.create(number)
    with pytest.raises(TypeError, match="password must be a str, not int"):
        await kit.kiwi.accounts.create("eve@example.com", password=number)
    with pytest.raises(TypeError, match="url must be a str, not int"):
        check_url(number)
    with pytest.raises(TypeError, match="text must be a str, not int"):
        await kit.kiwi.keys.authenticate(number)
    with pytest.raises(TypeError, match="prefix must be a str, not int"):
        await kit.kiwi.keys.revoke(number)


async def test_a_password_is_kept_as_a_hash(kit: Kit) -> None:
    with pytest.raises(ValidationRefused):
        await kit.kiwi.accounts.create("eve@example.com", password="short")
    eve = await kit.kiwi.accounts.create("eve@example.com", password="correct horse")
    assert eve.password_hash is not None
    assert "correct horse" not in repr(eve) + eve.password_hash


async def test_a_key_tells_who_is_speaking(kit: Kit, ada: Account) -> None:
    key, text = await kit.kiwi.keys.create(ada.id, label="laptop")
    caller = await kit.kiwi.keys.authenticate(text)
    assert (caller.account_id, caller.key_prefix) == (ada.id, key.prefix)
    assert text not in repr(await kit.kiwi.keys.all(ada.id))


async def test_a_wrong_key_tells_nobody(kit: Kit, ada: Account) -> None:
    _, text = await kit.kiwi.keys.create(ada.id)
    for wrong in ("", "x", text + "x", text[:-1], text.upper(), "lsms_a_b", f"{text}_x", "ключ"):
        with pytest.raises(Unauthorized):
            await kit.kiwi.keys.authenticate(wrong)


async def test_a_revoked_key_is_forgotten_at_once(kit: Kit, ada: Account) -> None:
    key, text = await kit.kiwi.keys.create(ada.id)
    await kit.kiwi.keys.authenticate(text)
    await kit.kiwi.keys.revoke(key.prefix)
    with pytest.raises(Unauthorized):
        await kit.kiwi.keys.authenticate(text)
    for nobody in ("x", "0" * 32):
        with pytest.raises(ApiKeyNotFound):
            await kit.kiwi.keys.revoke(nobody)


async def test_all_who_send_a_key_at_once_ask_the_store_once(
    kit: Kit, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = await kit.kiwi.keys.create(ada.id)
    asked, read = [], MemoryStore.api_key

    async def noted(store: MemoryStore, owner: AccountId, prefix: KeyPrefix) -> ApiKey | None:
        asked.append(prefix)
        await asyncio.sleep(0)
        return await read(store, owner, prefix)

    monkeypatch.setattr(MemoryStore, "api_key", noted)
    authenticate = kit.kiwi.keys.authenticate
    callers = await asyncio.gather(*(authenticate(text) for _ in range(5)))
    assert {caller.account_id for caller in callers} == {ada.id}
    assert len(asked) == 1


async def test_a_suspension_is_noticed_within_a_second(kit: Kit, ada: Account) -> None:
    _, text = await kit.kiwi.keys.create(ada.id)
    await kit.kiwi.keys.authenticate(text)
    await kit.kiwi.accounts.suspend(ada.id, reason="chargeback")
    kit.clock.advance(1)
    with pytest.raises(AccountSuspended):
        await kit.kiwi.keys.authenticate(text)


async def test_a_reference_is_applied_once(kit: Kit, ada: Account) -> None:
    wallets = await asyncio.gather(
        *(
            kit.kiwi.wallet.credit(ada.id, "5.00", reason="top-up", reference="invoice-1")
            for _ in range(10)
        )
    )
    assert {str(wallet.available) for wallet in wallets} == {"15.00"}
    with pytest.raises(ReferenceReused):
        await kit.kiwi.wallet.credit(ada.id, "6.00", reason="top-up", reference="invoice-1")
    debited = await kit.kiwi.wallet.debit(ada.id, "5.00", reason="payout", reference="invoice-1")
    assert str(debited.available) == "10.00"


async def test_no_more_is_paid_out_than_there_is(kit: Kit, ada: Account) -> None:
    with pytest.raises(InsufficientBalance):
        await kit.kiwi.wallet.debit(ada.id, "10.01", reason="payout")
    assert str((await kit.kiwi.wallet.balance(ada.id)).available) == "10.00"


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "NaN", "1e999999", "ten", "9" * 70])
async def test_only_whole_cents_move(kit: Kit, ada: Account, amount: str) -> None:
    with pytest.raises(ValidationRefused):
        await kit.kiwi.wallet.credit(ada.id, amount, reason="top-up")


@pytest.mark.parametrize("reason", ["", "  ", "top-up\x1b[2J", "a\x00", "x" * 501])
async def test_money_moves_for_a_reason_that_can_be_shown(
    kit: Kit, ada: Account, reason: str
) -> None:
    with pytest.raises(ValidationRefused, match="reason"):
        await kit.kiwi.wallet.credit(ada.id, "1.00", reason=reason)


async def test_a_statement_adds_up(kit: Kit, ada: Account) -> None:
    await kit.kiwi.wallet.debit(ada.id, "1.00", reason="payout")
    rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    await kit.kiwi.rentals.cancel(ada.id, rental.id)
    lines = await kit.kiwi.wallet.statement(ada.id)
    assert [(str(line.available), str(line.held)) for line in lines] == [
        ("10.00", "0.00"),
        ("9.00", "0.00"),
        ("8.61", "0.39"),
        ("9.00", "0.00"),
    ]


async def test_only_an_account_has_keys(kit: Kit) -> None:
    with pytest.raises(AccountNotFound):
        await kit.kiwi.keys.create(AccountId("ada@example.com"))
