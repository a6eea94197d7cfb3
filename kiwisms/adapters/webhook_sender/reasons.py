"""Why no answer came, in a few words for the customer; nothing of this house is told."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientResponseError,
    ClientSSLError,
    InvalidURL,
)

from kiwisms.adapters.webhook_sender.gate import AddressNotPublic

FAILURES: Final[Mapping[type[Exception], str]] = MappingProxyType(
    {
        InvalidURL: "address is not usable",
        ClientConnectorDNSError: "name does not resolve",
        ClientConnectorCertificateError: "certificate not valid",
        ClientSSLError: "TLS failed",
        ClientResponseError: "answer is not HTTP",
    }
)
"""By the first class that fits."""

REFUSALS: Final[Mapping[type[OSError], str]] = MappingProxyType(
    {
        AddressNotPublic: "address is not public",
        ConnectionRefusedError: "connection refused",
    }
)
"""By the class of what the operating system said to the connection."""


def reason(failure: Exception) -> str:
    """Say why a try got no answer."""
    for kind, words in FAILURES.items():
        if isinstance(failure, kind):
            return words
    if isinstance(failure, ClientConnectorError):
        return REFUSALS.get(type(failure.os_error), "no connection")
    return "connection closed without an answer"
