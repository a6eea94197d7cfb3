"""What stands in a request's body, query and path, and the sentence for what may not."""

import json
from typing import Any

import pytest

from kiwisms.entrypoints.http.openapi import CONTRACT
from kiwisms.entrypoints.http.requests import WANTED
from tests.e2e.http.site import Answer, Customer, Site


@pytest.fixture
def store_url() -> str:
    return "memory://"


async def send(ada: Customer, body: bytes, content_type: str | None = "application/json") -> Answer:
    headers = {} if content_type is None else {"Content-Type": content_type}
    return await ada.ask("POST", "/rentals", data=body, headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"service": "go",}',
        b"{'service': 'go'}",
        b'{"service": "go"} {}',
        b'{"service": "go", "max_price": NaN}',
        b'{"service": "go", "max_price": Infinity}',
        b'{"service": "go", "max_price": 0x1}',
        b'{"service": "go", "max_price": 01}',
        b'{"service": "\\ud800"}',
        b'{"service": "\xff"}',
        b'{"service": "\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"service": "go"}',
        '{"service": "go"}'.encode("utf-16"),
        b"\x00",
        b"service=go",
        b"[" * 5000 + b"]" * 5000,
        b'{"service":' * 5000 + b"1" + b"}" * 5000,
    ],
    ids=lambda body: repr(body[:40]),
)
async def test_what_is_not_json_is_refused(site: Site, ada: Customer, body: bytes) -> None:
    assert (await send(ada, body)).told == (400, "INVALID_JSON")
    assert site.bought == 0


@pytest.mark.parametrize("document", [[], None, True, 7, "go", [{"service": "go"}]])
async def test_what_is_not_an_object_is_refused(ada: Customer, document: object) -> None:
    refused = await send(ada, json.dumps(document).encode())
    assert refused.told == (400, "VALIDATION_ERROR")
    assert refused.json["error"].startswith("body: ")


LONG = "1" * 65
NO_PRICES = [
    "",
    "abc",
    "1e2",
    "\u0661",
    "1,5",
    "$1",
    "0x1",
    "NaN",
    "-inf",
    "1e999999",
    "0",
    "0.000",
    "-0.01",
    "1\0",
]
NO_AREAS = ["50", "5034", "abc", "503;202", "503\0", "-50", "503," * 51]
WRONG: dict[str, list[Any]] = {
    "service": ["", 1, None, [], {}, True, "a\0b", "g\n", LONG],
    "carrier": ["", "xx", "TMO", 1, None],
    "areas": [503, ["503"], None, *NO_AREAS],
    "max_price": [True, None, [], {}, 1e308, -1, 0, 0.0, LONG, *NO_PRICES],
    "country": [187, None, []],
    "country_code": [187, None, []],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in WRONG.items() for value in values],
    ids=lambda given: repr(given)[:24],
)
async def test_a_field_that_cannot_be_used_is_named(
    site: Site, ada: Customer, field: str, value: Any
) -> None:
    wrong: dict[str, Any] = {field: value}
    refused = await ada.rent(**wrong)
    if refused.code == "INVALID_COUNTRY":
        assert field in {"country", "country_code"}
    else:
        assert refused.told == (400, "VALIDATION_ERROR")
        assert refused.json["error"].startswith(f"{field}: ")
    assert len(refused.body) < 400
    assert site.bought == 0
    assert await ada.balance() == 10.0


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (None, "body: must be a JSON object"),
        ({"service": 5}, "service: must be a string of 1 to 64 characters"),
        ({"service": None}, "service: must be a string of 1 to 64 characters"),
        ({"service": ""}, "service: must be a string of 1 to 64 characters"),
        ({"service": " "}, "service: must have 1 to 64 printable characters"),
        ({"max_price": True}, 'max_price: must be dollars, such as 0.50 or "0.50"'),
        ({"max_price": None}, 'max_price: must be dollars, such as 0.50 or "0.50"'),
        ({"max_price": "$1"}, "max_price: is not an amount of dollars, such as 0.50"),
        ({"max_price": -1}, "max_price: must be more than 0"),
        ({"areas": 503}, 'areas: must be a string, such as "503,202"'),
        ({"areas": ["503"]}, 'areas: must be a string, such as "503,202"'),
        (
            {"areas": "503," * 51},
            "areas: must be at most 50 area codes of three digits, such as 503,202",
        ),
        ({"carrier": None}, "carrier: must be one of tmo, vz, att"),
        ({"carrier": "x" * 1000}, "carrier: must be one of tmo, vz, att"),
        ({"country": 187}, 'country: must be a string, such as "187"'),
        ({"country_code": None}, 'country_code: must be a string, such as "187"'),
    ],
    ids=lambda given: repr(given)[:32],
)
async def test_the_sentence_says_what_to_write_instead(
    ada: Customer, body: dict[str, Any] | None, sentence: str
) -> None:
    whole = body if body is None else {"service": "go", **body}
    refused = await send(ada, json.dumps(whole).encode())
    assert refused.told == (400, "VALIDATION_ERROR")
    assert refused.json["error"] == sentence


def test_there_is_a_sentence_for_each_field_of_the_contract() -> None:
    fields = CONTRACT["components"]["schemas"]["RentRequest"]["properties"]
    assert WANTED.keys() == {"body", *fields}


async def test_a_missing_service_is_named(ada: Customer) -> None:
    refused = await send(ada, b"{}")
    assert refused.told == (400, "VALIDATION_ERROR")
    assert refused.json["error"] == "service: is missing"


