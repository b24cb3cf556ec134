"""Which network addresses a store may not have."""

from __future__ import annotations

import ipaddress

# Python's own `is_global` decides most; these are named because it lets them pass or differs between releases.
_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, some clouds' metadata
        "168.63.129.16/32",  # Azure's host service
        "192.0.0.0/24",  # protocol assignments, Oracle's metadata
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "240.0.0.0/4",
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # local NAT64
        "100::/64",  # discard
        "2001::/23",  # Teredo, ORCHID, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local of old
    )
)


def is_refused(address: str) -> bool:
    """Whether the address is private, loopback, link-local, shared, multicast, reserved, a metadata service's, or
    an IPv6 form that carries an IPv4 address. What is not an address at all is refused too."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    if parsed.is_multicast or parsed.is_unspecified or not parsed.is_global:
        return True
    return any(parsed.version == network.version and parsed in network for network in _REFUSED)
