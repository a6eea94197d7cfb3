"""The protocol of the simulated upstream: one address, text replies, and JSON for prices."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from aiohttp import web
from attrs import Factory, define, frozen

from kiwisms.adapters.simulator.activation import Activation
from kiwisms.adapters.simulator.faults import ACTIONS, Fault, FaultKind, Faults
from kiwisms.adapters.simulator.services import Service
from kiwisms.adapters.simulator.upstream import CAP, Upstream
from kiwisms.domain.catalog import DEFAULT_COUNTRY, CountryCode, ServiceCode
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import LARGEST, Money
from kiwisms.ports.clock import Clock
from kiwisms.ports.provider import (
    Ambiguous,
    Cancelled,
    Finished,
    Gone,
    NumberOrder,
    Received,
    Refusal,
    TooEarly,
    Waiting,
)

REFUSALS: Final[Mapping[Refusal, str]] = {
    Refusal.NO_NUMBERS: "NO_NUMBERS",
    Refusal.PRICE_EXCEEDED: "MAX_PRICE_EXCEEDED",
    Refusal.TOO_MANY_WAITING: "TOO_MANY_ACTIVE_RENTALS",
    Refusal.BAD_SERVICE: "BAD_SERVICE",
    Refusal.NOT_RENEWABLE: "BAD_ID",
    Refusal.NO_MONEY: "NO_MONEY",
}
TEXTS: Final[Mapping[type, str]] = {
    Waiting: "STATUS_WAIT_CODE",
    Cancelled: "STATUS_CANCEL",
    Gone: "NO_ACTIVATION",
}
CANCELS: Final[Mapping[type, str]] = {
    Cancelled: "ACCESS_CANCEL",
    Ambiguous: "ACCESS_READY",
    Gone: "NO_ACTIVATION",
    TooEarly: "EARLY_CANCEL_DENIED",
}
Query = Mapping[str, str]


@frozen
class _Reply:
    body: str | dict[str, object]
    headers: Mapping[str, str] = {}

    def response(self) -> web.Response:
        if isinstance(self.body, str):
            return web.Response(text=self.body, headers=self.headers)
        return web.json_response(self.body, headers=self.headers)


@define(kw_only=True)
class HandlerApi:
    """Answers requests for the account; *requests* counts them by action."""

    upstream: Upstream
    clock: Clock
    faults: Faults = Factory(Faults)
    latency: float = 0.0
    requests: Counter[str] = Factory(Counter)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or inject a fault."""
        query = request.query
        action = _label(query)
        self.requests[action] += 1
        if self.latency:
            await asyncio.sleep(self.latency)
        fault = self.faults.next(action)
        if fault is None:
            return self._act(action, query).response()
        return await self._fail(fault, request, action)

    async def _fail(self, fault: Fault, request: web.Request, action: str) -> web.StreamResponse:
        if fault.kind is FaultKind.SLOW:
            return await self._be_slow(fault, request, action)
        if fault.after:
            self._act(action, request.query)
        if fault.kind is FaultKind.SILENT:
            await asyncio.Event().wait()
        if fault.kind in {FaultKind.SILENT, FaultKind.DOWN}:
            if request.transport is not None:
                request.transport.close()
            return web.Response()
        return web.Response(body=fault.body, status=fault.status, content_type="text/html")

    async def _be_slow(self, fault: Fault, request: web.Request, action: str) -> web.Response:
        if fault.after:
            reply = self._act(action, request.query)
            await asyncio.sleep(fault.seconds)
            return reply.response()
        await asyncio.sleep(fault.seconds)
        return self._act(action, request.query).response()

    def _act(self, action: str, query: Query) -> _Reply:
        now = self.clock.now()
        if query.get("api_key") != self.upstream.key:
            return _Reply("BAD_KEY")
        act = self._actions.get(action)
        return _Reply("BAD_ACTION") if act is None else act(query, now)

    @property
    def _actions(self) -> Mapping[str, Callable[[Query, datetime], _Reply]]:
        return {
            "getActiveActivations": self._active,
            "getBalance": self._balance,
            "getNumber": self._number,
            "getNumberV2": self._number_v2,
            "getStatus": self._status,
            "setStatus=3": self._ask_next,
            "setStatus=6": self._finish,
            "setStatus=8": self._cancel,
            "getExtraActivation": self._extra,
            "getPrices": self._prices,
            "getPricesVerification": self._prices_by_service,
        }

    def _balance(self, _query: Query, now: datetime) -> _Reply:
        return _Reply(f"ACCESS_BALANCE:{self.upstream.money(now)}")

    def _active(self, _query: Query, now: datetime) -> _Reply:
        if not self.upstream.lists_active:
            return _Reply("BAD_ACTION")
        numbers = self.upstream.active(now)
        if not numbers:
            return _Reply({"status": "error", "error": "NO_ACTIVATIONS"})
        return _Reply({"status": "success", "activeActivations": [*map(_listed, numbers)]})

    def _number(self, query: Query, now: datetime) -> _Reply:
        return _number_text(self._rent(query, now))

    def _number_v2(self, query: Query, now: datetime) -> _Reply:
        rented = self._rent(query, now)
        if isinstance(rented, str):
            return _Reply(rented)
        return _Reply(
            {
                "activationId": int(rented.id),
                "phoneNumber": rented.phone,
                "activationCost": str(rented.price),
                "currency": 840,
                "countryCode": rented.country,
                "activationTime": utc_text(rented.rented_at),
            }
        )

    def _rent(self, query: Query, now: datetime) -> Activation | str:
        try:
            most = Money.parse(query.get("max_price") or query.get("maxPrice") or LARGEST)
        except ValidationRefused:
            return "WRONG_MAX_PRICE"
        order = NumberOrder(
            service=ServiceCode(query.get("service", "")),
            country=CountryCode(query.get("country", DEFAULT_COUNTRY)),
            max_cost=most,
            areas=tuple(filter(None, query.get("areas", "").split(","))),
            carrier=query.get("carriers") or None,
        )
        answer = self.upstream.rent(order, now)
        return REFUSALS[answer] if isinstance(answer, Refusal) else answer

    def _extra(self, query: Query, now: datetime) -> _Reply:
        answer = self.upstream.renew(ActivationId(query.get("activationId", "")), now)
        return _number_text(REFUSALS[answer] if isinstance(answer, Refusal) else answer)

    def _status(self, query: Query, now: datetime) -> _Reply:
        look = self.upstream.look(_id(query), now)
        if isinstance(look, Received):
            whole = query.get("text") == "1" and look.text
            return _Reply(
                f"STATUS_OK:{look.code}",
                {"X-Text": " ".join(whole.split())} if whole else {},
            )
        activation = self.upstream.activations.get(_id(query))
        if isinstance(look, Waiting) and activation is not None and activation.asked:
            return _Reply(f"STATUS_WAIT_RETRY:{activation.messages[-1].code}")
        return _Reply(TEXTS[type(look)])

    def _ask_next(self, query: Query, now: datetime) -> _Reply:
        known = self.upstream.ask_next(_id(query), now)
        return _Reply("ACCESS_RETRY_GET" if known else "NO_ACTIVATION")

    def _finish(self, query: Query, now: datetime) -> _Reply:
        finished = isinstance(self.upstream.finish(_id(query), now), Finished)
        return _Reply("ACCESS_ACTIVATION" if finished else "NO_ACTIVATION")

    def _cancel(self, query: Query, now: datetime) -> _Reply:
        return _Reply(CANCELS[type(self.upstream.cancel(_id(query), now))])

    def _prices(self, query: Query, _now: datetime) -> _Reply:
        table: dict[str, object] = {}
        for country, services in self._wanted(query).items():
            table[country] = {service.code: _data(service) for service in services}
        return _Reply(table)

    def _prices_by_service(self, query: Query, _now: datetime) -> _Reply:
        table: dict[str, dict[str, object]] = {}
        for country, services in self._wanted(query).items():
            for service in services:
                table.setdefault(service.code, {})[country] = _data(service)
        return _Reply({**table})

    def _wanted(self, query: Query) -> Mapping[CountryCode, list[Service]]:
        wanted: dict[CountryCode, list[Service]] = {}
        for service in self.upstream.services(query.get("country")):
            if query.get("service") in {None, "", service.code}:
                wanted.setdefault(service.country, []).append(service)
        return wanted


