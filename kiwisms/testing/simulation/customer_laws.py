"""What must hold of the answers to customers: they stay true."""

from collections import Counter
from collections.abc import Iterator

from kiwisms.domain.causes import OperatorMove, operator_transfer_id
from kiwisms.domain.rental_state import FINAL, SHOWN
from kiwisms.domain.wallet import Wallet
from kiwisms.testing.simulation.customer import Balance
from kiwisms.testing.simulation.facts import rentals_of
from kiwisms.testing.simulation.life import Life


def a_key_makes_one_rental(life: Life) -> Iterator[str]:
    """All answers to one key name one rental, and the store has no other."""
    for customer in life.customers:
        for key, answers in customer.answers.items():
            if len(answers) > 1:
                yield f"{key} was answered with {sorted(answers)}"
    made = Counter(
        (rental.account_id, rental.idempotency_key)
        for rental in rentals_of(life)
        if rental.idempotency_key is not None and rental.state in SHOWN
    )
    for (_, key), count in made.items():
        if count > 1:
            yield f"{key} made {count} rentals"


def what_was_acknowledged_stays(life: Life) -> Iterator[str]:
    """An acknowledged rental is stored, with everything that was shown of it."""
    for customer in life.customers:
        records = life.world.disk.records[customer.account_id]
        for rental_id, last in customer.shown.items():
            shown, now = last.rental, records.rentals.get(rental_id)
            if now is None or now.state not in SHOWN:
                yield f"{rental_id} was acknowledged, and is {now and now.state}"
            elif now.messages[: len(shown.messages)] != shown.messages:
                yield f"{rental_id} was shown with {shown.messages}, and has {now.messages}"
            elif (now.phone, now.price) != (shown.phone, shown.price):
                yield f"{rental_id} was shown as {shown}, and is {now}"
            elif shown.state in FINAL and now.state is not shown.state:
                yield f"{rental_id} had ended as {shown.state}, and is {now.state}"


def balances_were_true(life: Life) -> Iterator[str]:
    """Every balance that a customer read is one that the ledger had."""
    for customer in life.customers:
        if not customer.balances:
            continue
        records = life.world.disk.records[customer.account_id]
        wallet = Wallet(account_id=customer.account_id)
        had = {Balance(available=wallet.available, held=wallet.held)}
        for transfer in records.books().transfers:
            wallet = wallet.apply(transfer)
            had.add(Balance(available=wallet.available, held=wallet.held))
        for balance in customer.balances:
            if balance not in had:
                yield f"{customer.name} read {balance}, which the ledger never had"


def payments_are_applied_once(life: Life) -> Iterator[str]:
    """A credit that was acknowledged is in the ledger, with its amount."""
    for customer in life.customers:
        transfers = life.world.disk.records[customer.account_id].transfers
        for reference, amount in customer.credits.items():
            transfer = transfers.get(operator_transfer_id(OperatorMove.CREDIT, reference))
            if transfer is None or transfer.amount != amount:
                yield f"the payment {reference} of {amount} is {transfer}"
