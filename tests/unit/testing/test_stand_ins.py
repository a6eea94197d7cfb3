"""The stand-ins behave like the real ports, fail on demand, and are the same in every run."""

import re

import pytest

from kiwisms.adapters.simulator.upstream import Upstream
from kiwisms.application.errors import ProviderFailed
from kiwisms.domain.catalog import CountryCode, ServiceCode
from kiwisms.domain.money import Money
from kiwisms.ports.provider import NumberOrder, Refusal, Refused, Rented, Unknown
from kiwisms.ports.vault import VaultLocked
from kiwisms.ports.webhooks import Answered, NotAnswered
from kiwisms.testing.clock import ManualClock
from kiwisms.testing.ids import CountingIds
from kiwisms.testing.kit import Kit
from kiwisms.testing.passwords import QuickPasswords
from kiwisms.testing.provider import FakeProvider
from kiwisms.testing.script import Script
from kiwisms.testing.vault import PlainVault
from kiwisms.testing.webhooks import FakeWebhookSender

ORDER = NumberOrder(
    service=ServiceCode("go"), country=CountryCode("187"), max_cost=Money.parse("0.30")
)
NO_NUMBERS = Refused(Refusal.NO_NUMBERS)
LOST = Unknown("lost")


async def test_a_script_gives_its_planned_answers_in_order_and_then_the_usual_one() -> None:
    script: Script[str] = Script()
    script.next("first")
    script.next("often", times=2)
    assert [await script.play(lambda: "truth") for _ in range(4)] == [
        "first",
        "often",
        "often",
        "truth",
    ]
    assert script.calls == 4


async def test_a_line_may_act_although_it_says_something_else() -> None:
    script: Script[str] = Script()
    acted: list[str] = []

    def act() -> str:
        acted.append("acted")
        return "truth"

    script.next("lost")
    script.next("lost", acts=True)
    assert [await script.play(act) for _ in range(2)] == ["lost", "lost"]
    assert acted == ["acted"]


async def test_something_may_happen_before_an_answer() -> None:
    script: Script[str] = Script()
    order: list[str] = []

    def act() -> str:
        order.append("act")
        return "truth"

    async def meanwhile() -> None:
        order.append("meanwhile")

    script.next(meanwhile=meanwhile)
    assert await script.play(act) == "truth"
    assert order == ["act", "meanwhile"]


async def test_a_script_can_be_cleared() -> None:
    script: Script[str] = Script()
    script.next("false", times=10)
    script.clear()
    assert await script.play(lambda: "truth") == "truth"


async def test_a_provider_loses_an_answer_with_and_without_a_number() -> None:
    provider = FakeProvider(ManualClock())
    provider.on_rent.next(NO_NUMBERS)
    provider.on_rent.next(LOST)
    provider.on_rent.next(LOST, acts=True)
    for answer, rented in [(NO_NUMBERS, 0), (LOST, 0), (LOST, 1)]:
        assert await provider.rent(ORDER) == answer
        assert len(provider.upstream.activations) == rented
    assert isinstance(await provider.rent(ORDER), Rented)


async def test_every_method_of_a_provider_can_go_wrong() -> None:
    provider = FakeProvider(ManualClock())
    rented = await provider.rent(ORDER)
    assert isinstance(rented, Rented)
    number = rented.activation_id
    provider.on_renew.next(LOST)
    provider.on_look.next(LOST)
    provider.on_finish.next(LOST)
    provider.on_cancel.next(LOST)
    provider.on_catalog.next(LOST)
    provider.on_balance.next(LOST)
    assert [
        await provider.renew(number),
        await provider.look(number),
        await provider.finish(number),
        await provider.cancel(number),
        await provider.catalog(CountryCode("187")),
        await provider.balance(),
    ] == [LOST] * 6
    await provider.ask_next(number)
    assert provider.on_ask_next.calls == 1


async def test_a_webhook_sender_keeps_every_try_and_answers_in_turn() -> None:
    sender = FakeWebhookSender(Answered(500))
    sender.will_answer(NotAnswered("connection refused"))
    answers = [
        await sender.send("https://example.com/", body=b"%d" % each, headers={"a": "b"})
        for each in range(3)
    ]
    assert answers == [Answered(500), NotAnswered("connection refused"), Answered(200)]
    assert [each.body for each in sender.tries] == [b"0", b"1", b"2"]
    assert sender.tries[0].headers == {"a": "b"}


def test_ids_are_the_same_in_every_run_and_never_repeat() -> None:
    one, other = CountingIds(), CountingIds()
    for make in (CountingIds.new, CountingIds.tag, CountingIds.secret):
        made = [make(one) for _ in range(50)]
        assert made == [make(other) for _ in range(50)]
        assert len(set(made)) == 50
        assert made == sorted(made) or make is CountingIds.secret
    assert re.fullmatch("[a-z0-9]{6}", one.tag())
    assert len(one.secret()) == 32


def test_a_plain_vault_opens_what_it_sealed_and_nothing_else() -> None:
    vault = PlainVault()
    assert vault.open(vault.seal("whsec_x")) == "whsec_x"
    with pytest.raises(VaultLocked):
        vault.open("whsec_x")


async def test_quick_passwords_know_their_own() -> None:
    passwords = QuickPasswords()
    hashed = await passwords.hash("correct horse")
    assert await passwords.matches("correct horse", hashed)
    assert not await passwords.matches("battery staple", hashed)
    assert "correct" not in hashed


async def test_two_kits_live_the_same_life() -> None:
    async def life() -> list[object]:
        kit = Kit()
        ada = await kit.customer("10.00")
        rental = await kit.kiwi.rentals.rent(ada.id, service="go")
        kit.provider.deliver("0042")
        kit.clock.advance(3)
        await kit.work()
        return [
            await kit.kiwi.rentals.find(rental.id),
            await kit.kiwi.wallet.statement(ada.id),
            await kit.kiwi.rentals.history(rental),
        ]

    assert await life() == await life()


async def test_every_part_of_the_kit_can_be_given() -> None:
    clock, ids = ManualClock(), CountingIds()
    provider = FakeProvider(clock, Upstream(balance=Money.parse("0.30")))
    kit = Kit(clock=clock, ids=ids, provider=provider)
    ada = await kit.customer(Money.parse("10.00"))
    assert (await kit.kiwi.rentals.rent(ada.id, service="go")).price == Money.parse("0.39")
    with pytest.raises(ProviderFailed):
        await kit.kiwi.rentals.rent(ada.id, service="go")
    assert (kit.kiwi.ports.ids, kit.kiwi.ports.provider) == (ids, provider)
