"""How a failure is told to a script: with ``--json``, a document as the HTTP API answers it."""

import json
from typing import Final

import click

from kiwisms.domain.errors import KiwismsError
from kiwisms.entrypoints.cli.shape import options

WRONG_USAGE: Final = "WRONG_USAGE"
"""The code of every failure whose exit status is 2."""
INTERNAL_ERROR: Final = "INTERNAL_ERROR"


def tell_failure(error: Exception) -> None:
    """Print a failure to standard output, unless the command has printed its document already."""
    if not options().has_told:
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
    # Not as it is: there may be a secret in it.
    return "Internal error", INTERNAL_ERROR
