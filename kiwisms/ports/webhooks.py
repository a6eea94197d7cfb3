"""The receiver of a webhook, and every answer it can give."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from attrs import frozen


@frozen
class Answered:
    """The receiver answered with this HTTP status."""

    status: int


@frozen
class NotAnswered:
    """No answer came, or the address may not be connected to; *reason* is for the customer."""

    reason: str


class WebhookSender(Protocol):
    """Posts an event to an address that a customer chose, and is careful about where that is."""

    async def send(
        self, url: str, *, body: bytes, headers: Mapping[str, str]
    ) -> Answered | NotAnswered:
        """
        Try once.

        Names are resolved now, only allowed addresses are connected to, redirects are not
        followed, and an answer is waited for no longer than 10 s. Raises nothing for what the
        receiver or the network does.
        """
        ...


@runtime_checkable
class AddressChecker(Protocol):
    """A sender that can say beforehand that it will never send to some addresses."""

    def must_accept(self, url: str) -> None:
        """
        Refuse an address to which no try could ever get through, without asking a name server.

        Raises:
            ValidationRefused: It leads to nowhere that is called; the error names ``url``.
        """
        ...
