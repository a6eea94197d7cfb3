"""The command ``kiwisms`` itself; it imports a subcommand's module only to run it."""

import errno
import logging
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

import kiwisms as package
from kiwisms.domain.errors import KiwismsError
from kiwisms.entrypoints.cli.failures import print_failure
from kiwisms.entrypoints.cli.options import Group, options

log = logging.getLogger(__name__)

COMMANDS: Final[Mapping[str, str]] = {
    "serve": "Run the HTTP server and its background work.",
    "demo": "Rent a number from a simulated provider as a customer would, and stay up.",
    "simulator": "Run a simulated provider alone.",
    "migrate": "Create the store's schema, or bring it up to date.",
    "doctor": "Check settings, store, provider and clock, and say how to fix what is wrong.",
    "accounts": "Create, list, suspend and reinstate customers' accounts.",
    "keys": "Issue, list and revoke API keys.",
    "wallet": "Credit or debit a customer's wallet, and show its statement.",
    "webhooks": "Set and test webhook addresses, list deliveries, and send events again.",
    "provider": "Show the operator's account at the provider.",
    "rentals": "List rented numbers, show one with its history, and give one up.",
    "ledger": "Check that the books are right.",
    "trail": "List who changed an account, what and when.",
    "prune": "Remove old records that no money depends on.",
    "incidents": (
        "List requests whose outcome at the provider is unknown, and record how each was settled."
    ),
    "reconcile": "Compare the provider's balance with the books.",
}
"""Every command, with the sentence with which its own help begins."""


class Root(Group):
    """Finds a command by its name, and says in one sentence why it failed."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Name every command, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"{__package__}.{cmd_name}"), cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        # An error in an argument before this option keeps click from reading it.
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise
            if as_json or options().json:
                print_failure(error)
            if isinstance(error, KiwismsError | OSError):
                raise click.ClickException(str(error)) from error
            raise


@click.command(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package.__version__, message="%(prog)s %(version)s")
def kiwisms() -> None:
    """
    Rent out phone numbers for one-time SMS codes: run the server, and manage it.

    Settings are read from variables such as KIWISMS_STORE_URL, and from kiwisms.toml. Amounts are
    in US dollars, such as 10.00.

    The exit status is 0 for success, 1 for a failure, and 2 for wrong usage. With --json, standard
    output holds one JSON document: what the command found, or {"error": "…", "code": "…"}.
    """


def main() -> None:
    """Run the command that the arguments name, and exit with its status."""
    try:
        kiwisms()
    except Exception:
        # Logged and not printed as it is: the log hides secrets.
        log.exception("kiwisms failed unexpectedly")
        sys.exit(1)
