"""The nine operations of the contract: read the request, call the use case, write the response."""

from typing import Final

from aiohttp import web

from kiwisms.application.errors import ProviderFailed
from kiwisms.application.keys import Caller
from kiwisms.application.renting import Ordered
from kiwisms.domain.catalog import DEFAULT_COUNTRY, known_country
from kiwisms.entrypoints.engine import Kiwisms
from kiwisms.entrypoints.http import documents
from kiwisms.entrypoints.http.requests import (
    read_country,
    read_idempotency_key,
    read_order,
    read_rental_id,
    read_sync,
)
from kiwisms.entrypoints.http.responses import json_response

REPLAYED: Final = {"Idempotent-Replayed": "true"}
MAX_PRICES: Final = 50
"""How many services the public price list has at most: those with the most stock."""


async def balance(kiwi: Kiwisms, caller: Caller, _request: web.Request) -> web.Response:
    """``getBalance``."""
    return json_response(documents.balance(await kiwi.wallet.balance(caller.account_id)))


async def services(kiwi: Kiwisms, _caller: Caller, request: web.Request) -> web.Response:
    """``listServices``."""
    prices = await kiwi.catalog.prices(known_country(read_country(request)))
    return json_response(documents.services(prices))


async def active(kiwi: Kiwisms, caller: Caller, request: web.Request) -> web.Response:
    """``listRentals``."""
    rentals = await kiwi.rentals.active(caller.account_id, sync=read_sync(request))
    now = kiwi.ports.clock.now()
    shown = [documents.rental(rental, now) for rental in rentals]
    return json_response({"rentals": shown, "count": len(shown)})


async def rent(kiwi: Kiwisms, caller: Caller, request: web.Request) -> web.Response:
    """``createRental``: a replay has the first response's status and bytes."""
    ordered = await kiwi.rentals.order(
        caller.account_id,
        await read_order(request),
        idempotency_key=read_idempotency_key(request),
        key_prefix=caller.key_prefix,
    )
    return _created(ordered, replay_status=201)


async def poll(kiwi: Kiwisms, caller: Caller, request: web.Request) -> web.Response:
    """``getRental``."""
    rental = await kiwi.rentals.get(
        caller.account_id, read_rental_id(request), sync=read_sync(request)
    )
    return json_response({"rental": documents.rental(rental, kiwi.ports.clock.now())})


async def cancel(kiwi: Kiwisms, caller: Caller, request: web.Request) -> web.Response:
    """``cancelRental``."""
    rental = await kiwi.rentals.cancel(
        caller.account_id, read_rental_id(request), by=caller.key_prefix
    )
    return json_response(documents.rental_ended(rental))


async def done(kiwi: Kiwisms, caller: Caller, request: web.Request) -> web.Response:
    """``completeRental``."""
    rental = await kiwi.rentals.done(
        caller.account_id, read_rental_id(request), by=caller.key_prefix
    )
    return json_response(documents.rental_ended(rental))


async def renew(kiwi: Kiwisms, caller: Caller, request: web.Request) -> web.Response:
    """``renewRental``: a replay has the first response's bytes, and status 200."""
    ordered = await kiwi.rentals.order_renewal(
        caller.account_id,
        read_rental_id(request),
        idempotency_key=read_idempotency_key(request),
        key_prefix=caller.key_prefix,
    )
    return _created(ordered, replay_status=200)


async def pricing(kiwi: Kiwisms) -> web.Response:
    """``getPublicPricing``: the list is empty if the provider fails; there is no error."""
    try:
        services = (await kiwi.catalog.prices(DEFAULT_COUNTRY)).services
    except ProviderFailed:
        services = ()
    top = sorted(services, key=lambda priced: -priced.offer.count)[:MAX_PRICES]
    return json_response(documents.pricing(top))


def _created(ordered: Ordered, *, replay_status: int) -> web.Response:
    return json_response(
        {"rental": documents.rental_created(ordered.rental)},
        replay_status if ordered.replayed else 201,
        REPLAYED if ordered.replayed else None,
    )
