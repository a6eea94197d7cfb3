"""What all commands have in common: ``--json`` and ``--config``, before a command or after it."""

from pathlib import Path
from typing import Final

import click
from attrs import define

from kiwisms.entrypoints.load_settings import load_settings
from kiwisms.entrypoints.settings import Settings


@define
class Options:
    """What was asked for beside the command itself; *has_told* once its document is printed."""

    json: bool = False
    config: Path | None = None
    has_told: bool = False

    def settings(self) -> Settings:
        """Read the settings; raises `ValidationRefused`."""
        return load_settings(self.config)


def options() -> Options:
    """Say what was asked for beside the command that runs now."""
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
"""For commands that list the newest of what may be without end."""


class Command(click.Command):
    """A command with the options that all have."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """List its own options, and those of all."""
        return [*super().get_params(ctx), *OPTIONS]


class Group(Command, click.Group):
    """Commands under one name."""

    command_class = Command
