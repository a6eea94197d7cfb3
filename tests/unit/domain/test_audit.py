"""Honest books pass; whatever is changed behind their back is found, and named."""

from collections.abc import Callable, Sequence
from typing import Any, get_args

import pytest
from attrs import evolve, frozen

from kiwisms.domain.audit import CHECKS, UNCHECKED, audit
from kiwisms.domain.audit_money import DIRECTIONS
from kiwisms.domain.billing import MOVES, settle
from kiwisms.domain.books import Books, Violation
from kiwisms.domain.causes import Effect, OperatorMove
from kiwisms.domain.delivery import Delivery, DeliveryStatus
from kiwisms.domain.history import Step, step
from kiwisms.domain.idempotency import Fingerprint, IdempotencyRecord, KeyState
from kiwisms.domain.ids import DeliveryId, IdempotencyKey, IncidentId, RentalId, TransferId
from kiwisms.domain.incident import Incident, IncidentKind
from kiwisms.domain.ledger import LedgerAccount, Transfer
from kiwisms.domain.money import ZERO, Money, cents
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.domain.wallet import Wallet
from kiwisms.ports.transaction import Fact
from tests.unit.domain.samples import (
    ADA,
    NOW,
    PRICE,
    cancel,
    complete,
    fail,
    message,
    receive,
    rent,
    request,
    run_out,
    seconds,
    top_up,
)

FUNDING, AVAILABLE, HELD, REVENUE = LedgerAccount

NO_GAP = "transfers are numbered without a gap"
COUNTED = "the wallet counts its transfers"
AVAILABLE_SUM = "available is the sum of its transfers"
HELD_SUM = "held is the sum of its transfers"
AVAILABLE_SIGN = "available is never negative"
HELD_SIGN = "held is never negative"
UNDECIDED = "held is the sum of undecided rentals"
RENTAL_HELD = "a rental is held for its price"
CAPTURED = "a rental is captured once it is charged"
RELEASED = "a rental is released when it is not charged"
PAID = "a received code is paid for"
NUMBER = "a shown rental has a number"
HAS_RENTAL = "a transfer has its rental"
WAY = "a transfer moves money as its cause does"
LAST_STEP = "a rental matches its last step"
PATH = "steps follow the table of transitions"
STEP_OF_RENTAL = "a step has its rental"
RENTAL_DUE = "a rental is due until its end"
KEY_STATE = "an idempotency key agrees with its rental"
KEY_THERE = "a requested rental has its idempotency key"
EVENT_DUE = "an event is due until its end"
EVENT_OF_RENTAL = "an event has its rental"
EVENT_ONCE = "a message has at most one event"
INCIDENT_OF_RENTAL = "an incident has its rental"
RESOLVED = "a resolved incident is not due"
PLACE = "a rental has a place upstream while it is undecided"

LIVES: dict[str, Sequence[Callable[[Rental], Rental]]] = {
    "requested": [],
    "failed": [fail],
    "waiting": [rent],
    "corrected": [lambda rental: rent(rental, price=cents(30))],
    "received": [rent, receive, receive],
    "completed": [rent, receive, complete],
    "done": [rent, complete],
    "cancelled": [rent, cancel],
    "expired": [rent, run_out],
}


def places(*ids: str) -> list[RentalId]:
    return [RentalId(each) for each in ("requested", "waiting", *ids)]


def honest() -> Books:
    """The books of an account that has a rental in every state."""
    wallet, first = Wallet(account_id=ADA).fund(cents(1000), top_up())
    transfers: list[Transfer] = [first]
    rentals: list[Rental] = []
    steps: list[Step | None] = []
    for name, life in LIVES.items():
        before, after = None, evolve(request(id=name), idempotency_key=IdempotencyKey(name))
        wallet, moved = settle(wallet, before, after)
        transfers.extend(moved)
        steps.append(step(before, after, "app"))
        for act in life:
            before, after = after, act(after)
            wallet, moved = settle(wallet, before, after)
            transfers.extend(moved)
            steps.append(step(before, after, "app"))
        rentals.append(after)
    return Books(
        wallet=wallet,
        transfers=transfers,
        rentals=rentals,
        steps=[each for each in steps if each is not None],
        idempotency=[
            key("requested", KeyState.RUNNING),
            key("failed", KeyState.FREE),
            key("received", KeyState.FINISHED),
        ],
        deliveries=[event("one", "0"), event("two", "1"), event_of_test()],
        incidents=[incident("open", "failed"), incident("resolved", "expired").resolve("-", NOW)],
        places=places("corrected"),
    )


