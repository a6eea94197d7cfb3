"""No webhook reaches an address inside the house, however it is written."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis.strategies import (
    SearchStrategy,
    booleans,
    integers,
    ip_addresses,
    sampled_from,
    text,
)

from kiwisms.adapters.webhook_sender.addresses import may_connect

Address = IPv4Address | IPv6Address

# IANA's special-purpose registries and multicast, written down apart from the code. Those that
# an operator can open come first.
OPENED = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"]
NEVER_V4 = [
    "0.0.0.0/8",
    "100.64.0.0/10",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
NEVER_V6 = [
    "::/128",
    "::/96",
    "::ffff:0:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/32",
    "2001:2::/48",
    "2001:db8::/32",
    "2001:10::/28",
    "2001:20::/28",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]
LOOPBACK_V6 = IPv6Address("::1")
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4001::1",
]


def addresses_in(networks: list[str]) -> SearchStrategy[Address]:
    return sampled_from(networks).flatmap(lambda network: ip_addresses(network=ip_network(network)))


def embedded(inside: Address) -> list[str]:
    number = int(inside)
    return [
        str(IPv6Address(int(IPv6Address("::ffff:0:0")) | number)),
        str(IPv6Address(int(IPv6Address("64:ff9b::")) | number)),
    ]


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("allow_private", [False, True])
def test_public_addresses_are_allowed(address: str, allow_private: bool) -> None:
    assert may_connect(address, allow_private=allow_private)


@pytest.mark.parametrize("address", [each for each in PUBLIC if "." in each])
def test_a_public_address_inside_another_is_allowed(address: str) -> None:
    for written in embedded(IPv4Address(address)):
        assert may_connect(written, allow_private=False), written


@given(address=addresses_in(OPENED), allow_private=booleans())
def test_private_addresses_are_allowed_where_the_operator_says_so(
    address: Address, allow_private: bool
) -> None:
    assert may_connect(str(address), allow_private=allow_private) is allow_private


@given(address=addresses_in(NEVER_V4 + NEVER_V6), allow_private=booleans())
def test_other_special_addresses_never_are(address: Address, allow_private: bool) -> None:
    if address == LOOPBACK_V6:
        return
    assert not may_connect(str(address), allow_private=allow_private)


@given(address=addresses_in([each for each in OPENED if "." in each]), allow_private=booleans())
def test_a_private_address_inside_another_is_still_private(
    address: Address, allow_private: bool
) -> None:
    for written in embedded(address):
        assert may_connect(written, allow_private=allow_private) is allow_private


@given(address=addresses_in(NEVER_V4), allow_private=booleans())
def test_a_special_address_inside_another_is_still_special(
    address: Address, allow_private: bool
) -> None:
    for written in embedded(address):
        assert not may_connect(written, allow_private=allow_private)


@given(number=integers(0, 2**32 - 1))
def test_6to4_and_teredo_never_are(number: int) -> None:
    for prefix, shift in [("2002::", 80), ("2001::", 0)]:
        address = IPv6Address(int(IPv6Address(prefix)) | number << shift)
        assert not may_connect(str(address), allow_private=True)


@given(address=ip_addresses(v=6))
def test_of_ipv6_only_global_unicast_is_public(address: IPv6Address) -> None:
    if may_connect(str(address), allow_private=False):
        assert (
            address in IPv6Network("2000::/3")
            or address in IPv6Network("64:ff9b::/96")
            or address.ipv4_mapped
        )


@given(address=ip_addresses())
def test_allowing_private_addresses_forbids_nothing(address: Address) -> None:
    written = str(address)
    assert may_connect(written, allow_private=True) >= may_connect(written, allow_private=False)


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize(
    "address",
    ["", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "1.1.1.1 ", "::1/0"],
)
def test_what_is_not_an_address_is_refused(address: str, allow_private: bool) -> None:
    assert not may_connect(address, allow_private=allow_private)


@given(words=text(), allow_private=booleans())
def test_no_text_makes_it_fail(words: str, allow_private: bool) -> None:
    assert may_connect(words, allow_private=allow_private) in {True, False}


@pytest.mark.parametrize("address", ["fe80::1%eth0", "::1%1", "::ffff:127.0.0.1%1"])
def test_a_zone_opens_nothing(address: str) -> None:
    assert not may_connect(address, allow_private=False)
