"""Commands about the books."""

from collections.abc import Sequence

import click
from attrs import frozen

from kiwisms.domain.books import Violation
from kiwisms.entrypoints.cli.options import Group
from kiwisms.entrypoints.cli.output import Failed
from kiwisms.entrypoints.cli.run import with_store
from kiwisms.entrypoints.engine import Kiwisms


@frozen
class AuditView:
    """What the audit found, as it is printed."""

    balanced: bool
    accounts: int
    transfers: int
    violations: Sequence[Violation]


@click.group(cls=Group)
def ledger() -> None:
    """Check that the books are right."""


@ledger.command()
@with_store
async def audit(kiwi: Kiwisms) -> AuditView | Failed:
    """Check every row against the rules of the books. Fails if a rule is broken."""
    found = await kiwi.wallet.audit()
    view = AuditView(
        balanced=found.balanced,
        accounts=found.accounts,
        transfers=found.transfers,
        violations=found.violations,
    )
    if found.balanced:
        return view
    count = len(found.violations)
    return Failed(view, f"the books are wrong in {count} {'place' if count == 1 else 'places'}")
