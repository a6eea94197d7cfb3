"""Each operation of the contract, walked as a customer walks it."""

import pytest

from kiwisms.domain.money import ZERO, cents
from kiwisms.domain.rental_state import State
from tests.e2e.http.site import Customer, Site, assert_is


async def test_the_main_job(site: Site, ada: Customer) -> None:
    assert await ada.balance() == 10.0
    rented = await ada.rent()
    assert rented.status == 201
    assert_is("RentResponse", rented.json)
    made = rented.json["rental"]
    assert made == {
        "id": made["id"],
        "externalId": "999000",
        "phone": made["phone"],
        "service": "go",
        "serviceName": "Google / Gmail / Youtube",
        "price": 0.39,
        "status": "WAITING",
        "expiresAt": "2026-01-01T12:20:00.000Z",
        "asleep": False,
    }
    assert await ada.balance() == 9.61

    site.deliver("0042", to=made["phone"])
    received = await ada.poll(made["id"])
    assert received == {
        **{name: made[name] for name in ("id", "externalId", "phone", "service", "serviceName")},
        "status": "RECEIVED",
        "price": 0.39,
        "codes": ["0042"],
        "otpCode": "0042",
        "expiresAt": made["expiresAt"],
        "createdAt": "2026-01-01T12:00:00.000Z",
        "active": True,
        "secondsRemaining": 1197,
    }
    assert await ada.held() == ZERO

    done = await ada.ask("POST", f"/rentals/{made['id']}/done")
    assert done.status == 200
    assert done.json == {"success": True, "rentalId": made["id"], "status": "COMPLETED"}
    ended = await ada.poll(made["id"])
    assert (ended["status"], ended["active"], ended["secondsRemaining"]) == ("COMPLETED", False, 0)
    assert await ada.balance() == 9.61


