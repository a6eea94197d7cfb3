"""Settings: what is good is read, and what is not is refused with a sentence that helps."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.terms import Terms
from kiwisms.entrypoints.addresses import STORES
from kiwisms.entrypoints.load_settings import load_settings, variable
from kiwisms.entrypoints.settings import Settings

KEY: Final = "provider-key-0815"
SECRET: Final = "0123456789abcdef"

GOOD: Final[Mapping[str, tuple[str, object]]] = MappingProxyType(
    {
        "store_url": ("sqlite:////var/lib/kiwisms.db", "sqlite:////var/lib/kiwisms.db"),
        "postgres_pool": ("3", 3),
        "postgres_prepare": ("0", False),
        "provider_url": ("https://a.example/api.php", "https://a.example/api.php"),
        "provider_key": (KEY, KEY),
        "provider_asks_for_next": ("1", True),
        "provider_price_in_json": ("1", True),
        "provider_lists_active": ("1", True),
        "host": ("::1", "::1"),
        "port": ("0", 0),
        "workers": ("1", 1),
        "public_url": ("https://sms.example.com", "https://sms.example.com"),
        "secret_key": (SECRET, SECRET),
        "old_secret_key": (SECRET, SECRET),
        "markup_percent": ("0", 0),
        "session_seconds": ("600", 600),
        "provider_timeout_seconds": ("0.5", 0.5),
        "sync_seconds": ("1.5", 1.5),
        "catalog_seconds": ("0", 0.0),
        "max_active_rentals": ("1", 1),
        "provider_max_waiting": ("7", 7),
        "cancels_per_hour": ("0", 0),
        "rate_rent_per_minute": ("1", 1),
        "rate_read_per_minute": ("1", 1),
        "rate_public_per_minute": ("1", 1),
        "redis_url": ("rediss://u:p%40ss@h:6380/2", "rediss://u:p%40ss@h:6380/2"),
        "webhook_allow_private": ("1", True),
        "keep_days": ("90", 90),
        "log_format": ("json", "json"),
    }
)
"""For each setting a text that can be written, and what it means."""

BAD: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "store_url": (
            "kiwisms.db",
            "sqlite:///",
            "sqlite:///:memory:",
            "sqlite:///./:memory:",
            "mysql://h/d",
            "postgresql://[h",
            "postgres://a b",
        ),
        "postgres_pool": ("0", "many"),
        "postgres_prepare": ("2", "never"),
        "provider_url": ("daisysms.io", "ftp://h/", "http://", "http://u:pw@h/", "http://[h"),
        "provider_key": ("two words", "tab\there"),
        "provider_asks_for_next": ("2", "always"),
        "provider_price_in_json": ("2", "always"),
        "provider_lists_active": ("2", "always"),
        "host": ("a b", "http://h", "[::1]", "h/path", "u@h"),
        "port": ("-1", "65536", "٣", "http", "80.5", "9" * 5000),
        "workers": ("0", "two", "2"),
        "public_url": ("sms.example.com", "https://u:pw@h", "https://h/?a=b", "https://h/#a"),
        "secret_key": ("short", "x" * 15),
        "old_secret_key": ("short", "x" * 15),
        "markup_percent": ("-1", "30%", "10001"),
        "session_seconds": ("0", "1.5", "86401"),
        "provider_timeout_seconds": ("0", "nan", "inf", "soon"),
        "sync_seconds": ("-1", "nan", "3601"),
        "catalog_seconds": ("-0.1", "1e99", "x"),
        "max_active_rentals": ("0", "many"),
        "provider_max_waiting": ("0", "1.5"),
        "cancels_per_hour": ("-1", "none"),
        "rate_rent_per_minute": ("0", "x"),
        "rate_read_per_minute": ("0", "x"),
        "rate_public_per_minute": ("0", "x"),
        "redis_url": (
            "h:6379",
            "http://h",
            "redis://",
            "redis://h:0",
            "redis://h/x",
            "redis://h?a=1",
        ),
        "webhook_allow_private": ("2", "always"),
        "keep_days": ("0", "-1", "1.5", "36501", "for ever"),
        "log_format": ("xml", "JSON"),
    }
)
"""For each setting texts that cannot be used."""

BAD_ONES: Final = [(name, text) for name, texts in BAD.items() for text in texts]


def refusal(variables: Mapping[str, str]) -> str:
    with pytest.raises(ValidationRefused) as refused:
        load_settings(environment=variables)
    return str(refused.value)


def refusal_of(file: Path) -> str:
    with pytest.raises(ValidationRefused) as refused:
        load_settings(file, {})
    return str(refused.value)


def toml(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "some.toml"
    file.write_text(text, "utf-8")
    return file


def test_every_setting_stands_in_these_tables() -> None:
    assert set(asdict(Settings())) == set(BAD) == set(GOOD)


def test_without_any_the_defaults_stand() -> None:
    assert load_settings(environment={}) == Settings()


def test_terms_are_the_same_with_settings_and_without() -> None:
    assert Settings().terms() == Terms()


@pytest.mark.parametrize("name", GOOD)
def test_the_environment_is_read(name: str) -> None:
    text, value = GOOD[name]
    assert getattr(load_settings(environment={variable(name): text}), name) == value


@pytest.mark.parametrize("name", GOOD)
def test_the_file_is_read_as_text_and_as_its_own_type(name: str, tmp_path: Path) -> None:
    text, value = GOOD[name]
    written = {f'"{text}"', str(value).lower() if isinstance(value, int | float) else f'"{text}"'}
    for each in written:
        settings = load_settings(toml(tmp_path, f"{name} = {each}"), {})
        assert getattr(settings, name) == value


@pytest.mark.parametrize(("name", "text"), BAD_ONES)
def test_a_bad_variable_is_refused_by_its_name(name: str, text: str) -> None:
    sentence = refusal({variable(name): text})
    assert sentence.startswith(f"{variable(name)}: ")
    assert "\n" not in sentence
    assert len(sentence) < 200


@pytest.mark.parametrize(("name", "text"), BAD_ONES)
def test_a_bad_value_in_a_file_is_refused_by_its_place(
    name: str, text: str, tmp_path: Path
) -> None:
    file = toml(tmp_path, f"{name} = '{text}'")
    assert refusal_of(file).startswith(f"{name} in {file}: ")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("port", "http", "input should be a valid integer, unable to parse string as an integer"),
        ("port", "65536", "input should be less than or equal to 65535"),
        ("log_format", "xml", "input should be 'console' or 'json'"),
        (
            "store_url",
            "kiwisms.db",
            f"must be {STORES}",
        ),
        ("host", "http://h", "must be a host name or an IP address, such as 127.0.0.1"),
        (
            "secret_key",
            "short",
            "must be a secret of 16 characters or more, such as what `openssl rand -hex 32` prints",
        ),
    ],
)
def test_the_sentence_says_what_to_write(name: str, text: str, why: str) -> None:
    assert refusal({variable(name): text}) == f"{variable(name)}: {why}"


@pytest.mark.parametrize(
    "url",
    [
        "postgres://h",
        "postgresql://u:pw@h:5433/d?sslmode=require",
        "postgresql:///d?host=/var/run/postgresql",
        "postgresql://h-1:5432,h-2:5432/d?target_session_attrs=read-write",
    ],
)
def test_many_workers_may_share_a_postgres(url: str) -> None:
    written = {"KIWISMS_STORE_URL": url, "KIWISMS_WORKERS": "3"}
    assert load_settings(environment=written).workers == 3


def test_workers_are_refused_with_their_own_sentence() -> None:
    assert refusal({"KIWISMS_WORKERS": "3"}) == (
        "KIWISMS_WORKERS: 3 workers need Postgres, which several processes can share;"
        " with SQLite write 1"
    )


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("provider_key", "my secret key"),
        ("secret_key", "hunter2"),
        ("old_secret_key", "hunter2"),
        ("store_url", "mysql://u:hunter2@h/d"),
        ("store_url", "postgresql://u:hunter2@[h/d"),
        ("provider_url", "https://u:hunter2@h/"),
        ("public_url", "https://u:hunter2@h/"),
        ("redis_url", "redis://:hunter2@h/x"),
    ],
)
def test_a_secret_is_never_repeated(name: str, secret: str, tmp_path: Path) -> None:
    file = toml(tmp_path, f"{name} = '{secret}'")
    assert "hunter2" not in refusal_of(file)
    sentence = refusal({variable(name): secret})
    assert secret not in sentence
    assert "hunter2" not in sentence


def test_a_secret_is_not_in_the_repr() -> None:
    settings = load_settings(
        environment={
            "KIWISMS_PROVIDER_KEY": KEY,
            "KIWISMS_SECRET_KEY": SECRET,
            "KIWISMS_OLD_SECRET_KEY": "the old key of theirs",
            "KIWISMS_REDIS_URL": "redis://u:hunter%202@h",
        }
    )
    assert KEY not in repr(settings)
    assert SECRET not in repr(settings)
    assert "the old key" not in repr(settings)
    assert "hunter" not in repr(settings)
    assert settings.secrets == (KEY, SECRET, "the old key of theirs", "hunter%202", "hunter 2")


def test_a_password_in_an_address_is_a_secret_however_it_is_written() -> None:
    settings = load_settings(environment={"KIWISMS_STORE_URL": "postgresql://u:a%40b@h/d"})
    assert settings.secrets == ("a%40b", "a@b")
    assert "a%40b" not in repr(settings)


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("KIWISMS_PROT", "did you mean KIWISMS_PORT?"),
        ("KIWISMS_Port", "did you mean KIWISMS_PORT?"),
        ("KIWISMS_SESSION", "did you mean KIWISMS_SESSION_SECONDS?"),
        ("KIWISMS_QQQ", "remove it"),
        ("KIWISMS_TEST_SEED", "remove it"),
        ("KIWISMS_", "remove it"),
    ],
)
def test_an_unknown_variable_is_refused_with_what_is_near(written: str, advice: str) -> None:
    assert refusal({written: "1"}) == f"{written}: there is no such setting; {advice}"


def test_an_unknown_key_in_the_file_is_refused_with_what_is_near(tmp_path: Path) -> None:
    file = toml(tmp_path, "prot = 8080")
    assert refusal_of(file) == f"prot in {file}: there is no such setting; did you mean port?"
    file = toml(tmp_path, "KIWISMS_PORT = 8080")
    assert refusal_of(file).endswith("there is no such setting; did you mean port?")
    file = toml(tmp_path, "[server]\nport = 8080")
    assert refusal_of(file) == f"server in {file}: there is no such setting; remove it"


def test_other_programs_variables_and_empty_ones_are_let_be() -> None:
    others = {"PATH": "/bin", "TEST_KIWISMS_SEED": "1", "KIWISMS_PORT": "", "KIWISMS_NO": ""}
    assert load_settings(environment=others) == Settings()


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = toml(tmp_path, "port = 1\nhost = 'a.example'\nlog_format = 'json'")
    settings = load_settings(file, {"KIWISMS_PORT": "2"})
    assert (settings.port, settings.host, settings.log_format) == (2, "a.example", "json")


def test_the_usual_file_is_read_when_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(environment={}).port == 8080
    Path("kiwisms.toml").write_text("port = 1")
    assert load_settings(environment={}).port == 1
    other = toml(tmp_path, "host = 'h'")
    assert load_settings(other, {}).port == 8080


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"port: 8080", "is not TOML: "),
        (b"port = 1\nport = 2", "is not TOML: "),
        (b"host = '\xff'", "is not TOML: it is not UTF-8"),
    ],
)
def test_a_file_that_is_not_toml_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "some.toml"
    file.write_bytes(content)
    assert refusal_of(file).startswith(f"{file}: {why}")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    assert refusal_of(missing) == f"{missing}: cannot be read: No such file or directory"
    assert refusal_of(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 80.5),
        ("port", 65536),
        ("port", True),
        ("cancels_per_hour", False),
        ("sync_seconds", True),
        ("keep_days", True),
        ("sync_seconds", "soon"),
        ("webhook_allow_private", 2),
        ("log_format", 7),
        ("store_url", 7),
        ("provider_key", ""),
    ],
)
def test_a_program_that_makes_settings_is_held_to_the_same_rules(name: str, value: object) -> None:
    wrong: dict[str, Any] = {name: value}
    with pytest.raises(ValidationRefused, match=f"^{name}: "):
        Settings(**wrong)


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"KIWISMS_HOST": "::1", "KIWISMS_PORT": "1"}, "http://[::1]:1"),
        ({"KIWISMS_PUBLIC_URL": "https://sms.example.com/"}, "https://sms.example.com"),
    ],
)
def test_the_base_address(written: dict[str, str], base: str) -> None:
    assert load_settings(environment=written).base_url == base
