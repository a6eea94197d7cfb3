"""Which addresses a webhook may be sent to: customers choose them, so no internal ones."""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

PRIVATE: Final = (
    IPv4Network("127.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("::1/128"),
    IPv6Network("fc00::/7"),
)
"""Loopback and private networks, which an operator can allow for webhooks."""

# `is_global` differs between patch levels of one Python, so its known gaps are closed here.
NOT_PUBLIC: Final = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments; one cloud has its metadata service here
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, deprecated by RFC 7526
    IPv4Network("168.63.129.16/32"),  # the host of every machine in one cloud
    IPv4Network("224.0.0.0/4"),  # multicast
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them
    IPv6Network("2002::/16"),  # 6to4: a tunnel to the IPv4 address inside it
    IPv6Network("3fff::/20"),  # documentation
)
GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""The part of IPv6 that is allocated for public use."""
NAT64: Final = IPv6Network("64:ff9b::/96")
"""A gateway connects to the IPv4 address in the last 32 bits."""


def may_connect(address: str, *, allow_private: bool) -> bool:
    """
    Return whether a webhook may be sent to an address.

    Args:
        address: An IP address as the operating system gets it; not a name.
        allow_private: Whether loopback and private addresses are allowed too.

    >>> may_connect("9.9.9.9", allow_private=False)
    True
    >>> may_connect("169.254.169.254", allow_private=True)
    False
    """
    try:
        target = _target(ip_address(address))
    except ValueError:
        return False
    if _is_in(target, PRIVATE):
        return allow_private
    return _is_public(target)


def literal_address(host: str) -> str | None:
    """
    Read a host that is an IP address, without a name server; ``None`` if it is a name.

    ``localhost`` is always loopback (RFC 6761).

    >>> literal_address("0x7f.1"), literal_address("ada.example.com")
    ('127.0.0.1', None)
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return "127.0.0.1"
    try:
        return str(socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)[0][4][0])
    except (OSError, UnicodeError):
        return None


def _target(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    return address.is_global and not _is_in(address, NOT_PUBLIC)


def _is_in(
    address: IPv4Address | IPv6Address, networks: tuple[IPv4Network | IPv6Network, ...]
) -> bool:
    return any(address in network for network in networks)