def key(name: str, state: KeyState) -> IdempotencyRecord:
    return IdempotencyRecord(
        key=IdempotencyKey(name),
        account_id=ADA,
        fingerprint=Fingerprint("f"),
        rental_id=RentalId(name),
        state=state,
        claimed_at=NOW,
    )


def event(id: str, code: str, rental: str | None = "received") -> Delivery:
    return Delivery(
        id=DeliveryId(id),
        account_id=ADA,
        event="sms.received",
        rental_id=None if rental is None else RentalId(rental),
        body=f'{{"otpCode": "{code}", "smsText": "{code}"}}',
        created_at=NOW,
        due_at=NOW,
    )


def event_of_test() -> Delivery:
    return evolve(event("test", "", None), event="webhook.test").accepted()


def incident(id: str, rental: str) -> Incident:
    return Incident(
        id=IncidentId(id),
        account_id=ADA,
        rental_id=RentalId(rental),
        kind=IncidentKind.ANSWER_LOST,
        detail="lost",
        price=PRICE,
        at=NOW,
        due_at=NOW,
    )


HONEST = honest()


def place_of(id: str) -> int:
    return [transfer.id for transfer in HONEST.transfers].index(TransferId(id))


def with_transfer(
    id: str,
    *,
    debit: LedgerAccount | None = None,
    credit: LedgerAccount | None = None,
    amount: Money | None = None,
    name: str | None = None,
) -> Books:
    place = place_of(id)
    old = HONEST.transfers[place]
    new = evolve(
        old,
        id=TransferId(name or old.id),
        debit=debit or old.debit,
        credit=credit or old.credit,
        amount=amount or old.amount,
    )
    return evolve(
        HONEST, transfers=[*HONEST.transfers[:place], new, *HONEST.transfers[place + 1 :]]
    )


def with_more(id: str, debit: LedgerAccount, credit: LedgerAccount, amount: Money = PRICE) -> Books:
    """Put one more transfer behind the others, and let the wallet know of it."""
    extra = Transfer(
        id=TransferId(id),
        account_id=ADA,
        number=len(HONEST.transfers) + 1,
        debit=debit,
        credit=credit,
        amount=amount,
        reason="extra",
        at=HONEST.transfers[0].at,
    )
    return evolve(HONEST, wallet=HONEST.wallet.apply(extra), transfers=[*HONEST.transfers, extra])


def with_rental(id: str, change: Callable[[Rental], Rental]) -> Books:
    return evolve(
        HONEST, rentals=[change(each) if each.id == id else each for each in HONEST.rentals]
    )


def without_rental(id: str) -> Books:
    return evolve(HONEST, rentals=[each for each in HONEST.rentals if each.id != id])


def without_transfer(id: str) -> Books:
    place = place_of(id)
    return evolve(HONEST, transfers=[*HONEST.transfers[:place], *HONEST.transfers[place + 1 :]])


def with_step(rental: str, state: State, change: Callable[[Step], Step]) -> Books:
    def is_meant(each: Step) -> bool:
        return each.rental_id == rental and each.state is state

    return evolve(HONEST, steps=[change(each) if is_meant(each) else each for each in HONEST.steps])


def without_step(rental: str, state: State) -> Books:
    left = [each for each in HONEST.steps if (each.rental_id, each.state) != (rental, state)]
    return evolve(HONEST, steps=left)


def with_key(name: str, **change: Any) -> Books:
    changed = [evolve(each, **change) if each.key == name else each for each in HONEST.idempotency]
    return evolve(HONEST, idempotency=changed)


def with_event(id: str, **change: Any) -> Books:
    changed = [evolve(each, **change) if each.id == id else each for each in HONEST.deliveries]
    return evolve(HONEST, deliveries=changed)


def with_incident(id: str, **change: Any) -> Books:
    changed = [evolve(each, **change) if each.id == id else each for each in HONEST.incidents]
    return evolve(HONEST, incidents=changed)


def in_state(state: State) -> Callable[[Rental], Rental]:
    return lambda rental: evolve(rental, state=state)


def with_wallet(*, available: Money = ZERO, held: Money = ZERO, transfers: int = 0) -> Books:
    wallet = HONEST.wallet
    return evolve(
        HONEST,
        wallet=evolve(
            wallet,
            available=wallet.available + available,
            held=wallet.held + held,
            transfers=wallet.transfers + transfers,
        ),
    )


