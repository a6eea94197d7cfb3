"""Whose number is it? Find the lost request for a number that no rental has, and never guess."""

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from kiwisms.domain.catalog import ServiceCode
from kiwisms.domain.ids import ActivationId, IncidentId


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
class Lost:
    """
    A request for a number, made between *since* and *until*, whose answer is lost.

    *phone* is known of a request for an earlier number. Without an *incident_id* the answer may
    still come.
    """

    incident_id: IncidentId | None = None
    service: ServiceCode
    phone: str | None = None
    since: datetime
    until: datetime


def may_be(lost: Lost, orphan: Orphan) -> bool:
    """Whether nothing speaks against *orphan* being the answer to *lost*."""
    same_phone = None in {lost.phone, orphan.phone} or lost.phone == orphan.phone
    at_once = orphan.since <= lost.until and lost.since <= orphan.until
    return lost.service == orphan.service and same_phone and at_once


def owner(orphan: Orphan, lost: Sequence[Lost], orphans: Sequence[Orphan]) -> Lost | None:
    """Find the one request that *orphan* must be the answer to; ``None`` when another may be."""
    requests = [each for each in lost if may_be(each, orphan)]
    if len(requests) != 1:
        return None
    numbers = {each.activation_id for each in orphans if may_be(requests[0], each)}
    return requests[0] if numbers == {orphan.activation_id} else None
