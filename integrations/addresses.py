"""Which addresses Backroom may call: resolved once, public ones only, and the call goes to the very address checked."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import Permanent, TryLater

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads: the address to connect to, and the name to ask for there."""

    host: str
    port: int
    address: str
    secure: bool


def resolve(url: str, *, private_allowed: bool = False) -> Target:
    """The checked address of a URL; every answer of the resolver must be allowed, so that none can be slipped in.

    Permanent for a forbidden address, TryLater when the name can't be resolved now. Plain http and private addresses
    need `private_allowed`, which only an administrator sets, on the connection.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or parts.username or parts.password:
        raise Permanent("Only https addresses without user and password may be called.")
    if parts.scheme == "http" and not private_allowed:
        raise Permanent("Only https addresses may be called.")
    try:
        port = parts.port or PORTS[parts.scheme]
    except ValueError:
        raise Permanent("The port of this address is not one.") from None
    found = _lookup(parts.hostname, port)
    if not private_allowed:
        for address in found:
            if not is_public(address):
                raise Permanent(f"{parts.hostname} leads to {address}, which is not a public address.")
    return Target(parts.hostname, port, found[0], parts.scheme == "https")


def is_public(address: str) -> bool:
    """Whether this is an ordinary address of the public internet, also behind an IPv4-mapped or 6to4 form."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if ip in _LOCAL_NAT64:
            return False
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _lookup(host: str, port: int) -> list[str]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise TryLater(f"{host} can't be resolved: {error}") from None
    return [str(answer[4][0]) for answer in answers]
