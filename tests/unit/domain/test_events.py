"""Who is told of what: addresses ask for events by name, and for the amount of wallet.low."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, none, sampled_from, text

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.events import (
    DEFAULT_EVENTS,
    END_EVENTS,
    WebhookEvent,
    code_and_text,
    fell_below,
    message_in,
    parse_events,
    rental_events,
)
from kiwisms.domain.ids import KeyPrefix
from kiwisms.domain.money import Money, cents
from kiwisms.domain.rental_state import FINAL, SHOWN
from kiwisms.domain.webhook import Webhook
from tests.unit.domain.samples import ADA, NOW, PACE, message, rent, request

LOW = frozenset({WebhookEvent.WALLET_LOW})
amounts = integers(0, 9).map(cents)


def webhook(key_prefix: str | None = None) -> Webhook:
    prefix = None if key_prefix is None else KeyPrefix(key_prefix)
    return Webhook(account_id=ADA, key_prefix=prefix, url="https://a.example", sealed_secret="s")


@given(asked=lists(sampled_from(WebhookEvent), min_size=1))
def test_events_are_read_by_their_names(asked: list[WebhookEvent]) -> None:
    assert parse_events(asked) == parse_events(" , ".join(asked)) == set(asked)


@pytest.mark.parametrize("names", ["sms.received,sms.sent,x", ["sms.sent", "x"]])
def test_an_unknown_event_is_refused_with_those_that_there_are(names: str | list[str]) -> None:
    with pytest.raises(ValidationRefused) as refused:
        parse_events(names)
    assert str(refused.value) == (
        "events: sms.sent, x is unknown: must be some of sms.received, rental.expired,"
        " rental.cancelled, rental.completed, wallet.low"
    )


@pytest.mark.parametrize("names", ["", " , ", []])
def test_an_address_without_an_event_is_refused(names: str | list[str]) -> None:
    with pytest.raises(ValidationRefused, match=r"^events: must be some of sms\.received"):
        parse_events(names)


@pytest.mark.parametrize("names", [5, [5], [None], b"sms.received"])
def test_what_is_no_text_is_an_error_of_the_program(names: Any) -> None:
    with pytest.raises(TypeError, match=r"^events must be a str.*, not "):
        parse_events(names)


@given(code=text(), whole=none() | text())
def test_the_message_that_an_event_tells_of_is_read_back(code: str, whole: str | None) -> None:
    waiting, seen = rent(request()), message(code, whole)
    (event,) = rental_events(waiting, waiting.receive(seen, NOW, PACE))
    assert (event.name, event.rental_id) == (WebhookEvent.SMS_RECEIVED, waiting.id)
    assert (
        message_in(event.to_json())
        == code_and_text(seen)
        == (code, code if whole is None else whole)
    )


@pytest.mark.parametrize("body", ["", "[]", "1", "{}", '{"otpCode": "1", "smsText": [1]}'])
def test_what_tells_of_no_message_is_read_as_none(body: str) -> None:
    assert message_in(body) is None


def test_every_end_that_the_customer_sees_has_its_event() -> None:
    assert END_EVENTS.keys() == FINAL & SHOWN
    assert {event.rpartition(".")[2].upper() for event in END_EVENTS.values()} == set(END_EVENTS)


def test_an_address_asks_for_messages_alone_and_keeps_what_it_asked_for() -> None:
    assert webhook().events == DEFAULT_EVENTS == {"sms.received"}
    asked = webhook().subscribe(LOW | DEFAULT_EVENTS, cents(500))
    assert asked.subscribe(None, None) == asked
    assert asked.subscribe(None, cents(1)).low == cents(1)
    assert asked.subscribe(LOW, None).low == cents(500)
    assert asked.subscribe(DEFAULT_EVENTS, None) == webhook()


@pytest.mark.parametrize(
    ("key", "events", "low", "why"),
    [
        (None, LOW, None, "low: must say below which amount"),
        (None, LOW, Money(0), "low: must be more than 0"),
        (None, LOW, cents(-1), "low: must be more than 0"),
        (None, LOW, Money(1), "low: must be more than 0 and in whole cents"),
        (None, None, cents(1), "low: is only allowed with the event wallet.low"),
        ("p1", LOW, cents(1), "events: wallet.low goes to the account's own address"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    key: str | None, events: frozenset[WebhookEvent] | None, low: Money | None, why: str
) -> None:
    with pytest.raises(ValidationRefused, match=why):
        webhook(key).subscribe(events, low)


def test_a_stopped_address_hears_nothing() -> None:
    assert webhook().receives("sms.received")
    assert not webhook().receives("rental.expired")
    assert not webhook().stop(NOW).receives("sms.received")


@given(balances=lists(amounts, min_size=2, max_size=20), threshold=integers(1, 9).map(cents))
def test_a_fall_is_told_once(balances: list[Money], threshold: Money) -> None:
    told = [fell_below(threshold, before=was, after=now) for was, now in pairwise(balances)]
    is_low = [balance < threshold for balance in balances]
    assert told == [not was and now for was, now in pairwise(is_low)]
