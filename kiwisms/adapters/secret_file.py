"""A secret that is made up on first use and kept in a file of its own."""

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
    Read the secret in a file, which is made when there is none.

    A new file is readable by its owner alone, and on the disk before this returns. Processes
    that call this at the same time are all given the same secret.

    Args:
        path: The file, in a directory that exists.

    Raises:
        ValidationRefused: The file is there, but what it holds is not a secret.
        OSError: It cannot be read or made.
    """
    if not path.exists():
        _make(path)
    return read_secret(path)


def read_secret(path: Path) -> str:
    """Read the secret in a file that is there; raises as `secret_file` does."""
    try:
        secret = path.read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise ValidationRefused(str(path), "does not hold a secret in text form") from None
    if len(secret) < SHORTEST_KEY:
        raise ValidationRefused(
            str(path),
            f"holds {len(secret)} characters where a secret has {SHORTEST_KEY} or more;"
            " put the file back from a backup. Only where nothing was sealed with it yet,"
            " remove it to have a new one made",
        )
    return secret


def _make(path: Path) -> None:
    # Written beside its place and linked into it: nobody can see half a file, and of several
    # who link, one succeeds. mkstemp makes files of mode 600.
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
