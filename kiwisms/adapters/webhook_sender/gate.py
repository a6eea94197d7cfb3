"""The one place where a webhook's socket is made: after a look at the very address it goes to."""

import socket
from collections.abc import Callable

from aiohttp import AddrInfoType

from kiwisms.adapters.webhook_sender.addresses import may_connect


class AddressNotPublic(OSError):
    """The address may not be connected to."""


def gate(*, allow_private: bool) -> Callable[[AddrInfoType], socket.socket]:
    """
    Make the socket factory of a connector.

    It sees every address at the last moment before it is connected to: what a name was resolved
    to as well as what stood in the URL, which no resolver is asked about. There is no second
    look-up that could answer something else.
    """

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, (address, *_) = info
        if not may_connect(str(address), allow_private=allow_private):
            raise AddressNotPublic("address is not public")
        return socket.socket(family, kind, protocol)

    return make
