"""The provider pushes messages to a secret address: over real HTTP, and with the real simulator."""

import asyncio

import pytest

from kiwisms.adapters.simulator.faults import FaultKind
from kiwisms.domain.ids import ActivationId
from kiwisms.ports.store import StoreUnavailable
from tests.e2e.cli.programs import until
from tests.e2e.http.breakable import breakable
from tests.e2e.http.site import Answer, Customer, Json, Site, open_site


def document(rental: Json, code: str = "0042", message_id: int = 999) -> dict[str, Json]:
    """What the provider's documentation shows."""
    return {
        "activationId": int(rental["externalId"]),
        "messageId": message_id,
        "service": "go",
        "text": f"{code} is your Google verification code",
        "code": code,
        "country": 0,
        "receivedAt": "2022-06-01 17:30:57",
    }


def address(site: Site) -> str:
    return f"/push/{site.kiwi.pushes.secret}"


async def push(site: Site, body: Json) -> Answer:
    return await site.ask("POST", address(site), json=body)


@pytest.fixture
async def rental(ada: Customer) -> Json:
    return (await ada.rent()).json["rental"]


async def work(site: Site) -> None:
    """Do what is due, as a worker does."""
    for due in await site.kiwi.background.claim_rentals(100):
        await site.kiwi.background.process_rental(due)
    for incident in await site.kiwi.background.claim_incidents(100):
        await site.kiwi.background.trace(incident)


async def test_a_push_brings_the_code_without_waiting_for_the_next_look(
    site: Site, ada: Customer, rental: Json
) -> None:
    site.simulator.upstream.deliver("0042", site.clock.now())
    answer = await push(site, document(rental))
    assert (answer.status, answer.json) == (200, {"status": "ok"})
    await work(site)
    assert (await ada.poll(rental["id"], sync=False))["otpCode"] == "0042"


async def test_a_poll_that_comes_after_a_push_sees_it(
    site: Site, ada: Customer, rental: Json
) -> None:
    site.simulator.upstream.deliver("0042", site.clock.now())
    assert (await ada.poll(rental["id"]))["codes"] == []
    await push(site, document(rental))
    assert (await ada.poll(rental["id"]))["codes"] == ["0042"]


async def test_a_burst_of_the_same_push_changes_nothing(
    site: Site, ada: Customer, rental: Json
) -> None:
    site.simulator.upstream.deliver("0042", site.clock.now())
    for _ in range(20):
        answers = await asyncio.gather(*(push(site, document(rental)) for _ in range(50)))
        assert {answer.status for answer in answers} == {200}
    await work(site)
    await push(site, document(rental))
    await work(site)
    assert site.simulator.api.requests["getStatus"] == 1
    assert (await ada.poll(rental["id"], sync=False))["codes"] == ["0042"]
    assert await ada.balance() == 9.61
    kept = await site.kiwi.ports.store.pushes(ActivationId(rental["externalId"]))
    assert len(kept) == 1


async def test_a_push_never_waits_for_the_provider(site: Site, rental: Json) -> None:
    site.break_next("getStatus", FaultKind.SILENT, times=None)
    async with asyncio.timeout(0.25):
        assert (await push(site, document(rental))).status == 200
    assert site.simulator.api.requests["getStatus"] == 0


async def test_an_unknown_number_is_kept_and_shown(site: Site) -> None:
    unknown = document({"externalId": "777"})
    assert (await push(site, unknown)).status == 200
    (orphan,) = await site.kiwi.incidents.orphans()
    assert (orphan.activation_id, orphan.code) == ("777", "0042")


async def test_whoever_does_not_know_the_address_finds_nothing_there(site: Site) -> None:
    body = document({"externalId": "777"})
    nowhere = await site.ask("POST", "/nothing", json=body)
    for path in ("/push/", "/push/wrong", address(site)[:-1], address(site) + "0", "/push/%C3%A9"):
        for method in ("POST", "GET", "PUT"):
            answer = await site.ask(method, path, json=body)
            assert (answer.status, answer.json) == (404, nowhere.json)
            assert "Allow" not in answer.headers
    assert await site.kiwi.incidents.orphans() == []
    wrong_method = await site.ask("GET", address(site))
    assert wrong_method.told == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", (400, "INVALID_JSON")),
        (b"{", (400, "INVALID_JSON")),
        (b"\xff\xfe", (400, "INVALID_JSON")),
        (b'{"code": "\\ud800"}', (400, "INVALID_JSON")),
        (b"[]", (400, "VALIDATION_ERROR")),
        (b"{}", (400, "VALIDATION_ERROR")),
        (b'{"activationId":1,"messageId":2,"service":"go","code":12}', (400, "VALIDATION_ERROR")),
        (b'{"activationId":"1;","messageId":2,"service":"go"}', (400, "VALIDATION_ERROR")),
        (b" " * 70_000, (413, "PAYLOAD_TOO_LARGE")),
    ],
)
async def test_garbage_is_refused(site: Site, data: bytes, told: tuple[int, str]) -> None:
    answer = await site.ask("POST", address(site), data=data)
    assert answer.told == told
    assert await site.kiwi.incidents.orphans() == []


