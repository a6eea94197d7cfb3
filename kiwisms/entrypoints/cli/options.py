"""The common options, which every command takes before or after its name."""

from pathlib import Path
from typing import Final

import click
from attrs import define

from kiwisms.entrypoints.load_settings import load_settings
from kiwisms.entrypoints.settings import Settings


@define
class Options:
    """The values of the common options; *has_printed* is set once the result is printed."""

    json: bool = False
    config: Path | None = None
    has_printed: bool = False

    def settings(self) -> Settings:
        """Read the settings; raises `ValidationRefused`."""
        return load_settings(self.config)


def options() -> Options:
    """Return the common options of the command that is running."""
    return _options_of(click.get_current_context())


def _options_of(context: click.Context) -> Options:
    return context.find_root().ensure_object(Options)


def _note_json(context: click.Context, _option: click.Parameter, given: bool) -> None:
    if given:
        _options_of(context).json = True


def _note_config(context: click.Context, _option: click.Parameter, given: Path | None) -> None:
    if given is not None:
        _options_of(context).config = given


OPTIONS: Final = (
    click.Option(
        ["--json"],
        is_flag=True,
        expose_value=False,
        callback=_note_json,
        help="Print one JSON document to standard output, and nothing else.",
    ),
    click.Option(
        ["--config"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        expose_value=False,
        callback=_note_config,
        help="Read settings from this file instead of kiwisms.toml.",
    ),
)


limit = click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    metavar="N",
    help="List at most this many.",
)
"""An option for commands that list the newest entries of a list that may be long."""


class Command(click.Command):
    """A command with the common options."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """List the command's own options, and the common ones."""
        return [*super().get_params(ctx), *OPTIONS]


class Group(Command, click.Group):
    """Commands under one name."""

    command_class = Command