async def test_a_cancelled_number_costs_nothing(site: Site, ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    cancelled = await ada.ask("POST", f"/rentals/{rental['id']}/cancel")
    assert cancelled.status == 200
    assert_is("RentalActionResponse", cancelled.json)
    assert cancelled.json == {"success": True, "rentalId": rental["id"], "status": "CANCELLED"}
    assert await ada.balance() == 10.0
    assert site.simulator.upstream.charged == site.simulator.upstream.refunded
    again = await ada.ask("POST", f"/rentals/{rental['id']}/cancel")
    assert again.told == (404, "CANCEL_NOT_ALLOWED")


async def test_a_session_that_runs_out_costs_nothing(site: Site, ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    site.clock.advance(1201)
    assert (await ada.poll(rental["id"]))["status"] == "EXPIRED"
    assert await ada.balance() == 10.0


async def test_active_rentals_are_listed_newest_first(site: Site, ada: Customer) -> None:
    first = (await ada.rent()).json["rental"]
    site.clock.advance(1)
    second = (await ada.rent(service="wa")).json["rental"]
    site.deliver("1", to=first["phone"])
    listed = await ada.ask("GET", "/rentals")
    assert listed.status == 200
    assert_is("RentalListResponse", listed.json)
    assert listed.json["count"] == 2
    told = [(rental["id"], rental["status"]) for rental in listed.json["rentals"]]
    assert told == [(second["id"], "WAITING"), (first["id"], "RECEIVED")]
    await ada.ask("POST", f"/rentals/{first['id']}/done")
    assert (await ada.ask("GET", "/rentals?sync=0")).json["count"] == 1


async def test_without_sync_upstream_is_not_asked(site: Site, ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    site.deliver("0042", to=rental["phone"])
    asked = site.simulator.api.requests["getStatus"]
    assert (await ada.poll(rental["id"], sync=False))["codes"] == []
    assert (await ada.ask("GET", "/rentals?sync=0")).json["rentals"][0]["codes"] == []
    assert site.simulator.api.requests["getStatus"] == asked
    assert (await ada.poll(rental["id"]))["codes"] == ["0042"]


async def test_a_renewed_number_is_the_same_phone(site: Site, ada: Customer) -> None:
    first = (await ada.rent()).json["rental"]
    site.deliver("0042", to=first["phone"])
    await ada.poll(first["id"])
    renewed = await ada.ask("POST", f"/rentals/{first['id']}/renew")
    assert renewed.status == 201
    assert_is("RentResponse", renewed.json)
    made = renewed.json["rental"]
    assert made["phone"] == first["phone"]
    assert made["id"] != first["id"]
    assert await ada.balance() == 9.22
    assert await ada.held() == cents(39)


async def test_a_number_without_a_code_cannot_be_renewed(ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    assert (await ada.ask("POST", f"/rentals/{rental['id']}/renew")).told == (404, "NOT_FOUND")


async def test_services_have_retail_prices_and_stock(site: Site, ada: Customer) -> None:
    listed = await ada.ask("GET", "/services?country=187")
    assert listed.status == 200
    assert_is("ServicesResponse", listed.json)
    assert listed.json["countryCode"] == "187"
    assert listed.json["catalogMode"] is False
    assert listed.json["count"] == len(listed.json["services"]) > 0
    by_code = {each["service"]: each for each in listed.json["services"]}
    assert by_code["go"]["price"] == "0.39"
    assert by_code["wa"]["price"] == "0.86"
    assert (await ada.ask("GET", "/services?country_code=16")).json["countryCode"] == "16"
    assert (await ada.ask("GET", "/services")).json["countryCode"] == "187"
    assert site.bought == 0


async def test_everybody_may_see_the_prices(site: Site) -> None:
    listed = await site.ask("GET", "/api/public/pricing")
    assert listed.status == 200
    assert_is("PublicPricingResponse", listed.json)
    assert {"code": "go", "name": "Google / Gmail / Youtube", "price": "0.39"} in listed.json[
        "services"
    ]


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
async def test_both_ways_to_send_the_key(site: Site, ada: Customer, header: str) -> None:
    key = ada.key if header == "X-API-Key" else f"Bearer {ada.key}"
    assert (await site.ask("GET", "/api/v1/balance", headers={header: key})).status == 200
    wrong = await site.ask("GET", "/api/v1/balance", headers={header: key[:-1] + "!"})
    assert wrong.told == (401, "UNAUTHORIZED")


async def test_wishes_are_priced_and_passed_on(site: Site, ada: Customer) -> None:
    rented = await ada.rent(areas="503,202", carrier="tmo", max_price="0.60")
    assert rented.status == 201
    assert rented.json["rental"]["price"] == 0.57
    assert rented.json["rental"]["phone"][1:4] in {"503", "202"}
    assert (await ada.rent(areas="503", max_price=0.46)).told == (404, "SERVICE_UNAVAILABLE")
    assert (await ada.rent(areas="503", max_price=0.47)).status == 201
    assert site.bought == 2


async def test_what_is_not_mine_is_not_there(site: Site, ada: Customer) -> None:
    bob = await site.customer(email="bob@example.com")
    rental = (await ada.rent()).json["rental"]
    for method, path, told in (
        ("GET", "", (404, "RENTAL_NOT_FOUND")),
        ("POST", "/cancel", (404, "CANCEL_NOT_ALLOWED")),
        ("POST", "/done", (404, "RENTAL_NOT_FOUND")),
        ("POST", "/renew", (404, "NOT_FOUND")),
    ):
        mine = await bob.ask(method, f"/rentals/{rental['id']}{path}")
        nobodys = await bob.ask(method, f"/rentals/nobodys{path}")
        assert mine.told == nobodys.told == told
        assert mine.body == nobodys.body
    assert (await bob.ask("GET", "/rentals")).json == {"rentals": [], "count": 0}
    assert (await site.rental(rental["id"])).state is State.WAITING


async def test_a_suspended_account_may_do_nothing(site: Site, ada: Customer) -> None:
    rental = (await ada.rent()).json["rental"]
    await site.kiwi.accounts.suspend(ada.account_id, reason="a long story")
    site.clock.advance(1)
    for method, path in (
        ("GET", "/balance"),
        ("GET", "/services"),
        ("GET", "/rentals"),
        ("POST", "/rentals"),
        ("GET", f"/rentals/{rental['id']}"),
        ("POST", f"/rentals/{rental['id']}/cancel"),
        ("POST", f"/rentals/{rental['id']}/done"),
        ("POST", f"/rentals/{rental['id']}/renew"),
    ):
        refused = await ada.ask(method, path)
        assert refused.told == (403, "ACCOUNT_SUSPENDED")
        assert b"story" not in refused.body


async def test_a_revoked_key_opens_nothing(site: Site, ada: Customer) -> None:
    assert await ada.balance() == 10.0
    await site.kiwi.keys.revoke(ada.key.split("_")[1])
    assert (await ada.ask("GET", "/balance")).told == (401, "UNAUTHORIZED")
