"""The provider port over the handler_api protocol."""

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Final, Self, TypeVar

from kiwisms.adapters.daisysms.dialect import Dialect
from kiwisms.adapters.daisysms.prices import read_offers
from kiwisms.adapters.daisysms.replies import (
    Reply,
    read_active,
    read_balance,
    read_cancelled,
    read_finished,
    read_look,
    read_refusal,
    read_renewed,
    read_rented,
    read_rented_json,
)
from kiwisms.adapters.daisysms.transport import TABLE_BYTES, Transport
from kiwisms.domain.catalog import Catalog, CountryCode
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.money import Money
from kiwisms.ports.provider import (
    Active,
    Ambiguous,
    Cancelled,
    Finished,
    Gone,
    Look,
    NumberOrder,
    Refused,
    Rented,
    TooEarly,
    Unknown,
)

DAISYSMS: Final = Dialect()
CENT: Final = Decimal("0.01")
NO_LIST: Final = Unknown("this provider has no list of rented numbers", asked=False)

Answer = TypeVar("Answer")


class DaisySMS:
    """
    An account with DaisySMS, or with another provider of the same protocol.

    Use it as an asynchronous context manager, or `close` it.

    Args:
        url: The provider's address, such as one that ends in ``/stubs/handler_api.php``.
        key: The account's API key; it never appears in a log or an error.
        timeout: The longest wait for one answer, in seconds.
        dialect: How this provider differs from others.

    Raises:
        ValidationRefused: The address is not a web address, or the key is empty.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 10.0,
        dialect: Dialect = DAISYSMS,
    ) -> None:
        self._transport = Transport(url=url, key=key, timeout=timeout)
        self._dialect = dialect

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._transport.url.host!r})"

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    @property
    def asks_for_next(self) -> bool:
        """Whether a further message must be asked for."""
        return self._dialect.asks_for_next

    async def rent(self, order: NumberOrder) -> Rented | Refused | Unknown:
        """Ask for a number, once."""
        in_json = self._dialect.price_in_json
        reply = await self._transport.ask(
            "getNumberV2" if in_json else "getNumber", _parameters(order), once=True
        )
        return self._parsed(reply, read_rented_json if in_json else read_rented)

    async def renew(self, activation_id: ActivationId) -> Rented | Refused | Unknown:
        """Ask, once, for the number of an earlier activation."""
        reply = await self._transport.ask(
            "getExtraActivation", {"activationId": activation_id}, once=True
        )
        return self._parsed(reply, read_renewed)

    async def look(self, activation_id: ActivationId) -> Look:
        """Read the state of a number and its last message."""
        reply = await self._transport.ask("getStatus", {"id": activation_id, "text": "1"})
        return self._parsed(reply, read_look)

    async def ask_next(self, activation_id: ActivationId) -> None:
        """Ask for a further message."""
        await self._set_status(activation_id, 3)

    async def finish(self, activation_id: ActivationId) -> Finished | Gone | Refused | Unknown:
        """Release a number that is paid for."""
        return self._parsed(await self._set_status(activation_id, 6), read_finished)

    async def cancel(
        self, activation_id: ActivationId
    ) -> Cancelled | Ambiguous | Gone | TooEarly | Refused | Unknown:
        """Cancel a number, which is then not paid for."""
        return self._parsed(await self._set_status(activation_id, 8), read_cancelled)

    async def catalog(self, country: CountryCode) -> Catalog | Refused | Unknown:
        """Read the offers of one country."""
        reply = await self._transport.ask("getPrices", {"country": country}, max_bytes=TABLE_BYTES)
        return self._parsed(reply, lambda table: self._read_catalog(table, country))

    async def balance(self) -> Money | Refused | Unknown:
        """Read the money left in the account."""
        return self._parsed(await self._transport.ask("getBalance"), read_balance)

    async def active(self) -> Sequence[Active] | Refused | Unknown:
        """List every number that is rented now, if the provider supports that."""
        if not self._dialect.lists_active:
            return NO_LIST
        reply = await self._transport.ask("getActiveActivations", max_bytes=TABLE_BYTES)
        return self._parsed(reply, read_active)

    async def _set_status(
        self, activation_id: ActivationId, status: int
    ) -> Reply | Refused | Unknown:
        return await self._transport.ask("setStatus", {"id": activation_id, "status": str(status)})

    def _parsed(
        self, reply: Reply | Refused | Unknown, read: Callable[[Reply], Answer]
    ) -> Answer | Refused | Unknown:
        if not isinstance(reply, Reply):
            return reply
        answer = read(reply)
        return self._transport.safe(answer) if isinstance(answer, Unknown) else answer

    def _read_catalog(self, reply: Reply, country: CountryCode) -> Catalog | Refused | Unknown:
        offers = read_offers(reply.text, country)
        if offers is None:
            return read_refusal(reply) or reply.unknown()
        return Catalog(country=country, offers=offers)


def _parameters(order: NumberOrder) -> Mapping[str, str]:
    parameters = {
        "service": order.service,
        "country": order.country,
        "max_price": str(order.max_cost.dollars.quantize(CENT, ROUND_FLOOR)),
    }
    if order.areas:
        parameters["areas"] = ",".join(order.areas)
    if order.carrier is not None:
        parameters["carriers"] = order.carrier
    return parameters