async def test_a_push_that_could_not_be_kept_is_not_acknowledged() -> None:
    broken, store = breakable()
    async with open_site(store) as site:
        broken.error = StoreUnavailable("the disk is full")
        refused = await push(site, document({"externalId": "777"}))
        assert refused.told == (503, "TEMPORARILY_UNAVAILABLE")
        broken.error = None
        assert (await push(site, document({"externalId": "777"}))).status == 200
        assert len(await site.kiwi.incidents.orphans()) == 1


async def test_it_is_no_part_of_the_customers_contract(site: Site) -> None:
    contract = (await site.ask("GET", "/openapi.json")).json
    assert not [path for path in contract["paths"] if "push" in path]


async def set_up(site: Site, **settings: Json) -> None:
    """Tell the simulator something."""
    url = f"{site.simulator.control_url}/settings"
    async with site.session.post(url, json=settings) as answer:
        assert answer.status == 200


async def answers(site: Site) -> dict[str, int]:
    async with site.session.get(f"{site.simulator.control_url}/state") as answer:
        told: dict[str, int] = (await answer.json())["pushes"]
        return told


async def test_the_simulator_pushes_what_arrives(site: Site, ada: Customer, rental: Json) -> None:
    await set_up(site, push_url=f"http://127.0.0.1:{site.port}{address(site)}")
    site.simulator.upstream.deliver("111", site.clock.now())
    site.simulator.upstream.deliver("222", site.clock.now())
    await until(lambda: answers(site), lambda told: told == {"200": 2})
    await work(site)
    assert (await ada.poll(rental["id"], sync=False))["codes"] == ["111", "222"]


@pytest.mark.usefixtures("rental")
async def test_the_simulator_tries_again_eight_times(site: Site) -> None:
    async def all_asleep() -> bool:
        return site.clock.sleepers == asleep

    await set_up(site, push_url=f"http://127.0.0.1:{site.port}/nowhere")
    site.simulator.upstream.deliver("111", site.clock.now())
    for tries in range(1, 10):
        await until(lambda: answers(site), {"404": tries}.__eq__)
        asleep = site.clock.sleepers
        site.clock.advance(14.9)
        await until(all_asleep, bool)
        assert await answers(site) == {"404": tries}
        site.clock.advance(0.1)
    site.clock.advance(15)
    asleep -= 1  # nobody pushes any more
    await until(all_asleep, bool)
    assert await answers(site) == {"404": 9}


async def test_a_lost_number_is_found_by_what_is_pushed_for_it(site: Site, ada: Customer) -> None:
    await set_up(site, push_url=f"http://127.0.0.1:{site.port}{address(site)}")
    site.break_next("getNumber", FaultKind.SILENT, after=True)
    assert (await ada.rent()).status == 502
    site.simulator.upstream.deliver("0042", site.clock.now())
    await until(lambda: answers(site), lambda told: told == {"200": 1})
    await work(site)
    (incident,) = await site.kiwi.incidents.all()
    assert incident.activation_id in site.simulator.upstream.activations
    assert incident.resolution is not None
    assert "had a message" in incident.resolution


def incidents_gauge(text: str) -> float:
    (line,) = [each for each in text.splitlines() if each.startswith("kiwisms_open_incidents ")]
    return float(line.split()[1])


async def test_open_incidents_are_in_the_metrics(site: Site, ada: Customer) -> None:
    async def gauge() -> float:
        return incidents_gauge((await site.ask("GET", "/metrics")).body.decode())

    assert await gauge() == 0
    site.break_next("getNumber", FaultKind.DOWN)
    assert (await ada.rent()).status == 502
    assert await gauge() == 1
    (incident,) = await site.kiwi.incidents.all()
    await site.kiwi.incidents.resolve(incident.id, note="nothing was rented")
    assert await gauge() == 0
