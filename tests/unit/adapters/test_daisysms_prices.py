"""Price tables in every shape, and bodies that are none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiwisms.adapters.daisysms.prices import read_offers
from kiwisms.domain.catalog import CountryCode, Offer, ServiceCode
from kiwisms.domain.money import ZERO, Money

USA = CountryCode("187")
GO = ServiceCode("go")
DATA = {"cost": "0.655", "count": "100", "name": "Google", "repeatable": False}
OTHER = {"cost": "9.99", "count": 1, "name": "elsewhere"}
OFFER = Offer(service=GO, name="Google", cost=Money.parse("0.655"), count=100)

names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)
services = st.from_regex(r"[a-z]{2,5}", fullmatch=True)
micros = st.integers(1, 10**9)
offers = st.dictionaries(
    services, st.builds(Offer, service=st.just(GO), name=names, cost=micros.map(Money),
                        count=st.integers(0, 100), multi_sms=st.booleans()),
    min_size=1, max_size=5,
)  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["187", "16", "go", "cost", "price", "count", "name", "multi"])
            | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def read_one(data: object) -> Offer | None:
    read = read_offers(json.dumps({"187": {"go": data, "ok": DATA}}), USA)
    assert read is not None
    assert ServiceCode("ok") in read
    return read.get(GO)


@pytest.mark.parametrize(
    "table",
    [
        {"187": {"go": DATA}, "16": {"go": OTHER}},
        {"go": {"187": DATA, "16": OTHER}},
        {"go": DATA},
        {"187": {"go": DATA}, "status": "ok"},
        {"16": {"187": DATA}, "go": {"187": DATA}},
    ],
    ids=["country first", "service first", "flat", "with a word beside", "numeric service"],
)
def test_the_asked_country_is_found(table: object) -> None:
    read = read_offers(json.dumps(table), USA)
    assert read is not None
    assert read[GO] == OFFER


@pytest.mark.parametrize("table", [{"16": {"go": OTHER}}, {"go": {"16": OTHER}}, {"187": {}}])
def test_a_country_without_offers_has_none(table: object) -> None:
    assert read_offers(json.dumps(table), USA) == {}


@pytest.mark.parametrize("text", ["{}", "[]", '{"187": []}'])
def test_an_empty_table_has_no_offers(text: str) -> None:
    assert read_offers(text, USA) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BAD_KEY",
        "<html>",
        "null",
        "5",
        '"go"',
        "[1]",
        '{"error": "BAD_KEY"}',
        '{"status": "error", "data": {"message": "no"}}',
        '{"187": {"go": "0.30"}}',
        '{"187"',
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_a_text_that_is_no_table_is_recognized(text: str) -> None:
    assert read_offers(text, USA) is None


@pytest.mark.parametrize("key", ["cost", "price", "retail_price"])
@pytest.mark.parametrize("cost", ["0.655", 0.655, "6.55e-1"])
def test_a_cost_has_many_names_and_forms(key: str, cost: object) -> None:
    offer = read_one({key: cost, "count": 5})
    assert offer is not None
    assert offer.cost == Money.parse("0.655")


def test_a_cost_that_was_a_float_costs_the_customer_no_cent_more() -> None:
    read = read_offers('{"go": {"cost": 0.30000000000000004, "count": 1}}', USA)
    assert read is not None
    assert read[GO].cost == Money(300_000)


@pytest.mark.parametrize("count", ["100", 100])
def test_a_capped_count_stays_what_it_is(count: object) -> None:
    offer = read_one({"cost": 1, "count": count})
    assert offer is not None
    assert offer.count == 100


@pytest.mark.parametrize("key", ["repeatable", "multi", "multipleMessages", "multiSms"])
@pytest.mark.parametrize(
    ("value", "multi"),
    [(True, True), (1, True), ("1", True), (False, False), (0, False), ([], False)],
)
def test_several_messages_have_many_names(key: str, value: object, multi: bool) -> None:
    offer = read_one({"cost": 1, "count": 1, key: value})
    assert offer is not None
    assert offer.multi_sms is multi


@pytest.mark.parametrize(
    "data",
    [
        None,
        "0.30",
        [],
        {"count": 1},
        {"cost": "0", "count": 1},
        {"cost": "-1", "count": 1},
        {"cost": "free", "count": 1},
        {"cost": True, "count": 1},
        {"cost": {}, "count": 1},
        {"cost": 1},
        {"cost": 1, "count": "many"},
        {"cost": 1, "count": 1.5},
        {"cost": 1, "count": None},
        {"cost": float("nan"), "count": 1},
    ],
)
def test_a_bad_entry_is_dropped_alone(data: object) -> None:
    assert read_one(data) is None


def test_a_service_code_must_look_like_one() -> None:
    table = dict.fromkeys(("go", "", "a b", "x" * 33, "é", "a/b", "1688"), DATA)
    read = read_offers(json.dumps({"187": table}), USA)
    assert read is not None
    assert set(read) == {"go", "1688"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (None, "go"),
        ("", "go"),
        ("\u0007\u202e", "go"),
        ([], "go"),
        ("Goo\u001b[31mgle\u202e", "Goo[31mgle"),
        (" Google \n/ Gmail ", "Google / Gmail"),
        ("\ud800ok", "ok"),
        ("x" * 500, "x" * 100),
    ],
)
def test_a_name_can_be_shown(name: object, shown: str) -> None:
    offer = read_one({"cost": 1, "count": 1, "name": name})
    assert offer is not None
    assert offer.name == shown


def written(offer: Offer) -> dict[str, object]:
    return {
        "cost": str(offer.cost),
        "count": str(offer.count),
        "name": offer.name,
        "multi": offer.multi_sms,
    }


@given(offers, st.sampled_from(["country", "service", "flat"]))
def test_what_is_written_is_read_in_every_shape(table: dict[str, Offer], shape: str) -> None:
    rows: dict[str, Any] = {code: written(offer) for code, offer in table.items()}
    if shape == "country":
        rows = {"187": rows, "16": {"go": OTHER}}
    elif shape == "service":
        rows = {code: {"187": data, "16": OTHER} for code, data in rows.items()}
    read = read_offers(json.dumps(rows), USA)
    assert read is not None
    assert {code: written(offer) for code, offer in read.items()} == {
        code: written(offer) for code, offer in table.items()
    }


@given(anything.map(json.dumps) | st.text())
def test_no_body_raises_and_no_offer_is_free(text: str) -> None:
    for offer in (read_offers(text, USA) or {}).values():
        assert offer.cost > ZERO
        assert offer.count >= 0
        assert offer.name
        offer.name.encode()
