"""``/openapi.json``: all that the user's contract says, and no answer that it does not."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from jsonschema_rs import Draft202012Validator

from kiwisms.adapters.simulator.faults import FaultKind
from kiwisms.entrypoints.http.openapi import ADDITIONS, CONTRACT, merged
from kiwisms.ports.store import StoreUnavailable
from tests.e2e.cli.programs import until
from tests.e2e.http.breakable import Breakable, breakable
from tests.e2e.http.site import WIDE, Answer, Customer, Json, Site, open_site

PUBLIC_URL = "https://sms.example.com"
NARROW = replace(WIDE, rate_rent_per_minute=1, rate_read_per_minute=1, rate_public_per_minute=1)


async def served(settings: Any = WIDE) -> Json:
    async with open_site("memory://", settings) as site:
        answer = await site.ask("GET", "/openapi.json")
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return answer.json


def facts(document: Json, place: str = "") -> Iterator[tuple[str, object]]:
    """Every leaf of a document, with the way to it."""
    if isinstance(document, dict) and document:
        for name, value in document.items():
            yield from facts(value, f"{place}/{name}")
    elif isinstance(document, list) and document:
        for number, value in enumerate(document):
            yield from facts(value, f"{place}/{number}")
    else:
        yield place, document


async def test_every_fact_of_the_users_contract_is_served() -> None:
    ours = ("/servers/", "/info/description")
    given = {place: fact for place, fact in facts(CONTRACT) if not place.startswith(ours)}
    told = dict(facts(await served()))
    assert len(given) > 350
    assert {place: told.get(place) for place in given} == given


async def test_what_is_served_beyond_it_is_declared() -> None:
    document = await served(replace(WIDE, public_url=PUBLIC_URL + "/"))
    assert document.pop("servers") == [{"url": PUBLIC_URL, "description": "Current deployment"}]
    declared = merged(CONTRACT, ADDITIONS)
    del declared["servers"]
    about = CONTRACT["info"]["description"].replace(
        "Create an API key in the dashboard (`/dashboard/api-keys`).",
        "The operator of this service issues API keys.",
    )
    assert document == {**declared, "info": {**declared["info"], "description": about}}


async def test_every_path_that_it_names_is_there() -> None:
    texts = [str(fact) for _, fact in facts(await served())]
    named = {path for text in texts for path in re.findall(r"`(/[^`]*)`", text)}
    assert named == {"/docs", "/openapi.json"}
    async with open_site("memory://") as site:
        assert [path for path in named if (await site.ask("GET", path)).status != 200] == []


async def test_it_says_that_other_fields_are_ignored() -> None:
    schema = (await served())["components"]["schemas"]["RentRequest"]
    assert schema["description"] == "Other fields are ignored."
    Draft202012Validator(schema).validate({"service": "go", "colour": "red"})


async def test_it_is_openapi_3_1() -> None:
    document = await served()
    schemathesis.openapi.from_dict(document).validate()
    wrong = {**document, "info": {}}
    with pytest.raises(Exception, match="title"):
        schemathesis.openapi.from_dict(wrong).validate()


async def test_its_examples_are_what_it_says() -> None:
    document = await served()
    responses = [*document["components"]["responses"].values()] + [
        response
        for operations in document["paths"].values()
        for operation in operations.values()
        for response in operation["responses"].values()
    ]
    content = [each for response in responses for each in response.get("content", {}).values()]
    examples = [each for each in content if "example" in each]
    for each in examples:
        schema = {**each["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(each["example"])
    assert len(examples) > 10


async def test_every_route_is_declared_and_every_operation_is_routed() -> None:
    document = await served()
    async with open_site("memory://") as site:
        routed = {
            (route.method.lower(), route.resource.canonical)
            for route in site.kiwi.http().router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
    assets = {(method, path) for method, path in routed if path.startswith("/docs/")}
    # The provider's door is none of the customers' business.
    others = {(method, path) for method, path in routed if path.startswith("/push/")}
    assert len(others) == 1
    assert routed - assets - others == {
        (method, path) for path, operations in document["paths"].items() for method in operations
    }


OPERATIONS: Mapping[str, tuple[str, str]] = {
    operation["operationId"]: (method.upper(), path)
    for path, operations in CONTRACT["paths"].items()
    for method, operation in operations.items()
}
NEEDS_A_KEY = OPERATIONS.keys() - {"getPublicPricing"}


class Walk:
    """Calls operations by their name, and remembers the statuses."""

    def __init__(self) -> None:
        self.seen: defaultdict[str, set[str]] = defaultdict(set)

    async def ask(
        self, who: Customer | Site, name: str, rental_id: str = "x", query: str = "", **how: Any
    ) -> Answer:
        method, path = OPERATIONS[name]
        path = path.replace("{id}", rental_id) + query
        if isinstance(who, Customer):
            answer = await who.ask(method, path.removeprefix("/api/v1"), **how)
        else:
            answer = await who.ask(method, path, **how)
        self.seen[name].add(str(answer.status))
        return answer

    async def all(self, who: Customer | Site) -> None:
        for name in NEEDS_A_KEY:
            await self.ask(who, name, json={"service": "go"} if name == "createRental" else None)


async def test_every_status_is_declared_and_every_declared_status_can_come() -> None:
    walk = Walk()
    async with open_site("memory://") as site:
        await use(walk, site)
        await misuse(walk, site, await site.customer("5.00", "eve@example.com"))
        await fail_upstream(walk, site, await site.customer("5.00", "bob@example.com"))
        await collide(walk, site, await site.customer("5.00", "dan@example.com"))
        suspended = await site.customer(email="mallory@example.com")
        await site.kiwi.accounts.suspend(suspended.account_id, reason="x")
        await walk.all(suspended)
        await walk.all(site)
    async with open_site("memory://", NARROW) as site:
        for _ in range(2):
            await walk.ask(site, "getPublicPricing")
            await walk.all(await site.customer(email=f"c{_}@example.com"))
            for name in NEEDS_A_KEY:
                one = await site.customer(email=f"{name.lower()}{_}@example.com")
                await walk.ask(one, name)
                await walk.ask(one, name)
    for error in (StoreUnavailable("gone"), RuntimeError("a bug")):
        broken, store = breakable()
        async with open_site(store) as site:
            await break_store(walk, site, broken, error)

    declared = {
        operation["operationId"]: set(operation["responses"])
        for operations in merged(CONTRACT, ADDITIONS)["paths"].values()
        for operation in operations.values()
        if operation["operationId"] in OPERATIONS
    }
    # What nobody foresaw can befall the price list too, but the store is none of its parts.
    declared["getPublicPricing"].remove("500")
    declared["createRental"].remove("408")  # test_wire.py waits for that one
    assert walk.seen == declared


async def use(walk: Walk, site: Site) -> None:
    ada = await site.customer()
    await walk.all(ada)
    await walk.ask(site, "getPublicPricing")
    rental = (await walk.ask(ada, "createRental", json={"service": "go"})).json["rental"]
    await walk.ask(ada, "getRental", rental["id"])
    site.deliver("0042", to=rental["phone"])
    await walk.ask(ada, "completeRental", rental["id"])
    for _ in range(2):
        renewed = await walk.ask(ada, "renewRental", rental["id"], headers={"Idempotency-Key": "k"})
    await walk.ask(ada, "cancelRental", renewed.json["rental"]["id"])
    poor = await site.customer("0.39", "poor@example.com")
    first = (await walk.ask(poor, "createRental", json={"service": "go"})).json["rental"]
    await walk.ask(poor, "createRental", json={"service": "go"})
    site.deliver("0042", to=first["phone"])
    await walk.ask(poor, "getRental", first["id"])
    await walk.ask(poor, "renewRental", first["id"])


async def misuse(walk: Walk, site: Site, eve: Customer) -> None:
    await walk.ask(eve, "listServices", query="?country=1")
    await walk.ask(eve, "listRentals", query="?sync=2")
    await walk.ask(eve, "getRental", query="?sync=2")
    await walk.ask(eve, "createRental", data=b"{")
    await walk.ask(eve, "createRental", data=b" " * 70_000)
    await walk.ask(eve, "createRental", data=b"{}", headers={"Content-Encoding": "compress"})
    await walk.ask(eve, "createRental", json={"service": "nothing"})
    await walk.ask(eve, "renewRental", headers={"Idempotency-Key": ""})
    rental = (await eve.rent(key="k")).json["rental"]
    await walk.ask(eve, "createRental", json={"service": "wa"}, headers={"Idempotency-Key": "k"})
    site.deliver("0042", to=rental["phone"])
    await eve.poll(rental["id"])
    await walk.ask(eve, "renewRental", rental["id"], headers={"Idempotency-Key": "k"})


async def fail_upstream(walk: Walk, site: Site, bob: Customer) -> None:
    used, waiting = [(await bob.rent()).json["rental"] for _ in range(2)]
    site.deliver("0042", to=used["phone"])
    await bob.poll(used["id"])
    site.clock.advance(31)
    await bob.ask("GET", "/services")
    for action in ("getNumber", "getExtraActivation", "setStatus", "getStatus"):
        site.break_next(action, FaultKind.DOWN, times=None)
    await walk.ask(bob, "createRental", json={"service": "go"})
    await walk.ask(bob, "renewRental", used["id"])
    await walk.ask(bob, "cancelRental", waiting["id"])
    await walk.ask(bob, "completeRental", waiting["id"])
    site.break_next("getPrices", FaultKind.DOWN, times=None)
    await walk.ask(bob, "listServices", query="?country=48")
    site.simulator.api.faults.clear()


async def collide(walk: Walk, site: Site, dan: Customer) -> None:
    rental = (await dan.rent()).json["rental"]
    site.deliver("0042", to=rental["phone"])
    await dan.poll(rental["id"])

    async def twice_at_once(action: str, name: str, **how: Any) -> None:
        async def asked() -> int:
            return site.simulator.api.requests[action]

        site.break_next(action, FaultKind.SLOW, seconds=0.1)
        before = await asked()
        how["headers"] = {"Idempotency-Key": name}
        first = asyncio.create_task(walk.ask(dan, name, rental["id"], **how))
        await until(asked, before.__lt__)
        assert (await walk.ask(dan, name, rental["id"], **how)).status == 409
        assert (await first).status == 201

    await twice_at_once("getNumber", "createRental", json={"service": "go"})
    await twice_at_once("getExtraActivation", "renewRental")


async def break_store(walk: Walk, site: Site, store: Breakable, error: Exception) -> None:
    ada = await site.customer()
    store.error = error
    await walk.all(ada)
    store.error = None
