"""Makes the sockets of webhooks, after it has checked the address of each connection."""

import socket
from collections.abc import Callable

from aiohttp import AddrInfoType

from kiwisms.adapters.webhook_sender.addresses import may_connect


class AddressNotPublic(OSError):
    """Connections to this address are not allowed."""


def gate(*, allow_private: bool) -> Callable[[AddrInfoType], socket.socket]:
    """
    Make the socket factory of a connector.

    It checks every address right before the connection: the result of a name look-up, and also an
    address in the URL itself, which needs no look-up. No second look-up could give another address.
    """

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, (address, *_) = info
        if not may_connect(str(address), allow_private=allow_private):
            raise AddressNotPublic("address is not public")
        return socket.socket(family, kind, protocol)

    return make
