"""The tables of the store in memory."""

from collections.abc import Iterable
from datetime import datetime

from kiwisms.adapters.memory.records import Records
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.ids import AccountId, MessageId, RentalId
from kiwisms.domain.incident import Incident
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Reading
from kiwisms.domain.rental import Rental


class Tables:
    """The records of every account, and the data that belongs to no account."""

    def __init__(self) -> None:
        self._records: dict[AccountId, Records] = {}
        self._pushes: dict[MessageId, PushedMessage] = {}
        self._readings: list[Reading] = []

    def _all_rentals(self) -> Iterable[Rental]:
        return (rental for own in self._records.values() for rental in own.rentals.values())

    def _all_incidents(self) -> Iterable[Incident]:
        return (each for own in self._records.values() for each in own.incidents.values())

    def _all_deliveries(self) -> Iterable[Delivery]:
        return (each for own in self._records.values() for each in own.deliveries.values())


def age(rental: Rental) -> tuple[datetime, RentalId]:
    """The sort key of rentals: the newest is last."""
    return rental.created_at, rental.id
