"""Every text of the protocol, and every other text."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kiwisms.adapters.daisysms.amounts import read_amount, read_price
from kiwisms.adapters.daisysms.replies import (
    Reply,
    read_active,
    read_balance,
    read_cancelled,
    read_finished,
    read_look,
    read_renewed,
    read_rented,
    read_rented_json,
)
from kiwisms.domain.catalog import ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.domain.sms import Code
from kiwisms.ports.provider import (
    Active,
    Ambiguous,
    Cancelled,
    Finished,
    Gone,
    Phone,
    Received,
    Refusal,
    Refused,
    Rented,
    TooEarly,
    Unknown,
    Waiting,
)

READERS = (
    read_rented,
    read_rented_json,
    read_renewed,
    read_look,
    read_finished,
    read_cancelled,
    read_balance,
    read_active,
)
WORDS = (
    "ACCESS_NUMBER",
    "ASLEEP",
    "STATUS_OK",
    "STATUS_WAIT_RETRY",
    "ACCESS_BALANCE",
    "ACCESS_ACTIVATION",
    "ACCESS_CANCEL",
    "ACCESS_READY",
    "NO_NUMBERS",
    "BANNED",
    "WRONG_MAX_PRICE",
    "<html>",
)
PAGE = "<!DOCTYPE html><title>Just a moment...</title><p>12:12025550123</p>"

ids = st.from_regex(r"[0-9]{1,20}", fullmatch=True)
phones = st.from_regex(r"[0-9]{6,15}", fullmatch=True)
printable = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
near_misses = st.lists(
    st.sampled_from((*WORDS, ":", "+", " ", "\n", "0", "12025550123", "{", "}")) | st.text(),
    max_size=6,
).map("".join)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NO_NUMBERS", Refusal.NO_NUMBERS),
        ("MAX_PRICE_EXCEEDED", Refusal.PRICE_EXCEEDED),
        ("WRONG_MAX_PRICE", Refusal.PRICE_EXCEEDED),
        ("WRONG_MAX_PRICE:0.35", Refusal.PRICE_EXCEEDED),
        ("TOO_MANY_ACTIVE_RENTALS", Refusal.TOO_MANY_WAITING),
        ("CHANNELS_LIMIT", Refusal.TOO_MANY_WAITING),
        ("NO_MONEY", Refusal.NO_MONEY),
        ("NO_BALANCE", Refusal.NO_MONEY),
        ("BAD_KEY", Refusal.BAD_KEY),
        ("BAD_SERVICE", Refusal.BAD_SERVICE),
        ("BAD_ACTION", Refusal.REJECTED),
        ("BANNED:'2026-01-01 12:00:00'", Refusal.REJECTED),
    ],
)
def test_every_refusal_is_understood(text: str, reason: Refusal) -> None:
    for read in READERS:
        assert read(Reply(text=text)) == Refused(reason)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PAGE,
        "ACCESS_NUMBER",
        "ACCESS_NUMBER:1",
        "ACCESS_NUMBER:1:12345",
        "ACCESS_NUMBER:1:1234567890123456",
        "ACCESS_NUMBER:1:++12025550123",
        "ACCESS_NUMBER:x:12025550123",
        "ACCESS_NUMBER:1:12025550123:5",
        "ACCESS_NUMBER:1:12025550123\n<p>",
        "ACCESS_NUMBER:1:12025550123\n",
        " ACCESS_NUMBER:1:12025550123",
        "access_number:1:12025550123",
        "ACCESS_NUMBER:1:١٢٠٢٥٥٥٠١٢٣",
        "NO_NUMBERS:1",
        "no_numbers",
        "NO_NUMBERSNO_NUMBERS",
        "BAD_ID",
        '{"activationId": 1}',
        '{"activationId": 1, "phoneNumber": {}}',
        '{"activationId": true, "phoneNumber": "12025550123"}',
        '["ACCESS_NUMBER:1:12025550123"]',
        "[" * 5_000,
        "1" * 5_000,
    ],
)
def test_nothing_else_is_a_number(text: str) -> None:
    unknown = Reply(text=text).unknown()
    assert read_rented(Reply(text=text)) == unknown
    assert read_rented_json(Reply(text=text)) == unknown


def test_a_sleeping_number_is_no_answer_to_a_first_rent() -> None:
    text = "ASLEEP:1:12025550123:1767268800"
    assert read_rented(Reply(text=text)) == Unknown(text)


@given(ids, phones, st.sampled_from(["", "+"]))
def test_a_number_loses_nothing_but_its_plus(id: str, phone: str, plus: str) -> None:
    said = read_rented(Reply(text=f"ACCESS_NUMBER:{id}:{plus}{phone}", price="0.30"))
    assert said == Rented(
        activation_id=ActivationId(id), phone=Phone(phone), cost=Money.parse("0.30")
    )
    assert read_renewed(Reply(text=f"ACCESS_NUMBER:{id}:{plus}{phone}", price="0.30")) == said


@given(ids, phones, st.integers(0, 2**33).map(lambda ts: datetime.fromtimestamp(ts, UTC)))
def test_a_sleeping_number_says_when_it_wakes(id: str, phone: str, wakes: datetime) -> None:
    said = read_renewed(Reply(text=f"ASLEEP:{id}:{phone}:{int(wakes.timestamp())}"))
    assert said == Rented(activation_id=ActivationId(id), phone=Phone(phone), asleep_until=wakes)


@given(st.integers(0, 10**18), phones, st.booleans(), st.decimals("0.01", 99, places=3))
def test_a_number_in_json_is_read_exactly(
    id: int, phone: str, as_text: bool, cost: Decimal
) -> None:
    said = {"activationId": str(id) if as_text else id, "phoneNumber": phone}
    text = (
        f'{json.dumps(said)[:-1]}, "activationCost": {f"{cost}" if not as_text else f"{cost:e}"}}}'
    )
    assert read_rented_json(Reply(text=text)) == Rented(
        activation_id=ActivationId(str(id)), phone=Phone(phone), cost=Money.parse(cost)
    )


@pytest.mark.parametrize(
    "price", [None, "", "free", "nan", "inf", "-0.30", "0", "0,30", "$0.30", "0_3", "1e99", "٣"]
)
def test_a_price_that_is_nonsense_is_no_price(price: str | None) -> None:
    said = read_rented(Reply(text="ACCESS_NUMBER:1:12025550123", price=price))
    assert isinstance(said, Rented)
    assert said.cost is None


@given(st.decimals("0.000001", 10_000, allow_nan=False))
def test_a_price_is_read_to_the_nearest_millionth(price: Decimal) -> None:
    read = read_price(f"{price:.30f}")
    assert read is not None
    assert abs(read.dollars - Decimal(f"{price:.30f}")) <= Decimal("0.0000005")


@given(printable)
def test_a_code_is_kept_as_it_is(code: str) -> None:
    assert read_look(Reply(text=f"STATUS_OK:{code}")) == Received(code=Code(code))


@pytest.mark.parametrize("code", ["000123", "12:34", "G-1234", "'12 34'", "0"])
def test_a_code_is_no_number(code: str) -> None:
    said = read_look(Reply(text=f"STATUS_OK:{code}", message=f"Code {code}"))
    assert said == Received(code=Code(code), text=f"Code {code}")


@pytest.mark.parametrize(
    "text", ["STATUS_OK", "STATUS_OK:", "STATUS_OK: \u00a0", "STATUS_OK:1\x00"]
)
def test_no_code_is_no_message(text: str) -> None:
    assert isinstance(read_look(Reply(text=text, message="whole")), Unknown)


def test_an_unreadable_code_is_not_repeated() -> None:
    read = read_look(Reply(text="STATUS_OK:0042\n7", message="Code 0042"))
    assert read == Unknown("STATUS_OK with nothing that can be a code")


def test_an_empty_answer_is_called_one() -> None:
    for read in READERS:
        assert read(Reply(text="")) == Unknown("an empty answer")


@pytest.mark.parametrize(
    "text", ["STATUS_WAIT_CODE", "STATUS_WAITING", "STATUS_WAIT_RETRY", "STATUS_WAIT_RETRY:0123"]
)
def test_every_way_to_wait_is_understood(text: str) -> None:
    assert read_look(Reply(text=text)) == Waiting()


@pytest.mark.parametrize("text", ["NO_ACTIVATION", "BAD_ID"])
def test_an_activation_may_be_gone(text: str) -> None:
    for read in (read_look, read_finished, read_cancelled):
        assert read(Reply(text=text)) == Gone()
    assert read_renewed(Reply(text=text)) == Refused(Refusal.NOT_RENEWABLE)


def test_every_end_is_understood() -> None:
    assert read_look(Reply(text="STATUS_CANCEL")) == Cancelled()
    assert read_finished(Reply(text="ACCESS_ACTIVATION")) == Finished()
    assert read_finished(Reply(text="ACCESS_READY")) == Unknown("ACCESS_READY")
    assert read_cancelled(Reply(text="ACCESS_CANCEL")) == Cancelled()
    assert read_cancelled(Reply(text="ACCESS_READY")) == Ambiguous()
    assert read_cancelled(Reply(text="EARLY_CANCEL_DENIED")) == TooEarly()
    assert read_cancelled(Reply(text="ACCESS_ACTIVATION")) == Unknown("ACCESS_ACTIVATION")


@pytest.mark.parametrize(
    ("text", "amount"),
    [("ACCESS_BALANCE:50.30", "50.30"), ("ACCESS_BALANCE:0", "0"), ("ACCESS_BALANCE:-0.2", "-0.2")],
)
def test_a_balance_is_read_exactly(text: str, amount: str) -> None:
    assert read_balance(Reply(text=text)) == Money.parse(amount)


@pytest.mark.parametrize("text", ["ACCESS_BALANCE:", "ACCESS_BALANCE:x", "ACCESS_BALANCE:1:2"])
def test_a_balance_that_is_no_number_is_unknown(text: str) -> None:
    assert read_balance(Reply(text=text)) == Unknown(text)


@given(st.text() | near_misses)
def test_no_text_raises_and_what_is_not_known_is_unknown(text: str) -> None:
    for read in READERS:
        said = read(Reply(text=text, price=text, message=text))
        if not text.startswith((*WORDS[:-1], "{", "STATUS_", "NO_", "BAD_", "MAX_", "TOO_")):
            assert isinstance(said, Unknown)


@given(near_misses)
def test_a_number_is_never_guessed(text: str) -> None:
    said = read_rented(Reply(text=text))
    if isinstance(said, Rented):
        assert text.replace("+", "") == f"ACCESS_NUMBER:{said.activation_id}:{said.phone}"
        assert (said.activation_id + said.phone).isascii()


@given(st.text() | st.from_regex(r"-?[0-9]+(\.[0-9]+)?", fullmatch=True) | st.integers())
def test_no_amount_raises(text: object) -> None:
    amount = read_amount(text)
    assert amount is None or isinstance(text, str)


ENTRY = {
    "activationId": "635468021",
    "serviceCode": "vk",
    "phoneNumber": "79991234561",
    "activationCost": 12.5,
    "activationStatus": "4",
    "activationTime": "2022-06-01 16:59:16",
    "countryCode": "2",
}
NUMBER = Active(
    activation_id=ActivationId("635468021"),
    service=ServiceCode("vk"),
    phone=Phone("79991234561"),
    rented_at=datetime(2022, 6, 1, 16, 59, 16, tzinfo=UTC),
)


@pytest.mark.parametrize("name", ["activeActivations", "data"])
def test_a_list_of_numbers_is_read_under_either_name(name: str) -> None:
    text = json.dumps({"status": "success", name: [ENTRY, ENTRY | {"activationId": 7}]})
    seven = evolve(NUMBER, activation_id=ActivationId("7"))
    assert read_active(Reply(text=text)) == [NUMBER, seven]


@pytest.mark.parametrize(
    "text", ["NO_ACTIVATIONS", '{"status": "error", "error": "NO_ACTIVATIONS"}']
)
def test_no_number_is_an_empty_list(text: str) -> None:
    assert read_active(Reply(text=text)) == ()


def test_of_a_number_in_a_list_only_id_and_service_are_needed() -> None:
    for entry in (
        {"activationId": "635468021", "serviceCode": "vk"},
        ENTRY | {"phoneNumber": "79********1", "activationTime": "today"},
    ):
        text = json.dumps({"activeActivations": [entry]})
        assert read_active(Reply(text=text)) == [evolve(NUMBER, phone=None, rented_at=None)]


@pytest.mark.parametrize(
    "entry",
    [None, [], {}, ENTRY | {"activationId": "-1"}, ENTRY | {"serviceCode": None}],
    ids=["null", "list", "empty", "id", "service"],
)
def test_one_bad_number_spoils_the_whole_list(entry: object) -> None:
    text = json.dumps({"activeActivations": [ENTRY, entry]})
    assert isinstance(read_active(Reply(text=text)), Unknown)


@pytest.mark.parametrize("text", ["{}", "[]", '{"data": {}}', PAGE])
def test_what_is_no_list_of_numbers_is_unknown(text: str) -> None:
    assert isinstance(read_active(Reply(text=text)), Unknown)
