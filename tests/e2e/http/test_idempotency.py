"""The Idempotency-Key: a retry is safe, and a failure leaves the key free."""

import pytest
from multidict import CIMultiDict

from kiwisms.adapters.simulator.faults import FaultKind
from tests.e2e.http.site import Answer, Customer, Site


async def test_a_replay_has_the_same_bytes_whatever_happened_since(
    site: Site, ada: Customer
) -> None:
    first = await ada.rent(key="order-42")
    assert "Idempotent-Replayed" not in first.headers
    rental = first.json["rental"]
    site.deliver("0042", to=rental["phone"])
    await ada.poll(rental["id"])
    await ada.ask("POST", f"/rentals/{rental['id']}/done")
    replay = await ada.rent(key="order-42")
    assert (replay.status, replay.body) == (201, first.body)
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert site.bought == 1


async def test_unknown_fields_and_spelling_do_not_make_another_request(ada: Customer) -> None:
    first = await ada.rent(key="k", country="187", max_price=1)
    same = await ada.rent(key="k", country_code="187", max_price="1.00", colour="red")
    assert (same.status, same.body) == (201, first.body)


async def test_another_body_under_the_key_is_refused(site: Site, ada: Customer) -> None:
    await ada.rent(key="k")
    assert (await ada.rent(key="k", service="wa")).told == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await ada.rent(key="k", max_price="1")).told == (422, "IDEMPOTENCY_KEY_REUSED")
    assert site.bought == 1


async def test_a_key_belongs_to_one_account_and_one_route(site: Site, ada: Customer) -> None:
    bob = await site.customer(email="bob@example.com")
    rental = (await ada.rent(key="k")).json["rental"]
    assert (await bob.rent(key="k")).status == 201
    site.deliver("0042", to=rental["phone"])
    await ada.poll(rental["id"])
    renew = f"/rentals/{rental['id']}/renew"
    refused = await ada.ask("POST", renew, headers={"Idempotency-Key": "k"})
    assert refused.told == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_renewal_is_replayed_with_200(site: Site, ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    site.deliver("0042", to=rental["phone"])
    await ada.poll(rental["id"])
    renew, key = f"/rentals/{rental['id']}/renew", {"Idempotency-Key": "again"}
    first = await ada.ask("POST", renew, headers=key)
    replay = await ada.ask("POST", renew, headers=key)
    assert (first.status, replay.status) == (201, 200)
    assert first.body == replay.body
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert site.bought == 2


async def test_after_a_day_the_key_is_free(site: Site, ada: Customer) -> None:
    first = await ada.rent(key="k")
    await ada.ask("POST", f"/rentals/{first.json['rental']['id']}/cancel")
    site.clock.advance(24 * 3600 - 1)
    assert (await ada.rent(key="k")).body == first.body
    site.clock.advance(1)
    again = await ada.rent(key="k")
    assert again.status == 201
    assert again.json["rental"]["id"] != first.json["rental"]["id"]


@pytest.mark.parametrize("key", ["", "x" * 257])
async def test_a_key_has_1_to_256_characters(site: Site, ada: Customer, key: str) -> None:
    refused = await ada.rent(key=key)
    assert refused.told == (400, "VALIDATION_ERROR")
    assert "Idempotency-Key" in refused.json["error"]
    assert (await ada.rent(key="x" * 256)).status == 201
    assert site.bought == 1


async def test_two_keys_for_one_request_are_refused(site: Site, ada: Customer) -> None:
    used = (await ada.rent()).json["rental"]
    site.deliver("0042", to=used["phone"])
    await ada.poll(used["id"])

    async def send(path: str, *keys: str) -> Answer:
        lines = [("X-API-Key", ada.key), *(("Idempotency-Key", key) for key in keys)]
        return await site.ask("POST", path, json={"service": "go"}, headers=CIMultiDict(lines))

    for path in ("/api/v1/rentals", f"/api/v1/rentals/{used['id']}/renew"):
        refused = await send(path, "one", "two")
        assert refused.told == (400, "VALIDATION_ERROR")
        assert refused.json["error"] == "Idempotency-Key: must have only one value"
    assert site.bought == 1
    # A header that a proxy repeats still says one thing.
    first = await send("/api/v1/rentals", "one", "one")
    assert (await ada.rent(key="one")).body == first.body


async def test_what_changed_nothing_leaves_the_key_free(site: Site) -> None:
    poor = await site.customer("0.38", "poor@example.com")
    assert (await poor.rent(key="k")).told == (402, "INSUFFICIENT_BALANCE")
    await site.kiwi.wallet.credit(poor.account_id, "1.00", reason="top-up")
    assert (await poor.rent(key="k", service="nothing")).told == (404, "SERVICE_UNAVAILABLE")
    assert (await poor.rent(key="k", carrier="xx")).told == (400, "VALIDATION_ERROR")
    site.break_next("getNumber", FaultKind.TEXT, text="NO_NUMBERS")
    assert (await poor.rent(key="k")).told == (404, "SERVICE_UNAVAILABLE")
    site.break_next("getNumber", FaultKind.DOWN)
    assert (await poor.rent(key="k")).told == (502, "PROVIDER_ERROR")
    assert await poor.balance() == 1.38
    assert (await poor.rent(key="k")).status == 201
    assert await poor.balance() == 0.99
