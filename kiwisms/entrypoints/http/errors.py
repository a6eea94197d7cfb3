"""Errors in the contract's form: a status, a sentence and a code."""

import logging
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.account import AccountNotFound, AccountSuspended, EmailTaken
from kiwisms.domain.api_key import ApiKeyNotFound
from kiwisms.domain.catalog import InvalidCountry, ServiceUnavailable
from kiwisms.domain.delivery import DeliveryNotFound
from kiwisms.domain.errors import KiwismsError, RateLimited, Unauthorized, ValidationRefused
from kiwisms.domain.idempotency import IdempotencyConflict, IdempotencyKeyReused
from kiwisms.domain.incident import IncidentNotFound, IncidentResolved
from kiwisms.domain.ledger import ReferenceReused
from kiwisms.domain.reconciliation import BooksInMotion
from kiwisms.domain.rental import CancelNotAllowed, GiveUpNotAllowed, RenewNotFound, RentalNotFound
from kiwisms.domain.transitions import TransitionRefused
from kiwisms.domain.usage import TooManyActiveRentals
from kiwisms.domain.wallet import InsufficientBalance
from kiwisms.domain.webhook import WebhookNotFound
from kiwisms.entrypoints.http.metrics import HttpMetrics
from kiwisms.entrypoints.http.responses import json_response
from kiwisms.ports.store import SchemaMismatch, StoreUnavailable
from kiwisms.ports.transaction import NumberTaken, TransactionConflict
from kiwisms.ports.vault import VaultLocked

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 64 * 1024
"""The longest request body; that of a rent has a few hundred bytes."""
CODINGS: Final = ("gzip", "deflate")
"""The content encodings that a request body may have."""
RETRY_SECONDS: Final = 1
"""The time in ``Retry-After`` when the store has failed."""


class InvalidJson(KiwismsError):
    """The request's body is not JSON."""

    code = "INVALID_JSON"

    def __init__(self) -> None:
        super().__init__("Request body is not valid JSON")


STATUS: Final[Mapping[type[KiwismsError], int]] = MappingProxyType(
    {
        InvalidJson: 400,
        InvalidCountry: 400,
        ValidationRefused: 400,
        Unauthorized: 401,
        InsufficientBalance: 402,
        AccountSuspended: 403,
        AccountNotFound: 404,
        ApiKeyNotFound: 404,
        CancelNotAllowed: 404,
        DeliveryNotFound: 404,
        IncidentNotFound: 404,
        RenewNotFound: 404,
        RentalNotFound: 404,
        ServiceUnavailable: 404,
        WebhookNotFound: 404,
        BooksInMotion: 409,
        EmailTaken: 409,
        GiveUpNotAllowed: 409,
        IdempotencyConflict: 409,
        IncidentResolved: 409,
        ReferenceReused: 409,
        IdempotencyKeyReused: 422,
        RateLimited: 429,
        TooManyActiveRentals: 429,
        TransitionRefused: 500,
        VaultLocked: 500,
        NumberTaken: 502,
        ProviderFailed: 502,
        SchemaMismatch: 503,
        StoreUnavailable: 503,
        TransactionConflict: 503,
    }
)

GENERIC_ERRORS: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        400: ("Request is not valid HTTP", "BAD_REQUEST"),
        404: ("Not found", "NOT_FOUND"),
        405: ("Method not allowed", "METHOD_NOT_ALLOWED"),
        408: ("Request body did not arrive in time", "REQUEST_TIMEOUT"),
        413: (f"Request body is larger than {MAX_BODY_BYTES} bytes", "PAYLOAD_TOO_LARGE"),
        415: (
            f"Content-Encoding must be {' or '.join(CODINGS)}, or be left out",
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        417: ("Only Expect: 100-continue is supported", "EXPECTATION_FAILED"),
        500: ("Internal error", "INTERNAL_ERROR"),
        503: ("Temporarily unavailable", "TEMPORARILY_UNAVAILABLE"),
    }
)
"""Sentence and code if no use case was reached, or if only the operator may know the reason."""


def error_middleware(metrics: HttpMetrics) -> Middleware:
    """Make a middleware that turns every exception into a response, and counts all requests."""

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        response: web.StreamResponse
        try:
            response = await handler(request)
        except KiwismsError as refused:
            response = from_kiwisms(refused)
        except web.HTTPException as raised:
            response = from_aiohttp(raised)
        except Exception:
            log.exception("a request failed unexpectedly")
            response = generic_error(500)
        metrics.count(request, response.status, time.perf_counter() - began)
        return response

    return answer_errors


def from_kiwisms(error: KiwismsError) -> web.Response:
    """Make the response for *error*; what only the operator may know is logged."""
    status = _status(error)
    if status in GENERIC_ERRORS and status >= 500:
        log.error("a request failed", exc_info=error)
        return generic_error(status)
    if isinstance(error, ProviderFailed):
        log.warning("the provider failed: %s (%s)", error, error.detail)
    if isinstance(error, ServiceUnavailable):
        log.info("a service was unavailable: %s", error.why)
    headers: dict[str, str] = {}
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="kiwisms"'
    return json_response({"error": str(error), "code": error.code}, status, headers)


def _status(error: KiwismsError) -> int:
    # A store or provider that is not ours may raise subclasses of these.
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def generic_error(status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    """Make the response for a status in `GENERIC_ERRORS`."""
    sentence, code = GENERIC_ERRORS[status]
    if status == 415:
        headers = {"Accept-Encoding": ", ".join(CODINGS)}
    if status == 503:
        headers = {"Retry-After": str(RETRY_SECONDS)}
    return json_response({"error": sentence, "code": code}, status, headers)


def from_aiohttp(raised: web.HTTPException) -> web.StreamResponse:
    """Convert a response that aiohttp raised to the contract's form."""
    if raised.status not in GENERIC_ERRORS:
        return raised
    allow = {"Allow": raised.headers["Allow"]} if "Allow" in raised.headers else None
    response = generic_error(raised.status, allow)
    if raised.status == 408:
        response.force_close()
    return response
