"""Logs on standard error: text on a terminal, else JSON, and never with a secret in them."""

import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import Processor

from kiwisms.entrypoints.settings import Settings

HIDDEN: Final = "[hidden]"
# In an address, the characters + / = are percent-encoded.
KNOWN_BEGINNINGS: Final = re.compile(r"(lsms_|whsec_|(?:/|%2F)push(?:/|%2F))[\w+/=%-]+")

COMMON: Final[tuple[Processor, ...]] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    # Plain text: other formatters show local variables, which may hold secrets.
    structlog.processors.format_exc_info,
)


def configure_logs(settings: Settings) -> None:
    """Send what every module logs to standard error, in the form that *settings* ask for."""
    terminal = sys.stderr.isatty()
    handler = logging.StreamHandler()
    handler.setFormatter(
        RedactingFormatter(
            settings.log_format or ("console" if terminal else "json"),
            secrets=settings.secrets,
            colors=terminal,
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(capture=True)


class RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """
    Formats a record, and hides every secret in its message, extras and traceback.

    Args:
        log_format: ``console`` or ``json``.
        secrets: The operator's. Customers' secrets and the push address are found by their prefix.
        colors: Whether to colour the text for people.
    """

    def __init__(self, log_format: str, *, secrets: Iterable[str], colors: bool) -> None:
        renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "console":
            renderer = structlog.dev.ConsoleRenderer(
                colors=colors, exception_formatter=structlog.dev.plain_traceback
            )
        super().__init__(
            foreign_pre_chain=COMMON,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
        written = {form for secret in secrets for form in _forms(secret)}
        # The longest first: one form may be part of another.
        self._secrets = sorted(written, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as one text."""
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return KNOWN_BEGINNINGS.sub(rf"\g<1>{HIDDEN}", text)


def _forms(secret: str) -> set[str]:
    """Return a secret as it is, and as addresses, tracebacks and JSON show it."""
    plain = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), repr(secret)[1:-1]}
    return plain | {json.dumps(form, ensure_ascii=False)[1:-1] for form in plain}
