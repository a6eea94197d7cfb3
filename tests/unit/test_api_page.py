"""What the page for the API's customers says is true of the code."""

import json
import re
from typing import Final

import kiwisms
from kiwisms.domain.delivery import MAX_FAILURES, RETRY_DELAYS
from kiwisms.domain.events import WebhookEvent
from kiwisms.domain.rental_state import SHOWN
from kiwisms.entrypoints.http.documents import rental as document_of
from kiwisms.entrypoints.http.errors import GENERIC_ERRORS, STATUS
from kiwisms.entrypoints.settings import Settings
from kiwisms.testing.kit import Kit
from tests.pages import ROOT, of_kind, prose_of, rows

API: Final = ROOT / "docs/api.md"
HIDDEN: Final = {status for status in GENERIC_ERRORS if status >= 500}
"""With these the server does not say what was wrong."""
NOT_CUSTOMERS: Final = {
    kiwisms.AccountNotFound,
    kiwisms.ApiKeyNotFound,
    kiwisms.BooksInMotion,
    kiwisms.DeliveryNotFound,
    kiwisms.EmailTaken,
    kiwisms.GiveUpNotAllowed,
    kiwisms.IncidentNotFound,
    kiwisms.IncidentResolved,
    kiwisms.NumberTaken,
    kiwisms.ReferenceReused,
    kiwisms.WebhookNotFound,
}
"""What only commands, programs that embed kiwisms, and its own use cases can meet."""


async def test_the_rental_and_the_events_on_the_page_have_the_fields_of_real_ones() -> None:
    shown, *told = [json.loads(block.text) for block in of_kind("json", API)]
    kit = Kit()
    ada = await kit.customer("5.39")
    await kit.kiwi.webhooks.set(
        ada.id,
        "https://ada.example.com/hook",
        events="sms.received,rental.expired,wallet.low",
        low="5.00",
    )
    for _ in range(2):
        rental = await kit.kiwi.rentals.rent(ada.id, service="go")
    kit.provider.deliver("004217", text="Your code is 004217", to=rental.activation_id)
    kit.clock.advance(3)
    await kit.work()
    kit.clock.advance(kit.terms.pace.session.total_seconds())
    await kit.work()
    real = {body["event"]: body for body in (json.loads(sent.body) for sent in kit.sender.tries)}

    assert {body["event"] for body in told} == real.keys()
    for body in told:
        assert list(body) == list(real[body["event"]])
    assert list(shown) == list(document_of(rental, kit.clock.now()))
    headers = {row[0].strip("`") for row in rows(API) if "ebhook-" in row[0]}
    assert headers | {"Content-Type"} == kit.sender.tries[0].headers.keys()


def test_every_event_is_explained() -> None:
    assert {f"`{event}`" for event in WebhookEvent} <= {row[0] for row in rows(API)}


def test_the_schedule_of_webhooks_is_the_one_in_the_code() -> None:
    seconds = {"s": 1, "min": 60, "h": 3600}
    told = re.search(r"tried again after ([^±]+), each", " ".join(prose_of(API).split()))
    assert told is not None
    pauses = re.findall(r"(\d+) (s|min|h)\b", told[1])

    assert [int(number) * seconds[unit] for number, unit in pauses] == [
        pause.total_seconds() for pause in RETRY_DELAYS
    ]
    assert MAX_FAILURES == 8


def test_every_error_of_the_api_is_explained_with_its_status() -> None:
    told = {row[0].strip("`"): int(row[1]) for row in rows(API) if re.fullmatch(r"\d{3}", row[1])}
    own = {code: status for status, (_, code) in GENERIC_ERRORS.items()}
    customers = STATUS.keys() - NOT_CUSTOMERS

    assert told == own | {
        kind.code: STATUS[kind] for kind in customers if STATUS[kind] not in HIDDEN
    }


def test_the_limits_of_the_api_are_the_defaults() -> None:
    told = [row[1].split(",")[0] for row in rows(API) if "429" in row[-1]]
    default = Settings()

    assert told == [
        f"{default.rate_rent_per_minute} a minute",
        f"{default.rate_read_per_minute} a minute",
        f"{default.rate_public_per_minute} a minute",
        f"{default.max_active_rentals}",
        f"{default.cancels_per_hour} an hour",
    ]


def test_every_state_that_customers_see_is_explained() -> None:
    assert {f"`{state}`" for state in SHOWN} <= {row[0] for row in rows(API)}
