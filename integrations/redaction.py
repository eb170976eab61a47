"""What may be written down about a request: secrets never, people only in part. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

HIDDEN = "[hidden]"
# Headers kept as they are; any other is stored as hidden, so a new vendor's secret header can't leak by default.
PLAIN_HEADERS = re.compile(
    r"(content-(type|length|encoding)|user-agent|accept|host|date|retry-after|x-correlation-id|x-request-id"
    r"|x-shopify-(topic|shop-domain|webhook-id|event-id|triggered-at|api-version|order-id|test|sub-topic)"
    r"|webhook-(id|timestamp))",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(
    r"(token|secret|passw|authorization|api[_-]?key|signature|hmac|cookie|credential)", re.IGNORECASE
)
_PERSONAL = re.compile(
    r"^(email|contact_?email|phone|first_?name|last_?name|name|address_?[12]|street[12]?|line_?[12]|zip|postcode"
    r"|postal_?code|latitude|longitude|browser_?ip|client_?ip|company)$",
    re.IGNORECASE,
)
# Objects in which `name` and `company` speak of a person; elsewhere they name a product or an order.
_PEOPLE = re.compile(
    r"^(customer|buyer|.*address|destination|billing|shipping|recipient|ship_to|bill_to)$", re.IGNORECASE
)


def headers(given: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): (value[:500] if PLAIN_HEADERS.fullmatch(name) else HIDDEN) for name, value in given.items()}


def url(address: str) -> str:
    """Without user, password and secret-looking query values."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.port:
        host = f"{host}:{parts.port}"
    query = urlencode([(k, HIDDEN if _SECRET_NAME.search(k) else v) for k, v in parse_qsl(parts.query)])
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def form(body: str) -> str:
    """A form as it was sent, without secret-looking values."""
    return urlencode([(k, HIDDEN if _SECRET_NAME.search(k) else v) for k, v in parse_qsl(body)])


def secrets(document: Any) -> Any:
    """The document with the values of secret-looking keys hidden."""
    return _walk(document, lambda key, parent: bool(_SECRET_NAME.search(key)))


def people(document: Any) -> Any:
    """The document as shown on a screen: secrets hidden, people masked to a first letter."""
    return _walk(document, lambda key, parent: bool(_SECRET_NAME.search(key)) or _personal(key, parent))


def is_personal(path: str) -> bool:
    """Whether a dotted place (`ship_to.name`) speaks of a person."""
    parent, _, key = path.rpartition(".")
    return _personal(key, parent.rpartition(".")[2])


def mask(text: str) -> str:
    return str(_mask(text))


def _personal(key: str, parent: str) -> bool:
    if not _PERSONAL.match(key):
        return False
    return key.lower() not in {"name", "company"} or bool(_PEOPLE.match(parent))


def _walk(document: Any, hide: Any, parent: str = "", depth: int = 0) -> Any:
    if depth > 60:
        return HIDDEN
    if isinstance(document, dict):
        return {
            key: _mask(value) if hide(key, parent) else _walk(value, hide, key, depth + 1)
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [_walk(item, hide, parent, depth + 1) for item in document]
    return document


def _mask(value: Any) -> Any:
    if value in (None, "", [], {}):
        return value
    if isinstance(value, str) and len(value) > 1:
        return f"{value[0]}•••"
    return HIDDEN