def swapped(one: str, other: str) -> Books:
    """Let one transfer happen in place of the other."""
    transfers = list(HONEST.transfers)
    here, there = place_of(one), place_of(other)
    transfers[here], transfers[there] = (
        evolve(transfers[there], number=here + 1),
        evolve(transfers[here], number=there + 1),
    )
    return evolve(HONEST, transfers=transfers)


@frozen
class Forged:
    """Books in which one row was changed, and the laws that it breaks, each with its row."""

    what: str
    books: Books
    laws: dict[str, str]


FORGED = [
    Forged("more is available", with_wallet(available=cents(1)), {AVAILABLE_SUM: "wallet"}),
    Forged("less is held", with_wallet(held=cents(-1)), {HELD_SUM: "wallet", UNDECIDED: "wallet"}),
    Forged("a transfer too many is counted", with_wallet(transfers=1), {COUNTED: "wallet"}),
    Forged(
        "a top-up is lost",
        without_transfer("credit:invoice-1"),
        {
            NO_GAP: "rental:requested:hold",
            AVAILABLE_SUM: "wallet",
            AVAILABLE_SIGN: "rental:requested:hold",
        },
    ),
    Forged(
        "the last transfer is lost",
        without_transfer(HONEST.transfers[-1].id),
        {
            COUNTED: "wallet",
            AVAILABLE_SUM: "wallet",
            HELD_SUM: "wallet",
            RELEASED: "expired",
        },
    ),
    Forged(
        "a top-up is larger",
        with_transfer("credit:invoice-1", amount=cents(1001)),
        {AVAILABLE_SUM: "wallet"},
    ),
    Forged(
        "a hold comes before the money for it",
        swapped("credit:invoice-1", "rental:requested:hold"),
        {AVAILABLE_SIGN: "rental:requested:hold"},
    ),
    Forged(
        "a release comes before the hold",
        swapped("rental:requested:hold", "rental:failed:release"),
        {HELD_SIGN: "rental:failed:release"},
    ),
    Forged(
        "revenue is paid out instead",
        with_transfer("rental:received:capture", credit=FUNDING),
        {WAY: "rental:received:capture"},
    ),
    Forged(
        "a top-up comes out of revenue",
        with_transfer("credit:invoice-1", debit=REVENUE),
        {WAY: "credit:invoice-1"},
    ),
    Forged(
        "a transfer has no cause",
        with_transfer("credit:invoice-1", name="gift:1"),
        {WAY: "gift:1"},
    ),
    Forged(
        "a transfer is another rental's",
        with_transfer("rental:failed:release", name="rental:nobody:release"),
        {RELEASED: "failed", HAS_RENTAL: "rental:nobody:release"},
    ),
    Forged(
        "a transfer has another name",
        with_transfer("rental:waiting:hold", name="rental:waiting:held"),
        {
            RENTAL_HELD: "waiting",
            HAS_RENTAL: "rental:waiting:held",
            WAY: "rental:waiting:held",
        },
    ),
    Forged(
        "money is set aside for nothing",
        with_more("hold:1", AVAILABLE, HELD),
        {UNDECIDED: "wallet", WAY: "hold:1"},
    ),
    Forged(
        "a rental is charged and given back",
        with_more("rental:completed:release", REVENUE, AVAILABLE),
        {RELEASED: "completed", WAY: "rental:completed:release"},
    ),
    Forged(
        "a cancelled rental is charged",
        with_more("rental:cancelled:capture", AVAILABLE, REVENUE),
        {CAPTURED: "cancelled", WAY: "rental:cancelled:capture"},
    ),
    Forged(
        "a number costs more than is held for it",
        with_rental("waiting", lambda rental: evolve(rental, price=cents(40))),
        {UNDECIDED: "wallet", RENTAL_HELD: "waiting"},
    ),
    Forged(
        "a corrected price is the old one again",
        with_rental("corrected", lambda rental: evolve(rental, price=PRICE)),
        {UNDECIDED: "wallet", RENTAL_HELD: "corrected"},
    ),
    Forged(
        "a code costs nothing",
        with_rental("received", lambda rental: evolve(rental, price=ZERO)),
        {RENTAL_HELD: "received", CAPTURED: "received"},
    ),
    Forged(
        "a completed rental is called cancelled",
        with_rental("done", in_state(State.CANCELLED)),
        {CAPTURED: "done", RELEASED: "done", LAST_STEP: "done"},
    ),
    Forged(
        "an expired rental is called completed",
        with_rental("expired", in_state(State.COMPLETED)),
        {CAPTURED: "expired", RELEASED: "expired", LAST_STEP: "expired"},
    ),
    Forged(
        "a waiting rental is called expired",
        with_rental("waiting", in_state(State.EXPIRED)),
        {
            UNDECIDED: "wallet",
            RELEASED: "waiting",
            LAST_STEP: "waiting",
            RENTAL_DUE: "waiting",
            PLACE: "waiting",
        },
    ),
    Forged(
        "a waiting rental is called received",
        with_rental("waiting", in_state(State.RECEIVED)),
        {UNDECIDED: "wallet", CAPTURED: "waiting", LAST_STEP: "waiting", PLACE: "waiting"},
    ),
    Forged(
        "an expired rental has a code",
        with_rental("expired", lambda rental: evolve(rental, messages=(message(),))),
        {PAID: "expired", LAST_STEP: "expired"},
    ),
    Forged(
        "a waiting rental has a code",
        with_rental("waiting", lambda rental: evolve(rental, messages=(message(),))),
        {PAID: "waiting", LAST_STEP: "waiting"},
    ),
    Forged(
        "a rental has lost its number",
        with_rental("completed", lambda rental: evolve(rental, activation_id=None)),
        {NUMBER: "completed"},
    ),
    Forged(
        "a rental is lost",
        without_rental("cancelled"),
        {
            HAS_RENTAL: "rental:cancelled:hold rental:cancelled:release",
            STEP_OF_RENTAL: "cancelled",
        },
    ),
    Forged(
        "the last step is lost",
        without_step("expired", State.EXPIRED),
        {LAST_STEP: "expired"},
    ),
    Forged(
        "the first step is lost",
        without_step("waiting", State.REQUESTED),
        {PATH: "waiting"},
    ),
    Forged(
        "a step was never taken",
        with_step("done", State.COMPLETED, lambda each: evolve(each, state=State.FAILED)),
        {LAST_STEP: "done", PATH: "done"},
    ),
    Forged(
        "a message came without a step",
        with_step(
            "received", State.RECEIVED, lambda each: evolve(each, messages=2 * each.messages)
        ),
        {LAST_STEP: "received", PATH: "received"},
    ),
    Forged(
        "a rental changed without a step",
        with_rental("cancelled", lambda rental: evolve(rental, changed_at=NOW + seconds(1))),
        {LAST_STEP: "cancelled"},
    ),
    Forged(
        "nobody looks at a rental again",
        with_rental("received", lambda rental: evolve(rental, due_at=None)),
        {RENTAL_DUE: "received"},
    ),
    Forged(
        "a rental is looked at for ever",
        with_rental("failed", lambda rental: evolve(rental, due_at=NOW)),
        {RENTAL_DUE: "failed"},
    ),
    Forged(
        "a key runs for ever",
        with_key("received", state=KeyState.RUNNING),
        {KEY_STATE: "received"},
    ),
    Forged(
        "a key answers with no number",
        with_key("failed", state=KeyState.FINISHED),
        {KEY_STATE: "failed"},
    ),
    Forged(
        "a key is free too early",
        with_key("requested", state=KeyState.FREE),
        {KEY_STATE: "requested"},
    ),
    Forged(
        "a key is bound to another rental",
        with_key("requested", rental_id=RentalId("waiting")),
        {KEY_STATE: "requested", KEY_THERE: "requested"},
    ),
    Forged(
        "a running key is lost",
        evolve(HONEST, idempotency=HONEST.idempotency[1:]),
        {KEY_THERE: "requested"},
    ),
    Forged("an event is never sent", with_event("one", due_at=None), {EVENT_DUE: "one"}),
    Forged(
        "an event is sent for ever",
        with_event("one", status=DeliveryStatus.GIVEN_UP),
        {EVENT_DUE: "one"},
    ),
    Forged(
        "an event is of no rental",
        with_event("one", rental_id=RentalId("nobody")),
        {EVENT_OF_RENTAL: "one"},
    ),
    Forged(
        "a message is told twice", with_event("two", body=event("", "0").body), {EVENT_ONCE: "two"}
    ),
    Forged("an event tells of no message", with_event("two", body="[]"), {EVENT_ONCE: "two"}),
    Forged("an event cannot be read", with_event("two", body="{"), {EVENT_ONCE: "two"}),
    Forged(
        "an incident is of no rental",
        with_incident("open", rental_id=RentalId("nobody")),
        {INCIDENT_OF_RENTAL: "open"},
    ),
    Forged(
        "an incident is of a request that is under way",
        with_incident("open", rental_id=RentalId("requested")),
        {INCIDENT_OF_RENTAL: "open"},
    ),
    Forged(
        "a resolved incident is searched for",
        with_incident("resolved", due_at=NOW),
        {RESOLVED: "resolved"},
    ),
    Forged("a place is given away", evolve(HONEST, places=places()), {PLACE: "corrected"}),
    Forged(
        "a place is kept for ever",
        evolve(HONEST, places=places("corrected", "expired")),
        {PLACE: "expired"},
    ),
]


