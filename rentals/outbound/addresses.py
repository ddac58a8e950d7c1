"""Which addresses on the network may be contacted. Pure: nothing is looked up here.

The table follows the IANA special-purpose address registries (RFC 6890); Python's `is_global` knows most of them, but
does not look into addresses that carry another one inside (NAT64, 6to4, Teredo, IPv4-compatible).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORBIDDEN_V4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # "this network"
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers (RFC 6598)
        "127.0.0.0/8",
        "168.63.129.16/32",  # looks public, but is Azure's own service to its machines
        "169.254.0.0/16",  # link-local, with the metadata services of the clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# All that is public lies in 2000::/3 (RFC 4291); loopback, mapped and compatible IPv4, NAT64 (64:ff9b::/96 and
# 64:ff9b:1::/48), unique local, link-local, site-local and multicast addresses lie outside.
_PUBLIC_V6: Final = ipaddress.IPv6Network("2000::/3")
_FORBIDDEN_V6: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo carries an IPv4 address, ORCHID none at all
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries an IPv4 address
        "3fff::/20",
    )
)
_PRIVATE: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def is_public(address: Address) -> bool:
    """Whether the address is public and carries no other address inside."""
    if getattr(address, "scope_id", None) is not None:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in _FORBIDDEN_V4)
    inside = address in _PUBLIC_V6 and not any(address in network for network in _FORBIDDEN_V6)
    return inside and address.is_global


def is_public_or_private(address: Address) -> bool:
    """The same, and also this machine and its network: for tests and demonstrations alone. Link-local addresses, where
    clouds keep credentials, stay out of reach."""
    return is_public(address) or any(address.version == net.version and address in net for net in _PRIVATE)


def literal(host: str) -> Address | None:
    """The address that a host is written as (RFC 3986, 3.2.2), None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_plain_host(host: str) -> bool:
    """Whether a host in ASCII is an ordinary name or a plain address.

    Not: decimal, octal, hexadecimal or short spellings of an address (`2130706433`, `0177.0.0.1`, `0x7f.1`, `127.1`),
    which the resolver of the C library understands and a reader does not; zone ids; empty labels and a dot at the end.
    """
    address = literal(host)
    if address is not None:
        return getattr(address, "scope_id", None) is None
    name = host.lower()
    return len(name) <= 253 and _NAME.fullmatch(name) is not None and not _NUMBER.fullmatch(name.rpartition(".")[2])


def is_local_name(host: str) -> bool:
    """Whether the name means this machine, wherever it is resolved (RFC 6761, 6.3)."""
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")
