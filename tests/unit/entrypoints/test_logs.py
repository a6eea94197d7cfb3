"""No secret reaches a log, wherever in a record it stands."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Final, Literal
from urllib.parse import quote, urlencode

import pytest

from kiwisms.entrypoints.logs import HIDDEN, RedactingFormatter, configure_logs
from kiwisms.entrypoints.settings import Settings

PROVIDER_KEY: Final = 'pr0v"i\\der+ké/y'
SECRET_KEY: Final = "0123456789abcdef+/=="
API_KEY: Final = "lsms_06h0mreiadrgf07gl54pjms5uofw5n6x_143peq4sffpdj1i0umg56itf2olt8109ia53e9s"
WEBHOOK: Final = "whsec_+TpwlPr0xbGKgV95/bscOvDBZQcSjLvy1g+70zFkR/M="
PUSH: Final = "/push/7d1f9a0c4be25f8836e1c0d2a49b7e5f"
SECRETS: Final = {
    "provider key": PROVIDER_KEY,
    "secret key": SECRET_KEY,
    "API key": API_KEY,
    "webhook secret": WEBHOOK,
    "address for pushes": PUSH,
}
TAILS: Final = ("i\\der", "abcdef", "143peq", "TpwlPr0", "bscOvDB", "zFkR", "9a0c4b")
"""Parts of them; none may be left over."""


def written(log_format: str, message: str, *args: object, **extra: object) -> str:
    formatter = RedactingFormatter(log_format, secrets=(PROVIDER_KEY, SECRET_KEY), colors=False)
    error = sys.exc_info()
    record = logging.getLogger("kiwisms.test").makeRecord(
        "kiwisms.test", logging.ERROR, __file__, 1, message, args, error, extra=extra or None
    )
    return formatter.format(record)


def fail(error: Exception, because: Exception | None = None) -> None:
    # The value is written nowhere in the source that a traceback shows.
    local = "a local value".title()
    assert local
    raise error from because


def clean(text: str) -> bool:
    return HIDDEN in text and not any(tail in text for tail in TAILS)


@pytest.fixture(params=["console", "json"])
def log_format(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SECRETS)
def secret(request: pytest.FixtureRequest) -> str:
    return SECRETS[request.param]


def test_not_in_the_message(log_format: str, secret: str) -> None:
    assert clean(written(log_format, f"asked with {secret}"))


def test_not_in_an_argument(log_format: str, secret: str) -> None:
    assert clean(written(log_format, "asked with %s", secret))
    assert clean(written(log_format, "asked with %r", {"key": [secret]}))


def test_not_in_an_address(log_format: str, secret: str) -> None:
    assert clean(written(log_format, "GET /?%s HTTP/1.1", urlencode({"api_key": secret})))
    assert clean(written(log_format, "GET /?k=%s", quote(secret)))
    assert clean(written(log_format, "GET /?k%%3D%s", quote(secret, safe="")))


def test_not_in_what_goes_beside_the_message(log_format: str, secret: str) -> None:
    assert clean(written(log_format, "asked", url=secret, nested={"deep": [secret]}))


def test_not_in_the_text_of_an_exception(log_format: str, secret: str) -> None:
    try:
        fail(ValueError(f"cannot use {secret}"))
    except ValueError:
        assert clean(written(log_format, "failed"))


def test_not_in_the_repr_inside_an_exception_or_its_cause(log_format: str, secret: str) -> None:
    try:
        fail(RuntimeError(("no", secret)), because=KeyError(secret))
    except RuntimeError:
        assert clean(written(log_format, "failed"))


def test_a_traceback_has_no_local_variables(log_format: str) -> None:
    try:
        fail(ValueError("bad"))
    except ValueError:
        text = written(log_format, "failed")
    assert "Traceback (most recent call last)" in text
    assert "ValueError: bad" in text
    assert "A Local Value" not in text


def test_json_is_one_object_on_one_line() -> None:
    try:
        fail(ValueError("two\nlines"))
    except ValueError:
        text = written("json", "rental %s", 7, reason="none")
    assert "\n" not in text
    line = json.loads(text)
    assert line["event"] == "rental 7"
    assert (line["level"], line["logger"], line["reason"]) == ("error", "kiwisms.test", "none")
    assert "ValueError: two\nlines" in line["exception"]
    assert line["timestamp"].endswith("Z")


def test_what_is_no_secret_is_left_as_it_is(log_format: str) -> None:
    assert "rental 7 of ada@example.com" in written(log_format, "rental 7 of %s", "ada@example.com")


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(("chosen", "is_json"), [(None, True), ("json", True), ("console", False)])
def test_a_pipe_gets_json_unless_the_settings_say_otherwise(
    chosen: Literal["console", "json"] | None,
    is_json: bool,
    root_logger: logging.Logger,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs(Settings(provider_key=PROVIDER_KEY, log_format=chosen))
    root_logger.info("begin %s", PROVIDER_KEY)
    logging.getLogger("aiohttp").debug("not asked for")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("{") is is_json
    assert err.count("\n") == 1
    assert clean(err)
