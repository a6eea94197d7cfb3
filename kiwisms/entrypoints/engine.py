"""All of kiwisms in one object, which an embedding program uses."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import frozen

from kiwisms.application.accounts import Accounts
from kiwisms.application.background import Background
from kiwisms.application.balances import Balances
from kiwisms.application.catalogs import Catalogs
from kiwisms.application.delivering import Delivering
from kiwisms.application.incidents import Incidents
from kiwisms.application.keys import ApiKeys
from kiwisms.application.looks import Looks
from kiwisms.application.outbox import Outbox
from kiwisms.application.outcomes import Outcomes
from kiwisms.application.pruning import Pruning
from kiwisms.application.pushes import Pushes
from kiwisms.application.reconciling import Reconciling
from kiwisms.application.rentals import Rentals
from kiwisms.application.renting import Renting
from kiwisms.application.silence import Silence
from kiwisms.application.tracing import Tracing
from kiwisms.application.trail import Trail
from kiwisms.application.wallets import Wallets
from kiwisms.application.webhooks import Webhooks
from kiwisms.domain.actors import APP
from kiwisms.domain.terms import Terms
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.limits import Limits
from kiwisms.ports.notices import Notices
from kiwisms.ports.passwords import Passwords
from kiwisms.ports.provider import Provider
from kiwisms.ports.store import Store
from kiwisms.ports.vault import Vault
from kiwisms.ports.webhooks import WebhookSender

if TYPE_CHECKING:
    from aiohttp import web

    from kiwisms.entrypoints.settings import Settings


@frozen(kw_only=True)
class Ports:
    """Every adapter that the use cases need."""

    store: Store
    provider: Provider
    sender: WebhookSender
    limits: Limits
    notices: Notices
    vault: Vault
    passwords: Passwords
    clock: Clock
    ids: Ids


@frozen(kw_only=True, eq=False)
class Kiwisms:
    """The use cases, joined to their ports."""

    ports: Ports
    accounts: Accounts
    keys: ApiKeys
    wallet: Wallets
    catalog: Catalogs
    rentals: Rentals
    webhooks: Webhooks
    incidents: Incidents
    reconciling: Reconciling
    trail: Trail
    pruning: Pruning
    pushes: Pushes
    background: Background
    settings: "Settings | None" = None

    def http(self, settings: "Settings | None" = None) -> "web.Application":
        """
        Make the aiohttp application that serves the HTTP contract, to run or to mount.

        Args:
            settings: Rate limits and the public address, instead of those that kiwisms was
                opened with.
        """
        # aiohttp comes with an extra, which a program that embeds only the core need not have.
        from kiwisms.entrypoints.http.app import application
        from kiwisms.entrypoints.settings import Settings

        return application(self, settings or self.settings or Settings())


def join(
    ports: Ports,
    terms: Terms,
    *,
    catalog_age: timedelta,
    push_secrets: Sequence[str],
    by: str = APP,
    settings: "Settings | None" = None,
) -> Kiwisms:
    """Build every use case over one set of ports; the trail names *by* where no key acts."""
    store, clock, ids, notices = ports.store, ports.clock, ports.ids, ports.notices
    provider = ports.provider
    trail = Trail(store=store, clock=clock, ids=ids, by=by)
    outbox = Outbox(clock=clock, ids=ids)
    balances = Balances(provider=provider, clock=clock)
    pruning = Pruning(store=store, clock=clock, terms=terms)
    incidents = Incidents(store=store, balances=balances, clock=clock, ids=ids, trail=trail)
    catalogs = Catalogs(provider=provider, clock=clock, terms=terms, max_age=catalog_age)
    outcomes = Outcomes(
        store=store,
        provider=provider,
        incidents=incidents,
        outbox=outbox,
        clock=clock,
        notices=notices,
        terms=terms,
    )
    renting = Renting(
        store=store,
        provider=provider,
        catalogs=catalogs,
        outcomes=outcomes,
        outbox=outbox,
        clock=clock,
        ids=ids,
        terms=terms,
    )
    silence = Silence(outbox=outbox, incidents=incidents, trail=trail, clock=clock, terms=terms)
    looks = Looks(
        store=store,
        provider=provider,
        incidents=incidents,
        silence=silence,
        clock=clock,
        notices=notices,
        terms=terms,
    )
    delivering = Delivering(
        store=store,
        sender=ports.sender,
        vault=ports.vault,
        clock=clock,
        terms=terms,
        trail=trail,
    )
    return Kiwisms(
        ports=ports,
        accounts=Accounts(
            store=store, clock=clock, ids=ids, passwords=ports.passwords, trail=trail
        ),
        keys=ApiKeys(store=store, clock=clock, ids=ids, trail=trail),
        wallet=Wallets(store=store, outbox=outbox, clock=clock, ids=ids, trail=trail),
        catalog=catalogs,
        rentals=Rentals(
            store=store,
            provider=provider,
            renting=renting,
            looks=looks,
            silence=silence,
            trail=trail,
            clock=clock,
            notices=notices,
            terms=terms,
        ),
        webhooks=Webhooks(
            store=store,
            vault=ports.vault,
            outbox=outbox,
            delivering=delivering,
            clock=clock,
            ids=ids,
            notices=notices,
            terms=terms,
            trail=trail,
        ),
        incidents=incidents,
        reconciling=Reconciling(store=store, provider=provider, clock=clock, terms=terms),
        trail=trail,
        pruning=pruning,
        pushes=Pushes(store=store, clock=clock, notices=notices, secrets=push_secrets),
        background=Background(
            work=store,
            looks=looks,
            outcomes=outcomes,
            delivering=delivering,
            tracing=Tracing(
                store=store,
                provider=provider,
                balances=balances,
                clock=clock,
                terms=terms,
                trail=trail,
            ),
            balances=balances,
            pruning=pruning,
            clock=clock,
            terms=terms,
        ),
        settings=settings,
    )