def broken(found: Sequence[Violation]) -> dict[str, str]:
    laws = dict.fromkeys(each.law for each in found)
    return {law: " ".join(each.row for each in found if each.law == law) for law in laws}


def test_honest_books_break_no_law() -> None:
    assert list(audit(HONEST)) == []
    assert {rental.state for rental in HONEST.rentals} == set(State) - {State.NEW}


def test_a_store_that_counts_has_no_places_to_be_wrong() -> None:
    assert list(audit(evolve(HONEST, places=None))) == []


def test_an_account_that_did_nothing_breaks_no_law() -> None:
    assert list(audit(Books(wallet=Wallet(account_id=ADA), transfers=[], rentals=[]))) == []


@pytest.mark.parametrize("forged", FORGED, ids=lambda forged: forged.what)
def test_what_was_changed_is_found_and_nothing_else(forged: Forged) -> None:
    found = list(audit(forged.books))
    assert broken(found) == forged.laws
    assert {each.account_id for each in found} == {ADA}
    assert all(each.expected != each.found for each in found)


def test_every_law_is_broken_by_something() -> None:
    laws = {law for forged in FORGED for law in forged.laws}
    assert laws == {
        NO_GAP, COUNTED, AVAILABLE_SUM, HELD_SUM, AVAILABLE_SIGN, HELD_SIGN, UNDECIDED,
        RENTAL_HELD, CAPTURED, RELEASED, PAID, NUMBER, HAS_RENTAL, WAY, LAST_STEP, PATH,
        STEP_OF_RENTAL, RENTAL_DUE, KEY_STATE, KEY_THERE, EVENT_DUE, EVENT_OF_RENTAL, EVENT_ONCE,
        INCIDENT_OF_RENTAL, RESOLVED, PLACE,
    }  # fmt: skip


