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
    """Posts an event to an address that a customer chose, if that may be connected to."""

    async def send(
        self, url: str, *, body: bytes, headers: Mapping[str, str]
    ) -> Answered | NotAnswered:
        """
        Try once.

        The name is resolved at each try, only allowed addresses are connected to, redirects are
        not followed, and the answer must come within 10 s. Raises no error of the receiver or the
        network.
        """
        ...


@runtime_checkable
class AddressChecker(Protocol):
    """A sender that can refuse an address before any event is sent there."""

    def must_accept(self, url: str) -> None:
        """
        Refuse an address that no try could ever reach, without asking a name server.

        Raises:
            ValidationRefused: The sender would never connect to it; the error names ``url``.
        """
        ...
