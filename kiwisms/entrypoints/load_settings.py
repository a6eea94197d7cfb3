"""Settings from the environment, over those of a file, over the defaults."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from attrs import fields_dict, frozen
from cattrs import Converter

from kiwisms.domain.errors import ValidationRefused
from kiwisms.entrypoints.rules import Rule
from kiwisms.entrypoints.settings import Settings

PREFIX: Final = "KIWISMS_"
FOR_TESTS: Final = "KIWISMS_TEST_"
"""Variables of whoever tests kiwisms, which are none of its settings."""
USUAL_FILE: Final = Path("kiwisms.toml")

RULES: Final[Mapping[str, Rule]] = {
    name: attribute.validator
    for name, attribute in fields_dict(Settings).items()
    if isinstance(attribute.validator, Rule)
}


@frozen
class _Given:
    """What stands somewhere for a setting, and how to call that place."""

    place: str
    value: object


def load_settings(
    config: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """
    Read the settings.

    Args:
        config: The file; without it ``kiwisms.toml`` in the working directory, if there is one.
        environment: Variables, of which an empty one is as good as none.

    Raises:
        ValidationRefused: Something is wrong; its one sentence names the place, and says what to
            write there. It never repeats a secret.
    """
    file = config or (USUAL_FILE if USUAL_FILE.is_file() else None)
    given = ({} if file is None else _in_file(file)) | _in_environment(environment)
    values = {name: _read(name, one) for name, one in given.items()}
    try:
        return Converter(detailed_validation=False).structure(values, Settings)
    except ValidationRefused as refused:
        place = given[refused.field].place if refused.field in given else refused.field
        raise ValidationRefused(place, refused.why) from None


def _in_environment(environment: Mapping[str, str]) -> dict[str, _Given]:
    ours = {
        variable: value
        for variable, value in environment.items()
        if variable.startswith(PREFIX) and not variable.startswith(FOR_TESTS) and value
    }
    return {
        _known(variable.removeprefix(PREFIX).lower(), variable, _variable): _Given(variable, value)
        for variable, value in ours.items()
    }


def _in_file(file: Path) -> dict[str, _Given]:
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ValidationRefused(str(file), f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        why = error if isinstance(error, tomllib.TOMLDecodeError) else "it is not UTF-8"
        raise ValidationRefused(
            str(file), f"is not TOML: {why}; write for example port = 8080"
        ) from None
    return {
        _known(name, f"{name} in {file}", str): _Given(f"{name} in {file}", value)
        for name, value in table.items()
    }


def _known(name: str, place: str, spell: type[str]) -> str: ...


def _read(name: str, given: _Given) -> object:
    try:
        return RULES[name].read(given.value)
    except ValueError as why:
        raise ValidationRefused(given.place, str(why)) from None
