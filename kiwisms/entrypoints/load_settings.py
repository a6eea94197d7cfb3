"""Settings from the environment, over those of a file, over the defaults."""

import os
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from attrs import fields_dict, frozen

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
    values: dict[str, Any] = {name: _read(name, one) for name, one in given.items()}
    try:
        return Settings(**values)
    except ValidationRefused as refused:
        place = given[refused.field].place if refused.field in given else refused.field
        raise ValidationRefused(place, refused.why) from None


def variable(name: str) -> str:
    """What a setting is called in the environment."""
    return PREFIX + name.upper()


def _in_environment(environment: Mapping[str, str]) -> dict[str, _Given]:
    ours = {
        place: value
        for place, value in environment.items()
        if place.startswith(PREFIX) and not place.startswith(FOR_TESTS) and value
    }
    given = {}
    for place, value in ours.items():
        # Not lower(): KIWISMS_Port is not the variable that the manual names.
        name = place.removeprefix(PREFIX).swapcase()
        _must_be_known(name, place, variable)
        given[name] = _Given(place, value)
    return given


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
    given = {name: _Given(f"{name} in {file}", value) for name, value in table.items()}
    for name, one in given.items():
        _must_be_known(name, one.place, str)
    return given


def _must_be_known(name: str, place: str, spell: Callable[[str], str]) -> None:
    if name in RULES:
        return
    near = get_close_matches(name.lower().removeprefix(PREFIX.lower()), RULES, n=1)
    advice = f"did you mean {spell(near[0])}?" if near else "remove it"
    raise ValidationRefused(place, f"there is no such setting; {advice}")


def _read(name: str, given: _Given) -> object:
    try:
        return RULES[name].read(given.value)
    except ValueError as why:
        raise ValidationRefused(given.place, str(why)) from None
