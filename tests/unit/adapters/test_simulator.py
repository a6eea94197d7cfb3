"""The simulated upstream can be moved and broken from outside, over real HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession
from attrs import frozen

from kiwisms.adapters.daisysms import DaisySMS
from kiwisms.adapters.simulator.server import Simulator
from kiwisms.domain.catalog import Catalog, CountryCode, ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.domain.sms import Code
from kiwisms.ports.provider import (
    Cancelled,
    NumberOrder,
    Received,
    Refusal,
    Refused,
    Rented,
    TooEarly,
    Unknown,
    Waiting,
)
from kiwisms.testing.clock import ManualClock

USA = CountryCode("187")


@frozen
class World:
    """A simulator, its control interface, and a provider in front of it."""

    simulator: Simulator
    provider: DaisySMS
    clock: ManualClock
    http: ClientSession

    async def post(self, path: str, command: object, status: int = 200) -> dict[str, Any]:
        url = f"{self.simulator.control_url}/{path}"
        async with self.http.post(url, json=command) as response:
            assert response.status == status
            told: dict[str, Any] = await response.json()
            return told

    async def state(self) -> dict[str, Any]:
        async with self.http.get(f"{self.simulator.control_url}/state") as response:
            told: dict[str, Any] = await response.json()
            return told

    async def rent(self, service: str = "go", most: str = "5") -> Rented | Refused | Unknown:
        order = NumberOrder(service=ServiceCode(service), country=USA, max_cost=Money.parse(most))
        return await self.provider.rent(order)

    async def number(self) -> ActivationId:
        rented = await self.rent()
        assert isinstance(rented, Rented)
        return rented.activation_id


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = ManualClock()
    async with (
        Simulator(clock) as simulator,
        DaisySMS(simulator.url, simulator.key, timeout=5) as provider,
        ClientSession() as http,
    ):
        yield World(simulator, provider, clock, http)


async def test_a_message_is_delivered_to_the_newest_number_or_to_the_one_that_is_named(
    world: World,
) -> None:
    first, second = await world.number(), await world.number()
    told = await world.post("messages", {"code": "0042"})
    assert told["id"] == second
    told = await world.post("messages", {"code": "007", "text": "your code: 007", "to": first})
    assert told["messages"] == [
        {"code": "007", "text": "your code: 007", "at": world.clock.now().isoformat()}
    ]
    assert await world.provider.look(first) == Received(code=Code("007"), text="your code: 007")
    again = await world.post("messages", {"code": "1", "to": told["phone"]})
    assert again["id"] == first
    assert await world.post("messages", {"code": "1", "to": "nobody"}, 409)


async def test_upstream_takes_back_a_number_by_itself(world: World) -> None:
    number = await world.number()
    assert (await world.post("withdraw", {"id": number}))["state"] == "CANCELLED"
    assert await world.provider.look(number) == Cancelled()
    assert await world.post("withdraw", {"id": number}, 409)
    assert (await world.state())["refunded"] == "0.30"


async def test_what_is_sold_can_be_changed_and_added(world: World) -> None:
    await world.post("services", {"service": "go", "price": 0.45, "count": 1, "multi": True})
    await world.post("services", {"service": "zz", "price": "1.00", "count": 7, "name": "Zed"})
    assert await world.post("services", {"service": "yy"}, 409)
    catalog = await world.provider.catalog(USA)
    assert isinstance(catalog, Catalog)
    go, zed = catalog.offers[ServiceCode("go")], catalog.offers[ServiceCode("zz")]
    assert (str(go.cost), go.count, go.multi_sms) == ("0.45", 1, True)
    assert (str(zed.cost), zed.count, zed.name) == ("1.00", 7, "Zed")
    await world.number()
    assert await world.rent() == Refused(Refusal.NO_NUMBERS)


async def test_the_account_can_be_changed(world: World) -> None:
    await world.post("settings", {"balance": "0.50", "cancel_after": 120, "session": 300})
    number = await world.number()
    assert await world.provider.cancel(number) == TooEarly()
    assert await world.rent() == Refused(Refusal.NO_MONEY)
    world.clock.advance(300)
    assert await world.provider.look(number) == Cancelled()
    assert (await world.state())["balance"] == "0.50"
    await world.post("settings", {"most_waiting": 0})
    assert await world.rent() == Refused(Refusal.TOO_MANY_WAITING)


async def test_codes_can_come_by_themselves(world: World) -> None:
    await world.post("settings", {"code_after": 5})
    number = await world.number()
    world.clock.advance(4.9)
    assert await world.provider.look(number) == Waiting()
    world.clock.advance(0.1)
    assert isinstance(await world.provider.look(number), Received)
    await world.post("settings", {"code_after": -1})
    number = await world.number()
    world.clock.advance(60)
    assert await world.provider.look(number) == Waiting()


async def test_the_state_has_money_numbers_and_requests(world: World) -> None:
    number = await world.number()
    state = await world.state()
    assert (state["balance"], state["charged"], state["refunded"]) == ("99.70", "0.30", "0.00")
    [activation] = state["activations"]
    assert (activation["id"], activation["state"]) == (number, "WAITING")
    assert state["requests"] == {"getNumber": 1}
    assert world.simulator.key not in str(state)


@pytest.mark.parametrize("kind", ["down", "garbage", "page", "huge"])
@pytest.mark.parametrize("after", [False, True])
async def test_an_answer_goes_wrong_before_or_after_upstream_acts(
    world: World, kind: str, after: bool
) -> None:
    await world.post("faults", {"kind": kind, "action": "getNumber", "after": after})
    assert isinstance(await world.rent(), Unknown)
    state = await world.state()
    assert (len(state["activations"]), state["requests"]["getNumber"]) == (after, 1)
    assert isinstance(await world.rent(), Rented)


async def test_a_silent_upstream_is_waited_for_no_longer_than_allowed(world: World) -> None:
    await world.post("faults", {"kind": "silent", "after": True})
    async with DaisySMS(world.simulator.url, world.simulator.key, timeout=0.1) as impatient:
        order = NumberOrder(service=ServiceCode("go"), country=USA, max_cost=Money.parse("0.30"))
        assert isinstance(await impatient.rent(order), Unknown)
    assert len((await world.state())["activations"]) == 1


async def test_a_slow_upstream_answers_the_truth(world: World) -> None:
    await world.post("faults", {"kind": "slow", "seconds": 0.02})
    assert isinstance(await world.rent(), Rented)
    await world.post("faults", {"kind": "slow", "seconds": 0.02, "after": True})
    assert isinstance(await world.rent(), Rented)


async def test_a_text_is_said_with_a_status_as_often_as_wished(world: World) -> None:
    await world.post(
        "faults",
        {"kind": "text", "text": "NO_NUMBERS", "status": 403, "times": 2, "action": "getNumber"},
    )
    assert await world.provider.balance() == Money.parse(100)
    for _ in range(2):
        assert await world.rent() == Refused(Refusal.NO_NUMBERS)
    assert isinstance(await world.rent(), Rented)


async def test_faults_last_until_they_are_cleared(world: World) -> None:
    await world.post("faults", {"kind": "page", "status": 503, "times": None})
    for _ in range(3):
        assert isinstance(await world.provider.balance(), Unknown)
    async with world.http.delete(f"{world.simulator.control_url}/faults") as response:
        assert response.status == 200
    assert await world.provider.balance() == Money.parse(100)


async def test_a_fault_of_one_status_applies_to_that_status_alone(world: World) -> None:
    number = await world.number()
    await world.post("faults", {"kind": "text", "text": "ACCESS_READY", "action": "setStatus=8"})
    await world.provider.ask_next(number)
    assert str(await world.provider.cancel(number)) == "Ambiguous()"
    assert await world.provider.cancel(number) == Cancelled()


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("messages", {}),
        ("messages", []),
        ("messages", None),
        ("messages", {"code": "1", "who": "me"}),
        ("withdraw", "999000"),
        ("services", {"service": "go", "price": "dear"}),
        ("services", {"service": "go", "price": {}}),
        ("settings", {"session": "long"}),
        ("settings", {"unknown": 1}),
        ("faults", {"kind": "strange"}),
        ("faults", {"kind": "down", "times": 0}),
        ("faults", {"kind": "down", "action": "getFree"}),
    ],
)
async def test_a_command_that_cannot_be_read_is_refused(
    world: World, path: str, command: object
) -> None:
    assert (await world.post(path, command, 400))["error"]


async def test_what_is_not_json_is_refused(world: World) -> None:
    for body in (b"{", b"\xff", b""):
        async with world.http.post(
            f"{world.simulator.control_url}/messages", data=body
        ) as response:
            assert response.status == 400


async def test_another_key_is_refused(world: World) -> None:
    async with DaisySMS(world.simulator.url, "another key") as stranger:
        assert await stranger.balance() == Refused(Refusal.BAD_KEY)
        assert await stranger.catalog(USA) == Refused(Refusal.BAD_KEY)
        number = await world.number()
        assert await stranger.look(number) == Refused(Refusal.BAD_KEY)
        assert await stranger.finish(number) == Refused(Refusal.BAD_KEY)
        assert await stranger.cancel(number) == Refused(Refusal.BAD_KEY)


async def test_an_unknown_action_is_said_to_be_one(world: World) -> None:
    query = {"api_key": world.simulator.key, "action": "getFree"}
    async with world.http.get(world.simulator.url, params=query) as response:
        assert await response.text() == "BAD_ACTION"
    assert (await world.state())["requests"] == {"other": 1}


async def test_it_can_be_stopped_twice() -> None:
    simulator = Simulator(ManualClock())
    assert simulator.url == simulator.control_url == ""
    await simulator.start()
    await simulator.stop()
    await simulator.stop()
