"""Reads requests, and checks them against the contract's own schemas."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import orjson
from aiohttp import web
from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind
from yarl import URL

from kiwisms.domain.catalog import DEFAULT_COUNTRY, InvalidCountry
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.idempotency import parse_idempotency_key
from kiwisms.domain.ids import IdempotencyKey, RentalId
from kiwisms.domain.money import Money
from kiwisms.domain.order import CARRIERS, LONGEST_SERVICE, Order
from kiwisms.domain.push import PushedMessage
from kiwisms.entrypoints.http.errors import CODINGS, InvalidJson
from kiwisms.entrypoints.http.openapi import CONTRACT

COUNTRY_FIELDS: Final = ("country", "country_code")
BODY_TIMEOUT_SECONDS: Final = 10.0

WANTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "body": "must be a JSON object",
        "service": f"must be a string of 1 to {LONGEST_SERVICE} characters",
        "max_price": 'must be dollars, such as 0.50 or "0.50"',
        "areas": 'must be a string, such as "503,202"',
        "carrier": f"must be one of {', '.join(CARRIERS)}",
        "country": f'must be a string, such as "{DEFAULT_COUNTRY}"',
        "country_code": f'must be a string, such as "{DEFAULT_COUNTRY}"',
    }
)
"""What each field must be, for the error when the contract's schema refuses it."""
RENT_SCHEMA: Final = Draft202012Validator(CONTRACT["components"]["schemas"]["RentRequest"])


async def read_order(request: web.Request) -> Order:
    """
    Read a rent request's body; unknown fields are ignored.

    Raises:
        InvalidJson: It is not JSON.
        InvalidCountry: There is no such country.
        ValidationRefused: A field cannot be used; the error names it.
    """
    body: Any = await _read_json(request)
    for error in RENT_SCHEMA.iter_errors(body):
        raise _refusal(error)
    return Order.parse(
        service=body["service"],
        country=_country(body.get("country"), body.get("country_code")),
        max_price=_max_price(body.get("max_price")),
        areas=body.get("areas"),
        carrier=body.get("carrier"),
    )


def read_country(request: web.Request) -> str:
    """Read ``country`` or its alias from the query; raises as `read_order` does."""
    country, alias = (_only(name, request.query.getall(name, ())) for name in COUNTRY_FIELDS)
    return _country(country, alias)


def read_sync(request: web.Request) -> bool:
    """
    Whether upstream is to be asked.

    Raises:
        ValidationRefused: ``sync`` is neither ``0`` nor ``1``, or both.
    """
    return _sync(request.rel_url.raw_query_string)


def read_rental_id(request: web.Request) -> RentalId:
    """Read which rental the path names."""
    return RentalId(request.match_info["id"])


def read_idempotency_key(request: web.Request) -> IdempotencyKey | None:
    """
    Read the header that makes a retry safe.

    Raises:
        ValidationRefused: It is no key, or it is given twice, with two values.
    """
    name = "Idempotency-Key"
    return parse_idempotency_key(_only(name, request.headers.getall(name, ())), field=name)


async def read_push(request: web.Request, at: datetime) -> PushedMessage:
    """
    Read what the provider pushes, at the moment *at*; unknown fields are ignored.

    Raises:
        InvalidJson: It is not JSON.
        ValidationRefused: It is not a pushed message; the error names a field.
    """
    body = await _read_json(request)
    if not isinstance(body, dict):
        raise ValidationRefused("body", "must be a JSON object")
    return PushedMessage.parse(
        message_id=body.get("messageId"),
        activation_id=body.get("activationId"),
        service=body.get("service"),
        code=body.get("code"),
        text=body.get("text"),
        received_at=body.get("receivedAt"),
        at=at,
    )


async def _read_json(request: web.Request) -> object:
    try:
        return orjson.loads(await _read_body(request))
    except (orjson.JSONDecodeError, web.RequestPayloadError):
        raise InvalidJson from None


async def _read_body(request: web.Request) -> bytes:
    coding = ", ".join(request.headers.getall("Content-Encoding", ()))
    # aiohttp would not decode a body of any other encoding.
    if coding.lower() not in {"", "identity", *CODINGS}:
        raise web.HTTPUnsupportedMediaType
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            return await request.read()
    except (TimeoutError, ConnectionError):
        # The body did not arrive in full. If the client has gone, no response reaches it.
        raise web.HTTPRequestTimeout from None


# Most requests are polls, and nearly all have the same few queries.
@lru_cache(maxsize=64)
def _sync(query: str) -> bool:
    sync = _only("sync", URL.build(query_string=query, encoded=True).query.getall("sync", ("1",)))
    if sync not in {"0", "1"}:
        raise ValidationRefused("sync", "must be 0 or 1")
    return sync == "1"


def _max_price(dollars: str | float | None) -> Money | None:
    """Read a price limit from JSON; a float stands for the decimal number that was written."""
    if dollars is None:
        return None
    exact = Decimal(repr(dollars)) if isinstance(dollars, float) else dollars
    return Money.nearest(exact, name="max_price")


def _only(name: str, given: Sequence[str]) -> str | None:
    """Return a value that was given once or repeated; two different values are refused."""
    if any(value != given[0] for value in given):
        raise ValidationRefused(name, "must have only one value")
    return given[0] if given else None


def _country(country: str | None, alias: str | None) -> str:
    if country is not None and alias is not None and country != alias:
        raise ValidationRefused("country_code", "must match country")
    given = alias if country is None else country
    return DEFAULT_COUNTRY if given is None else given


def _refusal(error: ValidationError) -> Exception:
    kind: Any = error.kind
    if isinstance(kind, ValidationErrorKind.Required):
        return ValidationRefused(str(kind.property), "is missing")
    field = str(error.instance_path[0]) if error.instance_path else "body"
    if isinstance(kind, ValidationErrorKind.Enum) and field in COUNTRY_FIELDS:
        return InvalidCountry()
    return ValidationRefused(field, WANTED[field])
