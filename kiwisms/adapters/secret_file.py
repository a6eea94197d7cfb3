"""A secret that is generated on first use, and kept in its own file."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from kiwisms.domain.errors import ValidationRefused
from kiwisms.ports.vault import SHORTEST_KEY

RANDOM_BYTES: Final = 32


def secret_file(path: Path) -> str:
    """
    Read the secret in a file, which is created when it does not exist.

    A new file is readable by its owner alone, and is on the disk before this returns. Processes
    that call this at the same time all get the same secret.

    Args:
        path: The file, in a directory that exists.

    Raises:
        ValidationRefused: The file exists, but does not hold a secret.
        OSError: The file cannot be read or created.
    """
    if not path.exists():
        _create(path)
    return read_secret(path)


def read_secret(path: Path) -> str:
    """Read the secret in an existing file; raises as `secret_file` does."""
    try:
        secret = path.read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise ValidationRefused(str(path), "does not hold a secret in text form") from None
    if len(secret) < SHORTEST_KEY:
        raise ValidationRefused(
            str(path),
            f"holds {len(secret)} characters, but a secret has {SHORTEST_KEY} or more;"
            " restore the file from a backup. If nothing was sealed with it yet, remove it:"
            " then a new one is generated",
        )
    return secret


def _create(path: Path) -> None:
    # A draft is written, then linked to the path: no process can see half a file, and of
    # several that link at once only one succeeds. The draft has mode 600.
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.") as draft:
        draft.write(secrets.token_urlsafe(RANDOM_BYTES) + "\n")
        draft.flush()
        os.fsync(draft.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft.name)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
