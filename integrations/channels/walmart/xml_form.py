"""Walmart's orders in XML, its interface's older form, as the JSON it writes today. Pure.

Both have the same names; XML puts them into namespaces, writes a list of one like an object, and times as ISO 8601
instead of milliseconds since 1970. Source: developer.walmart.com, Orders API v3, the XML responses.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from integrations.documents import write_json
from integrations.failures import unparsable

_BEGINNING = 4_000
_LISTS = {"order", "orderLine", "charge", "orderLineStatus", "refundCharge"}
_TIMES = {"orderDate", "statusDate", "estimatedShipDate", "estimatedDeliveryDate", "shipDateTime"}
_DECLARES = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


def as_json(body: bytes) -> bytes:
    """The document as JSON where it is XML of Walmart's, else as it is. Raises Unreadable for XML that is broken."""
    head = body[:_BEGINNING].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"<") or b"http://walmart.com/" not in head:
        return body
    if _DECLARES.search(body.replace(b"\x00", b"")):
        raise unparsable("it is XML that declares a document type; Walmart's has none")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  (no entities: refused above)
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the latter two: an encoding nobody knows
        raise unparsable(f"it is no XML: {str(error)[:120]}") from None
    name = _name(root)
    try:
        return write_json({name: [_read(each) for each in root] if name == "errors" else _read(root)})
    except RecursionError:
        raise unparsable("nested too deeply to be an honest document") from None


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _read(element: ElementTree.Element) -> Any:
    if not len(element):
        text = (element.text or "").strip()
        return _milliseconds(text) if _name(element) in _TIMES else text or None
    found: dict[str, Any] = {}
    for child in element:
        name, value = _name(child), _read(child)
        if name in _LISTS:
            found.setdefault(name, []).extend([] if value is None else [value])
        elif name in found:
            raise unparsable(f"it is XML that says {name[:40]} twice of one {_name(element)[:40]}")
        else:
            found[name] = value
    return found


def _milliseconds(text: str) -> Any:
    """As JSON has it; what is no such time stays as it is, and is refused by whoever reads it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text or None
    return round(found.timestamp() * 1000) if found.tzinfo else text