def test_every_kind_of_fact_is_checked_or_says_why_it_is_not() -> None:
    assert CHECKS.keys() | UNCHECKED.keys() == set(get_args(Fact))
    assert not CHECKS.keys() & UNCHECKED.keys()


@pytest.mark.parametrize("kind", CHECKS, ids=lambda kind: kind.__name__)
def test_every_pass_finds_something(kind: type) -> None:
    for check in CHECKS[kind]:
        assert list(check(HONEST)) == []
        assert any(list(check(forged.books)) for forged in FORGED)


def test_a_violation_says_what_should_be_there_and_what_is() -> None:
    [violation] = audit(with_wallet(available=cents(1)))
    expected, found = HONEST.wallet.available, HONEST.wallet.available + cents(1)
    assert violation == Violation(
        law=AVAILABLE_SUM,
        account_id=ADA,
        row="wallet",
        expected=str(expected),
        found=str(found),
    )


@pytest.mark.parametrize("effect", MOVES)
def test_the_ways_are_those_of_billing(effect: Effect) -> None:
    wallet = Wallet(account_id=ADA, available=PRICE, held=PRICE)
    _, transfer = MOVES[effect](wallet, PRICE, top_up())
    assert DIRECTIONS[effect] == (transfer.debit, transfer.credit)


def test_the_operators_ways_are_those_of_the_wallet() -> None:
    for move, act in ((OperatorMove.CREDIT, Wallet.fund), (OperatorMove.DEBIT, Wallet.withdraw)):
        _, transfer = act(Wallet(account_id=ADA, available=PRICE), PRICE, top_up())
        assert DIRECTIONS[move] == (transfer.debit, transfer.credit)


def test_a_row_that_has_a_colon_in_its_reference_is_honest() -> None:
    wallet, transfer = Wallet(account_id=ADA).fund(PRICE, top_up("rental:x:hold"))
    assert list(audit(Books(wallet=wallet, transfers=[transfer], rentals=[]))) == []
