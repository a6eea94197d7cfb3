"""Whose number is it? What a lost request and a number that no rental has must have in common."""

from datetime import datetime

from attrs import frozen

from kiwisms.domain.catalog import ServiceCode
from kiwisms.domain.ids import ActivationId


@frozen(kw_only=True)
class Orphan:
    """
    A number that upstream tells of and no rental has.

    It was rented between *since* and *until*; *phone* is known where upstream tells it.
    """

    activation_id: ActivationId
    service: ServiceCode
    phone: str | None = None
    since: datetime
    until: datetime


@frozen(kw_only=True)
class Request:
    """
    A request for a number, made between *since* and *until*, of which no answer is known.

    *phone* is known of a request for an earlier number.
    """

    service: ServiceCode
    phone: str | None = None
    since: datetime
    until: datetime


def may_match(orphan: Orphan, request: Request) -> bool:
    """Whether nothing speaks against *orphan* being what *request* was given."""
    same_phone = None in {request.phone, orphan.phone} or request.phone == orphan.phone
    at_once = orphan.since <= request.until and request.since <= orphan.until
    return request.service == orphan.service and same_phone and at_once
