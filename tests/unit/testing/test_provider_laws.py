"""Each law of every provider is broken by one that answers as the law forbids."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, Final

import pytest
from attrs import evolve, frozen

from kiwisms.adapters.simulator.upstream import Upstream
from kiwisms.domain.catalog import Catalog, CountryCode, ServiceCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import cents
from kiwisms.domain.sms import Code
from kiwisms.ports.provider import (
    Ambiguous,
    Cancelled,
    Gone,
    NumberOrder,
    Received,
    Refusal,
    Refused,
    Rented,
    Unknown,
)
from kiwisms.testing.clock import ManualClock
from kiwisms.testing.provider import FakeProvider
from kiwisms.testing.provider_laws import (
    LAWS,
    Law,
    a_cancel_is_safe_to_repeat,
    a_code_is_shown_as_it_came,
    a_code_wins_over_a_cancel,
    a_further_code_is_shown,
    a_number_is_rented_within_its_limit,
    a_number_that_nobody_rented_is_gone,
    a_release_is_safe_to_repeat,
    a_renewal_keeps_the_number_or_is_refused,
    an_unknown_service_is_refused,
    broken_laws,
    nothing_is_rented_above_the_limit,
    the_account_can_be_read,
    the_catalog_has_what_can_be_rented,
    two_rents_are_two_numbers,
)

Twist = Callable[[Any], Any]

ORDER: Final = NumberOrder(
    service=ServiceCode("go"), country=CountryCode("187"), max_cost=cents(30)
)


class Twisted:
    """A provider, one of whose methods answers something else."""

    def __init__(self, provider: FakeProvider, method: str, twist: Twist) -> None:
        self._provider, self._method, self._twist = provider, method, twist

    def __getattr__(self, name: str) -> Any:
        answer = getattr(self._provider, name)
        if name != self._method:
            return answer

        @wraps(answer)
        async def twisted(*asked: object) -> object:
            return self._twist(await answer(*asked))

        return twisted


@frozen
class OnStage:
    """A `Stage` over the simulated upstream."""

    provider: Any
    upstream: Upstream
    clock: ManualClock
    order: NumberOrder = ORDER

    async def deliver(self, activation_id: ActivationId, code: Code) -> None:
        assert self.upstream.deliver(code, self.clock.now(), to=activation_id) is not None


def stage(method: str = "", twist: Twist = id) -> OnStage:
    clock, upstream = ManualClock(), Upstream()
    return OnStage(Twisted(FakeProvider(clock, upstream), method, twist), upstream, clock)


def instead(kind: type, make: Twist) -> Twist:
    """Make something else of each answer of a kind."""
    return lambda answer: make(answer) if isinstance(answer, kind) else answer


FORBIDDEN: Final[Mapping[Law, tuple[str, Twist]]] = {
    a_number_is_rented_within_its_limit: (
        "rent",
        instead(Rented, lambda one: evolve(one, phone=f"+{one.phone}", cost=cents(31))),
    ),
    two_rents_are_two_numbers: (
        "rent",
        instead(Rented, lambda one: evolve(one, phone="12015550123")),
    ),
    nothing_is_rented_above_the_limit: ("rent", instead(Refused, lambda _: Unknown("lost"))),
    an_unknown_service_is_refused: ("rent", instead(Refused, lambda _: Refused(Refusal.BAD_KEY))),
    a_code_is_shown_as_it_came: (
        "look",
        instead(Received, lambda seen: Received(code=seen.code.lstrip("0"))),
    ),
    a_further_code_is_shown: ("look", instead(Received, lambda _: Received(code=Code("1111")))),
    a_cancel_is_safe_to_repeat: ("cancel", instead(Cancelled, lambda _: Ambiguous())),
    a_code_wins_over_a_cancel: ("cancel", instead(Ambiguous, lambda _: Cancelled())),
    a_release_is_safe_to_repeat: ("finish", lambda _: Gone()),
    a_renewal_keeps_the_number_or_is_refused: (
        "renew",
        instead(Rented, lambda one: evolve(one, phone="12015550123")),
    ),
    a_number_that_nobody_rented_is_gone: ("look", instead(Gone, lambda _: Unknown("?"))),
    the_catalog_has_what_can_be_rented: (
        "catalog",
        instead(Catalog, lambda one: evolve(one, offers={})),
    ),
    the_account_can_be_read: ("balance", lambda _: 99.7),
}


def test_each_law_is_tried() -> None:
    assert set(FORBIDDEN) == set(LAWS)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
async def test_a_provider_that_breaks_a_law_is_found(law: Law) -> None:
    assert [what async for what in law(stage())] == []
    assert [what async for what in law(stage(*FORBIDDEN[law]))]


async def test_what_a_provider_raises_is_found_with_its_place() -> None:
    def fail(_answer: object) -> object:
        raise ConnectionError("reset by peer")

    @asynccontextmanager
    async def opened() -> AsyncIterator[OnStage]:
        yield stage("balance", fail)

    (broken,) = await broken_laws(opened)
    assert broken.startswith("the_account_can_be_read: raised ConnectionError('reset by peer') at")
    assert f"{__file__}:" in broken
