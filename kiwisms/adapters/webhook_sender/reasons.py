"""Why no answer came, in a few words for the customer, without internal details."""

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
"""The reason for each class of error; the first class that matches counts."""

REFUSALS: Final[Mapping[type[OSError], str]] = MappingProxyType(
    {
        AddressNotPublic: "address is not public",
        ConnectionRefusedError: "connection refused",
    }
)
"""The reason for each class of operating system error on connecting."""


def reason(failure: Exception) -> str:
    """Return why a try got no answer."""
    for kind, words in FAILURES.items():
        if isinstance(failure, kind):
            return words
    if isinstance(failure, ClientConnectorError):
        return REFUSALS.get(type(failure.os_error), "no connection")
    return "connection closed without an answer"
