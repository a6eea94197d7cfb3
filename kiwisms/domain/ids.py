"""The types of ids, so that one kind cannot be passed for another."""

from typing import NewType

AccountId = NewType("AccountId", str)
"""A UUID in its usual text form."""
KeyPrefix = NewType("KeyPrefix", str)
"""The public part of an API key. It begins with the account's id, so a key names its account."""
RentalId = NewType("RentalId", str)
"""A UUID in its usual text form; a later rental's sorts later."""
ActivationId = NewType("ActivationId", str)
"""Upstream's own id of a rented number; the contract's ``externalId``."""
IdempotencyKey = NewType("IdempotencyKey", str)
"""The customer's name for a request, so that it can safely be sent again."""
TransferId = NewType("TransferId", str)
"""Made from what caused the transfer, so that the same cause cannot move money twice."""
DeliveryId = NewType("DeliveryId", str)
"""The same on every try of one event; the receiver's ``webhook-id``."""
IncidentId = NewType("IncidentId", str)
"""A UUID in its usual text form, or made from the id of the rental that it is about."""
TrailId = NewType("TrailId", str)
"""A UUID in its usual text form; a later entry's sorts later."""
MessageId = NewType("MessageId", str)
"""Upstream's own id of a pushed message; the same on every try to push it."""
