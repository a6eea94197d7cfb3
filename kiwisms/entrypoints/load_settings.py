"""Reads settings: the environment overrides the file, and the file overrides the defaults."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from kiwisms.domain.errors import ValidationRefused
from kiwisms.entrypoints.settings import Settings

PREFIX: Final = "KIWISMS_"
NAMES: Final = [setting.name for setting in fields(Settings)]
DEFAULT_FILE: Final = Path("kiwisms.toml")


def load_settings(
    config: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """
    Read the settings.

    Args:
        config: The file; by default ``kiwisms.toml`` in the working directory, if there is one.
        environment: Variables, instead of this process's. An empty variable counts as not set.

    Raises:
        ValidationRefused: A setting cannot be used. The message is one sentence that names the
            setting and says what to write. It never repeats a secret.
    """
    file = config or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)
    written = {} if file is None else _in_file(file)
    variables = _in_environment(os.environ if environment is None else environment)
    try:
        return Settings(**(written | variables))
    except ValidationRefused as refused:
        name = refused.field
        is_written = name in written and name not in variables
        place = f"{name} in {file}" if is_written else variable(name)
        advice = _advice(name, str if is_written else variable)
        raise ValidationRefused(place, refused.why + advice) from None


def variable(name: str) -> str:
    """Return the name of a setting in the environment."""
    # Not upper(), nor lower() below: otherwise KIWISMS_Port would be accepted for KIWISMS_PORT.
    return PREFIX + name.swapcase()


def _advice(name: str, spell: Callable[[str], str]) -> str:
    """Suggest the setting that an unknown name may mean; for a known name, return no text."""
    if name in NAMES:
        return ""
    near = get_close_matches(name.lower().removeprefix(PREFIX.lower()), NAMES, n=1)
    return f"; did you mean {spell(near[0])}?" if near else "; remove it"


def _in_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        place.removeprefix(PREFIX).swapcase(): value
        for place, value in environment.items()
        if place.startswith(PREFIX) and value
    }


def _in_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ValidationRefused(str(file), f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        why = error if isinstance(error, tomllib.TOMLDecodeError) else "it is not UTF-8"
        raise ValidationRefused(
            str(file), f"is not TOML: {why}; write for example port = 8080"
        ) from None
