"""Where a request comes from, past the proxies that are ours."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def of(request: Any) -> Address | None:
    """The caller's address: of X-Forwarded-For only what TRUSTED_PROXIES wrote is believed. None: unknown."""
    found = read(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    for hop in reversed(forwarded.split(",") if forwarded else []):
        if not _ours(found):
            break
        found = read(hop)
    return found


def read(text: str) -> Address | None:
    """An address as a proxy writes it; one of IPv4 within IPv6 is the IPv4 one."""
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def network(text: str) -> Network:
    """`192.0.2.0/24` or one address. ValueError for anything else, and where bits stand after the prefix."""
    return ipaddress.ip_network(text.strip(), strict=True)


def within(address: Address | None, networks: list[str] | tuple[str, ...]) -> bool:
    return address is not None and any(address in network(each) for each in networks)


def _ours(address: Address | None) -> bool:
    # No address at all is a Unix socket: only what stands before us on this machine can speak there.
    return address is None or within(address, settings.TRUSTED_PROXIES)
