"""Prints failures for scripts: with ``--json``, in the same form as an error of the HTTP API."""

import json
from typing import Final

import click

from kiwisms.domain.errors import KiwismsError
from kiwisms.entrypoints.cli.options import options

WRONG_USAGE: Final = "WRONG_USAGE"
"""The code of every failure whose exit status is 2."""
INTERNAL_ERROR: Final = "INTERNAL_ERROR"


def print_failure(error: Exception) -> None:
    """Print a failure as JSON, unless the command has already printed its result."""
    if not options().has_printed:
        sentence, code = _sentence_and_code(error)
        click.echo(json.dumps({"error": sentence, "code": code}))


def _sentence_and_code(error: Exception) -> tuple[str, str]:
    match error:
        case KiwismsError():
            return str(error), error.code
        case click.UsageError():
            return error.format_message(), WRONG_USAGE
        case click.ClickException():
            return error.format_message(), KiwismsError.code
        case OSError():
            return str(error), KiwismsError.code
    # Not its own text: there may be a secret in it.
    return "Internal error", INTERNAL_ERROR
