"""Makes the contract's documents from domain values."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from kiwisms.application.catalogs import Priced, PriceList
from kiwisms.domain.contract_values import dollars, instant
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.domain.wallet import Wallet

Document = Mapping[str, object]


def balance(wallet: Wallet) -> Document:
    """``Balance``: what is available."""
    return {"balance": dollars(wallet.available), "currency": "USD"}


def services(prices: PriceList) -> Document:
    """``ServicesResponse``."""
    return {
        "countryCode": prices.country,
        "catalogMode": prices.stale,
        "count": len(prices.services),
        "services": [
            {
                "service": priced.offer.service,
                "name": priced.offer.name,
                "price": str(priced.price),
                "count": priced.offer.count,
                "multiSms": priced.offer.multi_sms,
            }
            for priced in prices.services
        ],
    }


def pricing(services: Sequence[Priced]) -> Document:
    """``PublicPricingResponse``."""
    return {
        "services": [
            {
                "code": priced.offer.service,
                "name": priced.offer.name,
                "price": str(priced.price),
            }
            for priced in services
        ]
    }


def rental(rental: Rental, now: datetime) -> Document:
    """``Rental``: as it is *now*."""
    codes = [message.code for message in rental.messages]
    return {
        "id": rental.id,
        "externalId": rental.activation_id,
        "phone": rental.phone,
        "service": rental.service,
        "serviceName": rental.service_name,
        "status": rental.state.value,
        "price": dollars(rental.price),
        "codes": codes,
        "otpCode": codes[-1] if codes else None,
        "expiresAt": instant(rental.expires_at),
        "createdAt": instant(rental.created_at),
        "active": rental.is_active(now),
        "secondsRemaining": rental.seconds_remaining(now),
    }


def rental_created(rental: Rental) -> Document:
    """``RentalCreated``: as it was when it was rented, so that a replay is the same."""
    return {
        "id": rental.id,
        "externalId": rental.activation_id,
        "phone": rental.phone,
        "service": rental.service,
        "serviceName": rental.service_name,
        "price": dollars(rental.price),
        "status": State.WAITING.value,
        "expiresAt": instant(rental.expires_at),
        "asleep": rental.asleep_until is not None,
    }


def rental_ended(rental: Rental) -> Document:
    """``RentalActionResponse``."""
    return {"success": True, "rentalId": rental.id, "status": rental.state.value}
