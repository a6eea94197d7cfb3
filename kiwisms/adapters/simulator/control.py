"""The JSON interface with which a test or a person controls the simulated upstream."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from aiohttp import web
from attrs import evolve, frozen
from cattrs import BaseValidationError, Converter, transform_error

from kiwisms.adapters.simulator.activation import Activation
from kiwisms.adapters.simulator.faults import Fault
from kiwisms.adapters.simulator.handler_api import HandlerApi
from kiwisms.adapters.simulator.pusher import Pusher
from kiwisms.adapters.simulator.services import Service
from kiwisms.domain.catalog import CountryCode, ServiceCode
from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money

Command = TypeVar("Command")


@frozen(kw_only=True)
class Deliver:
    """Deliver a message to the activation with the id or phone *to*, or to the newest open one."""

    code: str
    text: str | None = None
    to: str | None = None


@frozen(kw_only=True)
class Withdraw:
    """Take a waiting number back, as upstream may do of its own accord."""

    id: str


@frozen(kw_only=True)
class Sell:
    """Change the given fields of a service; a new service needs a price."""

    service: str
    country: str = "187"
    name: str | None = None
    price: Money | None = None
    count: int | None = None
    multi: bool | None = None


@frozen(kw_only=True)
class Settings:
    """
    Change the given settings. Times are in seconds; a negative *code_after* switches it off.

    Messages are pushed to *push_url* from now on; an empty one switches that off.
    """

    balance: Money | None = None
    latency: float | None = None
    session: float | None = None
    sleep: float | None = None
    code_after: float | None = None
    cancel_after: float | None = None
    most_waiting: int | None = None
    lists_active: bool | None = None
    push_url: str | None = None


@frozen
class Control:
    """Routes below ``/control``; each answers JSON."""

    api: HandlerApi
    pusher: Pusher

    def routes(self) -> list[web.RouteDef]:
        """The routes to add to an application."""
        return [
            web.get("/control/state", self._state),
            web.post("/control/messages", _reads(Deliver, self._deliver)),
            web.post("/control/withdraw", _reads(Withdraw, self._withdraw)),
            web.post("/control/services", _reads(Sell, self._sell)),
            web.post("/control/settings", _reads(Settings, self._set)),
            web.post("/control/faults", _reads(Fault, self._add_fault)),
            web.delete("/control/faults", self._clear_faults),
        ]

    async def _state(self, _request: web.Request) -> web.Response:
        upstream = self.api.upstream
        return web.json_response(
            {
                "balance": str(upstream.money(self.api.clock.now())),
                "charged": str(upstream.charged),
                "refunded": str(upstream.refunded),
                "activations": [_as_json(one) for one in upstream.activations.values()],
                "requests": dict(self.api.requests),
                "pushes": dict(self.pusher.answers),
            }
        )

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.api.faults.clear()
        return _done()

    def _deliver(self, command: Deliver) -> web.Response:
        received = self.api.upstream.deliver(
            command.code, self.api.clock.now(), text=command.text, to=command.to
        )
        return _refused("no such activation is open") if received is None else _done(received)

    def _withdraw(self, command: Withdraw) -> web.Response:
        activation_id = ActivationId(command.id)
        if not self.api.upstream.withdraw(activation_id, self.api.clock.now()):
            return _refused("no such activation is waiting")
        return _done(self.api.upstream.activations[activation_id])

    def _sell(self, command: Sell) -> web.Response:
        service = self.api.upstream.service(command.service, command.country)
        if service is None:
            if command.price is None:
                return _refused("a new service needs a price")
            service = Service(
                code=ServiceCode(command.service),
                country=CountryCode(command.country),
                name=command.service,
                cost=command.price,
                count=0,
            )
        self.api.upstream.stock(
            evolve(
                service,
                name=_or_current(command.name, service.name),
                cost=_or_current(command.price, service.cost),
                count=_or_current(command.count, service.count),
                multi=_or_current(command.multi, service.multi),
            )
        )
        return _done()

    def _set(self, command: Settings) -> web.Response:
        upstream = self.api.upstream
        self.api.latency = _or_current(command.latency, self.api.latency)
        upstream.balance = _or_current(command.balance, upstream.balance)
        upstream.most_waiting = _or_current(command.most_waiting, upstream.most_waiting)
        upstream.lists_active = _or_current(command.lists_active, upstream.lists_active)
        self.pusher.url = _or_current(command.push_url, self.pusher.url)
        upstream.session = _span(command.session, upstream.session)
        upstream.sleep = _span(command.sleep, upstream.sleep)
        upstream.cancel_after = _span(command.cancel_after, upstream.cancel_after)
        if command.code_after is not None:
            seconds = command.code_after
            upstream.code_after = timedelta(seconds=seconds) if seconds >= 0 else None
        return _done()

    def _add_fault(self, fault: Fault) -> web.Response:
        self.api.faults.add(fault)
        return _done()


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(Money, lambda given, _: Money.parse(given))
    return converter


CONVERTER = _converter()


def _load(text: str) -> dict[str, object]:
    command = json.loads(text, parse_float=Decimal)
    if not isinstance(command, dict):
        raise ValidationRefused("command", "must be a JSON object")
    return command


def _reads(
    kind: type[Command], act: Callable[[Command], web.Response]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            command = CONVERTER.structure(await request.json(loads=_load), kind)
        except BaseValidationError as wrong:
            return _refused("; ".join(transform_error(wrong)), status=400)
        except (ValueError, ValidationRefused) as wrong:
            return _refused(str(wrong), status=400)
        return act(command)

    return handle


def _or_current(wish: Command | None, now: Command) -> Command:
    return now if wish is None else wish


def _span(seconds: float | None, now: timedelta) -> timedelta:
    return now if seconds is None else timedelta(seconds=seconds)


def _as_json(activation: Activation) -> dict[str, object]:
    asleep = activation.asleep_until
    return {
        "id": activation.id,
        "phone": activation.phone,
        "service": activation.service,
        "country": activation.country,
        "price": str(activation.price),
        "state": activation.state,
        "rentedAt": activation.rented_at.isoformat(),
        "endsAt": activation.ends_at.isoformat(),
        "asleepUntil": asleep and asleep.isoformat(),
        "messages": [
            {"code": message.code, "text": message.text, "at": message.at.isoformat()}
            for message in activation.messages
        ],
    }


def _done(activation: Activation | None = None) -> web.Response:
    return web.json_response({"ok": True} if activation is None else _as_json(activation))


def _refused(why: str, *, status: int = 409) -> web.Response:
    return web.json_response({"error": why}, status=status)
