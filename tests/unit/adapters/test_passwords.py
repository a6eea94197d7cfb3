"""A password opens its own hash and no other."""

import pytest

from kiwisms.adapters.argon2_passwords import Argon2Passwords

PASSWORD = "correct horse battery staple"
PASSWORDS = Argon2Passwords()


@pytest.mark.parametrize("password", [PASSWORD, "", "pässwörd ☃", "\ud800", "x" * 1000])
async def test_a_password_matches_its_own_hash(password: str) -> None:
    assert await PASSWORDS.matches(password, await PASSWORDS.hash(password))


@pytest.mark.parametrize("other", ["", PASSWORD + " ", PASSWORD[:-1], PASSWORD.upper(), "\udfff"])
async def test_another_password_does_not(other: str) -> None:
    assert not await PASSWORDS.matches(other, await PASSWORDS.hash(PASSWORD))


async def test_a_hash_is_slow_salted_and_does_not_hold_the_password() -> None:
    first, second = await PASSWORDS.hash(PASSWORD), await PASSWORDS.hash(PASSWORD)
    assert first != second
    assert first.startswith("$argon2id$")
    assert PASSWORD not in first


@pytest.mark.parametrize("hashed", ["", "x", PASSWORD, "$argon2id$", "$argon2id$v=19$m=1$x$y", "☃"])
async def test_nothing_matches_what_is_not_a_hash(hashed: str) -> None:
    assert not await PASSWORDS.matches(PASSWORD, hashed)
