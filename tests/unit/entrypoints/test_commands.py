"""All commands have one shape."""

import json
import subprocess
import sys
from collections.abc import Iterator
from inspect import cleandoc
from typing import Final

import click
import pytest
from click.testing import CliRunner

from kiwisms.entrypoints.cli.root import COMMANDS, kiwisms

CONTEXT: Final = click.Context(kiwisms, info_name="kiwisms")
HEAVY: Final = ("aiohttp", "argon2", "cryptography", "rich", "sqlite3", "structlog", "uvloop")

EXPECTED: Final = {
    "serve",
    "demo",
    "simulator",
    "migrate",
    "doctor",
    *(f"accounts {name}" for name in ("create", "list", "suspend", "reinstate")),
    *(f"keys {name}" for name in ("create", "list", "revoke")),
    *(f"wallet {name}" for name in ("credit", "debit", "statement")),
    *(
        f"webhooks {name}"
        for name in ("set", "show", "clear", "rotate", "test", "deliveries", "resend", "reseal")
    ),
    "provider show",
    "rentals list",
    "rentals show",
    "rentals give-up",
    "ledger audit",
    *(f"incidents {name}" for name in ("list", "show", "resolve", "orphans")),
    "prune",
    "reconcile",
    "trail",
}


def leaves(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    for each in group.list_commands(CONTEXT):
        command = group.get_command(CONTEXT, each)
        assert command is not None
        full = f"{name} {each}".strip()
        if isinstance(command, click.Group):
            yield from leaves(command, full)
        else:
            yield full, command


ALL: Final = dict(leaves(kiwisms))


def test_every_command_of_the_interface_is_there() -> None:
    assert set(ALL) == EXPECTED


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_commands_own_help_says(name: str) -> None:
    command = kiwisms.get_command(CONTEXT, name)
    assert command is not None
    assert cleandoc(command.help or "").split("\n\n")[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_sentence_of_a_list_is_cut_off(name: str) -> None:
    assert "..." not in CliRunner().invoke(kiwisms, [name, "--help"]).output.partition("Options")[2]


@pytest.mark.parametrize("name", ALL)
def test_every_command_has_the_common_options_and_says_what_it_does(name: str) -> None:
    for flag in ("-h", "--help"):
        result = CliRunner().invoke(kiwisms, [*name.split(), flag])
        assert result.exit_code == 0
        assert "--json " in result.output
        assert "--config FILE" in result.output
    assert ALL[name].help


@pytest.mark.parametrize("name", ALL)
def test_an_unknown_option_is_wrong_usage(name: str) -> None:
    result = CliRunner().invoke(kiwisms, [*name.split(), "--nonsense"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "No such option" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        "frobnicate",
        "accounts frobnicate",
        "accounts create",
        "accounts suspend ada@example.com",
        "wallet credit ada@example.com 1",
        "webhooks resend",
        "rentals list --status LOST",
        "serve --port x",
        "serve --port 70000",
        "serve --workers 0",
        "migrate twice",
        "migrate --nonsense",
    ],
)
def test_wrong_usage_is_2_and_says_how(words: str) -> None:
    runner = CliRunner()
    for asked in (["--json", *words.split()], [*words.split(), "--json"]):
        result = runner.invoke(kiwisms, asked)
        assert result.exit_code == 2
        assert result.stderr.startswith("Usage: ")
        document = json.loads(result.stdout)
        assert document.keys() == {"error", "code"}
        assert document["code"] == "WRONG_USAGE"
        assert document["error"] in result.stderr
    plain = runner.invoke(kiwisms, words.split())
    assert (plain.exit_code, plain.stdout) == (2, "")


def test_a_bug_is_a_failure_that_a_script_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("a bug with a secret in it")

    monkeypatch.setattr("kiwisms.entrypoints.cli.migrate.read_settings", break_down)
    result = CliRunner().invoke(kiwisms, ["migrate", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"error": "Internal error", "code": "INTERNAL_ERROR"}


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from kiwisms.entrypoints.cli import main\n"
        "try: main()\n"
        f"finally: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True
    )
    assert "Commands:" in done.stdout
    assert done.stderr == "[]\n"