@pytest.mark.parametrize("field", ["country", "country_code"])
@pytest.mark.parametrize("value", ["", "0", "1", "187 ", "0187", "us", "-187"])
async def test_another_country_is_refused(ada: Customer, field: str, value: str) -> None:
    wrong: dict[str, Any] = {field: value}
    assert (await ada.rent(**wrong)).told == (400, "INVALID_COUNTRY")
    listed = await ada.ask("GET", f"/services?{field}={value}")
    assert listed.told == (400, "INVALID_COUNTRY")
    assert listed.json["error"] == "Unsupported country code"


async def test_both_names_of_the_country_must_agree(site: Site, ada: Customer) -> None:
    refused = await ada.rent(country="187", country_code="16")
    assert refused.told == (400, "VALIDATION_ERROR")
    assert refused.json["error"].startswith("country_code: ")
    listed = await ada.ask("GET", "/services?country=187&country_code=16")
    assert listed.told == (400, "VALIDATION_ERROR")
    assert site.bought == 0
    assert (await ada.rent(country="187", country_code="187")).status == 201
    assert (await ada.ask("GET", "/services?country=16&country_code=16")).status == 200


@pytest.mark.parametrize("query", ["country=187&country=16", "country_code=16&country_code=187"])
async def test_a_country_is_asked_for_once(ada: Customer, query: str) -> None:
    name = query.partition("=")[0]
    refused = await ada.ask("GET", f"/services?{query}")
    assert refused.told == (400, "VALIDATION_ERROR")
    assert refused.json["error"] == f"{name}: must have only one value"
    assert (await ada.ask("GET", f"/services?{name}=16&{name}=16")).json["countryCode"] == "16"


@pytest.mark.parametrize("path", ["/rentals", "/rentals/any"])
async def test_sync_is_said_once(ada: Customer, path: str) -> None:
    refused = await ada.ask("GET", f"{path}?sync=0&sync=1")
    assert refused.told == (400, "VALIDATION_ERROR")
    assert refused.json["error"] == "sync: must have only one value"


@pytest.mark.parametrize("sync", ["", "2", "true", "00", "%00", "-1"])
@pytest.mark.parametrize("path", ["/rentals", "/rentals/any"])
async def test_sync_is_0_or_1(ada: Customer, path: str, sync: str) -> None:
    refused = await ada.ask("GET", f"{path}?sync={sync}")
    assert refused.told == (400, "VALIDATION_ERROR")
    assert refused.json["error"] == "sync: must be 0 or 1"


@pytest.mark.parametrize("price", ["0.39", 0.39, "1", 1, 100, 1e2, 0.390000000001, "00.50"])
async def test_a_price_may_be_a_text_or_a_number(ada: Customer, price: Any) -> None:
    rented = await ada.rent(max_price=price)
    assert rented.status == 201
    assert rented.json["rental"]["price"] == 0.39


@pytest.mark.parametrize("price", ["0.38", 0.38, 0.3899, "0.000001"])
async def test_a_lower_price_finds_nothing(site: Site, ada: Customer, price: Any) -> None:
    assert (await ada.rent(max_price=price)).told == (404, "SERVICE_UNAVAILABLE")
    assert site.bought == 0


@pytest.mark.parametrize("areas", ["", " ", ",", "503", "503,202", " 503 , 202 ,"])
async def test_areas_are_codes_with_commas(ada: Customer, areas: str) -> None:
    assert (await ada.rent(areas=areas)).status == 201


async def test_fields_that_nobody_knows_are_ignored(ada: Customer) -> None:
    rented = await ada.rent(colour="red", Service="wa", nested={"a": [None]})
    assert rented.status == 201
    assert rented.json["rental"]["service"] == "go"
    assert (await ada.ask("GET", "/balance?colour=red&sync=7")).status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "text/plain",
        "application/x-www-form-urlencoded",
        "x",
        None,
    ],
)
async def test_json_is_read_whatever_it_is_called(ada: Customer, content_type: str | None) -> None:
    # curl -d says that it sends a form.
    assert (await send(ada, b'{"service": "go"}', content_type)).status == 201


async def test_a_number_too_long_for_a_float_is_a_price_out_of_range(ada: Customer) -> None:
    for digits in (b"9" * 400, b"1e400", b"-1e400"):
        refused = await send(ada, b'{"service": "go", "max_price": ' + digits + b"}")
        assert refused.status == 400


@pytest.mark.parametrize(
    "rental_id", ["%00", "%ff", "%ED%A0%80", "..%2f..", "x" * 4000, "'", "%F0%9F%A5%9D", "*", "-1"]
)
async def test_a_strange_id_is_nobodys(ada: Customer, rental_id: str) -> None:
    assert (await ada.ask("GET", f"/rentals/{rental_id}")).told == (404, "RENTAL_NOT_FOUND")
    assert (await ada.ask("POST", f"/rentals/{rental_id}/cancel")).told == (
        404,
        "CANCEL_NOT_ALLOWED",
    )
    assert (await ada.ask("POST", f"/rentals/{rental_id}/done")).told == (404, "RENTAL_NOT_FOUND")
    assert (await ada.ask("POST", f"/rentals/{rental_id}/renew")).told == (404, "NOT_FOUND")


@pytest.mark.parametrize("key", ["a b", "ключ", "é", "🥝"])
async def test_an_idempotency_key_may_be_any_text(site: Site, ada: Customer, key: str) -> None:
    first = await ada.rent(key=key)
    assert first.status == 201
    assert (await ada.rent(key=key)).body == first.body
    assert site.bought == 1


@pytest.mark.parametrize("key", ["a\tb", "\u00a0", "\u200b"])
async def test_an_idempotency_key_can_be_printed(site: Site, ada: Customer, key: str) -> None:
    refused = await ada.rent(key=key)
    assert refused.told == (400, "VALIDATION_ERROR")
    assert refused.json["error"] == "Idempotency-Key: must have 1 to 256 printable characters"
    assert site.bought == 0
