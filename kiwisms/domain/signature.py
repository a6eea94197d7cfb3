"""How an event is signed, so that its receiver can verify who sent it."""

import base64
import hmac
from datetime import datetime
from hashlib import sha256
from typing import Final

from kiwisms.domain.ids import DeliveryId

SECRET_PREFIX: Final = "whsec_"


def new_secret(random_bytes: bytes) -> str:
    """Write a webhook secret: ``whsec_`` and base64, as Standard Webhooks requires."""
    return SECRET_PREFIX + base64.b64encode(random_bytes).decode("ascii")


def sign(
    body: bytes, *, delivery_id: DeliveryId, at: datetime, secrets: tuple[str, ...]
) -> dict[str, str]:
    """
    Make the signature headers of one try.

    Args:
        body: The raw body as it is sent.
        delivery_id: The event's id, the same on every try.
        at: The moment of this try.
        secrets: ``whsec_…`` as shown to the customer, the current one first.

    Source: interface, "Webhooks"; Standard Webhooks specification 1.0.
    """
    timestamp = str(int(at.timestamp()))
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return {
        "X-Webhook-Signature": hmac.new(secrets[0].encode(), body, sha256).hexdigest(),
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_standard_signature(signed, each) for each in secrets),
    }


def _standard_signature(signed: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode("ascii")