def _label(query: Query) -> str:
    action = query.get("action", "")
    label = f"setStatus={query.get('status', '')}" if action == "setStatus" else action
    return label if label in ACTIONS else "other"


def _id(query: Query) -> ActivationId:
    return ActivationId(query.get("id", ""))


def _number_text(answer: Activation | str) -> _Reply:
    if isinstance(answer, str):
        return _Reply(answer)
    headers = {"X-Price": str(answer.price)}
    if answer.asleep_until is None:
        return _Reply(f"ACCESS_NUMBER:{answer.id}:{answer.phone}", headers)
    wakes = int(answer.asleep_until.timestamp())
    return _Reply(f"ASLEEP:{answer.id}:{answer.phone}:{wakes}", headers)


def _listed(activation: Activation) -> dict[str, object]:
    codes = [message.code for message in activation.messages]
    return {
        "activationId": activation.id,
        "serviceCode": activation.service,
        "phoneNumber": activation.phone,
        "activationCost": str(activation.price),
        "activationStatus": "2" if codes else "4",
        "smsCode": codes or None,
        "activationTime": utc_text(activation.rented_at),
        "countryCode": activation.country,
    }


def utc_text(moment: datetime) -> str:
    """Format a moment as the protocol does: in UTC, without a zone."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _data(service: Service) -> dict[str, object]:
    return {
        "name": service.name,
        "cost": str(service.cost),
        "count": str(min(service.count, CAP)),
        "repeatable": service.multi,
    }
