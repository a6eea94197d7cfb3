"""What must hold of webhooks: each message makes one event, and each event arrives."""

from collections import Counter
from collections.abc import Iterator

from kiwisms.domain.delivery import GONE, Delivery, DeliveryStatus
from kiwisms.testing.simulation.life import Life


def a_message_makes_no_two_events(life: Life) -> Iterator[str]:
    """No two deliveries have the same body, so none repeats a message."""
    for records in life.world.disk.records.values():
        bodies = Counter(each.body for each in records.deliveries.values() if each.rental_id)
        for body, count in bodies.items():
            if count > 1:
                yield f"{count} deliveries have the body {body}"


def a_message_makes_an_event(life: Life) -> Iterator[str]:
    """Each message made one delivery, if the account's address never changed."""
    for customer in life.customers:
        records = life.world.disk.records[customer.account_id]
        addresses = {webhook.url for webhook in records.webhooks.values()}
        if (
            not addresses
            or not customer.steady_webhook
            or addresses & life.world.receivers.gone.keys()
        ):
            continue
        deliveries = Counter(delivery.rental_id for delivery in records.deliveries.values())
        for rental in records.rentals.values():
            count = deliveries[rental.id]
            if count != len(rental.messages):
                yield f"{rental.id} has {len(rental.messages)} messages and {count} deliveries"


def what_was_delivered_was_taken(life: Life) -> Iterator[str]:
    """Each event that counts as delivered was taken by its receiver."""
    for records in life.world.disk.records.values():
        for delivery in records.deliveries.values():
            taken = life.world.receivers.taken[delivery.id]
            if delivery.status is DeliveryStatus.DELIVERED and not taken:
                yield f"{delivery.id} was never taken, and counts as delivered"


def a_receiver_that_is_gone_is_not_called(life: Life) -> Iterator[str]:
    """An address is stopped once its 410 has been recorded."""
    for records in life.world.disk.records.values():
        for webhook in records.webhooks.values():
            refused = life.world.receivers.gone.get(webhook.url, set())
            is_known = any(
                _was_gone(each) for each in records.deliveries.values() if each.id in refused
            )
            if is_known and webhook.stopped_at is None:
                yield f"{webhook.url} is gone, and would be called again"


def _was_gone(delivery: Delivery) -> bool:
    return (delivery.last_error or "").startswith(f"HTTP {GONE}")
