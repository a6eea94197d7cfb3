"""A vault gives back what it sealed, to the right key alone."""

import pytest
from hypothesis import given
from hypothesis.strategies import binary, characters, sampled_from, text

from kiwisms.adapters.fernet_vault import FernetVault
from kiwisms.domain.errors import ValidationRefused
from kiwisms.ports.vault import Vault, VaultLocked
from kiwisms.testing.vault import PlainVault

KEY = "correct horse battery staple"
OTHER = "another secret of the operator"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

vaults = sampled_from([FernetVault([KEY]), FernetVault([OTHER, KEY]), PlainVault()])
secrets = text(characters(exclude_categories=["Cs"]))


@given(vault=vaults, secret=secrets)
def test_what_was_sealed_can_be_opened(vault: Vault, secret: str) -> None:
    assert vault.open(vault.seal(secret)) == secret


@given(secret=secrets.filter(lambda secret: len(secret) > 3))
def test_a_sealed_secret_does_not_show(secret: str) -> None:
    assert secret not in FernetVault([KEY]).seal(secret)


@given(key=text(characters(exclude_categories=["Cs"]), min_size=16) | binary(min_size=16))
def test_any_text_of_sixteen_characters_is_a_key(key: str | bytes) -> None:
    sealed = FernetVault([key]).seal(SECRET)
    assert FernetVault([key]).open(sealed) == SECRET
    with pytest.raises(VaultLocked):
        FernetVault([KEY]).open(sealed)


def test_a_text_and_its_bytes_are_one_key() -> None:
    assert FernetVault([KEY.encode()]).open(FernetVault([KEY]).seal(SECRET)) == SECRET


def test_the_first_key_seals_and_all_open() -> None:
    before, both, after = FernetVault([OTHER]), FernetVault([KEY, OTHER]), FernetVault([KEY])
    assert both.open(before.seal(SECRET)) == SECRET
    assert after.open(both.seal(SECRET)) == SECRET
    with pytest.raises(VaultLocked):
        before.open(both.seal(SECRET))


@given(place=sampled_from(range(10, 60)))
def test_what_was_tampered_with_stays_shut(place: int) -> None:
    vault = FernetVault([KEY])
    sealed = vault.seal(SECRET)
    other = "A" if sealed[place] != "A" else "B"
    with pytest.raises(VaultLocked):
        vault.open(sealed[:place] + other + sealed[place + 1 :])


@given(garbage=text(), vault=vaults)
def test_garbage_stays_shut(garbage: str, vault: Vault) -> None:
    if not garbage.startswith("plain:"):
        with pytest.raises(VaultLocked):
            vault.open(garbage)


@pytest.mark.parametrize(
    "keys", [[], [""], ["fifteen letters"], [KEY, "short"], "a text, not a list"]
)
def test_a_vault_needs_long_keys(keys: list[str]) -> None:
    with pytest.raises(ValidationRefused) as refused:
        FernetVault(keys)
    assert "short" not in str(refused.value)


def test_nothing_secret_is_printed() -> None:
    vault = FernetVault([KEY])
    with pytest.raises(VaultLocked) as locked:
        vault.open(FernetVault([OTHER]).seal(SECRET))
    printed = f"{vault!r} {vault} {locked.value!r} {locked.value.__cause__!r}"
    assert KEY not in printed
    assert SECRET not in printed
    assert locked.value.__suppress_context__


def test_the_plain_vault_always_seals_the_same_way() -> None:
    assert PlainVault().seal(SECRET) == PlainVault().seal(SECRET)


def test_what_an_older_key_sealed_is_sealed_with_the_first() -> None:
    before, both, after = FernetVault([OTHER]), FernetVault([KEY, OTHER]), FernetVault([KEY])
    resealed = both.reseal(before.seal(SECRET))
    assert after.open(resealed) == SECRET
    assert both.reseal(resealed) == resealed


@given(vault=vaults, garbage=text())
def test_garbage_is_not_sealed_anew(vault: Vault, garbage: str) -> None:
    if not garbage.startswith("plain:"):
        with pytest.raises(VaultLocked):
            vault.reseal(garbage)
