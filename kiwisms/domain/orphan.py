"""Orphans: numbers that no rental has, and the lost requests that they may belong to."""

from datetime import datetime

from attrs import frozen

from kiwisms.domain.catalog import ServiceCode
from kiwisms.domain.ids import ActivationId


@frozen(kw_only=True)
class Orphan:
    """
    A number that upstream reports and no rental has.

    It was rented between *since* and *until*; *phone* is set if upstream reports it.
    """

    activation_id: ActivationId
    service: ServiceCode
    phone: str | None = None
    since: datetime
    until: datetime


@frozen(kw_only=True)
class Request:
    """
    A request for a number, made between *since* and *until*, whose answer is not known.

    *phone* is set when an earlier number was requested again.
    """

    service: ServiceCode
    phone: str | None = None
    since: datetime
    until: datetime


def may_match(orphan: Orphan, request: Request) -> bool:
    """Whether *orphan* can be the number that *request* was given."""
    same_phone = None in {request.phone, orphan.phone} or request.phone == orphan.phone
    at_once = orphan.since <= request.until and request.since <= orphan.until
    return request.service == orphan.service and same_phone and at_once
