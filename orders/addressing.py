"""Whether a delivery address looks like one of its country: shapes only, nothing is asked of anybody.

Shapes follow the Universal Postal Union's addressing pages: A is a letter, 9 a digit, `?` makes the character before it
optional. A country not listed here is not doubted.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from orders.canonical import Address

_SHAPES: dict[str, tuple[str, ...]] = {
    "GB": ("A9 9AA", "A99 9AA", "AA9 9AA", "AA99 9AA", "A9A 9AA", "AA9A 9AA"),
    "IE": ("A99 XXXX", "A9A XXXX"),
    "NL": ("9999 AA",),
    "CA": ("A9A 9A9",),
    "US": ("99999", "99999-9999"),
    "PT": ("9999-999",),
    "PL": ("99-999",),
    "BR": ("99999-999", "99999999"),
    "JP": ("999-9999", "9999999"),
    "SE": ("999 99",),
    "CZ": ("999 99",),
    "SK": ("999 99",),
    "GR": ("999 99",),
    "MT": ("AAA 9999",),
    "LT": ("LT-99999", "99999"),
    "LV": ("LV-9999", "9999"),
    **dict.fromkeys(("DE", "FR", "IT", "ES", "FI", "EE", "HR", "TR", "UA", "MX", "KR", "MY", "TH", "SA"), ("99999",)),
    **dict.fromkeys(("AT", "BE", "CH", "DK", "NO", "LU", "HU", "SI", "BG", "CY", "AU", "NZ", "ZA"), ("9999",)),
    **dict.fromkeys(("IN", "CN", "SG", "RO"), ("999999",)),
}
_CLASSES = {"A": "[A-Z]", "9": "[0-9]", "X": "[A-Z0-9]", " ": "", "-": "-?"}
_POST_BOX = re.compile(r"\b(p\.?\s*o\.?\s*box|postfach|postbus|apartado|casella postale)\b", re.IGNORECASE)


def _pattern(shape: str) -> str:
    literal = shape[:2] if shape[:2] in {"LT", "LV"} else ""
    return literal + "".join(_CLASSES.get(c, re.escape(c)) for c in shape[len(literal) :])


_PATTERNS = {
    country: re.compile("|".join(f"(?:{_pattern(shape)})" for shape in shapes)) for country, shapes in _SHAPES.items()
}


def doubts(address: Address) -> list[tuple[str, str]]:
    """(part, what is wrong with it) of an address that is complete but looks like none; empty where it looks right."""
    found = []
    pattern = _PATTERNS.get(address.country)
    code = "".join(address.postal_code.upper().split())
    if code and pattern is not None and not pattern.fullmatch(code):
        looks = " or ".join(_SHAPES[address.country][:2])
        found.append(
            ("postal_code", f"{address.postal_code} is none of {address.country}, where they look like {looks}")
        )
    street = address.line1.strip()
    if street and not any(c.isalpha() for c in street):
        found.append(("line1", f"“{street}” names no street"))
    if _POST_BOX.search(f"{address.line1} {address.line2}"):
        found.append(("line1", "a post box takes no parcels"))
    return found


def key(address: Address | None) -> str:
    """The same for every spelling of one place: case, accents, blanks and punctuation aside. "" without a street."""
    if address is None or not address.line1.strip():
        return ""
    return key_of(address.line1, address.line2, address.postal_code or address.city, address.country)


def key_of(*parts: str) -> str:
    plain = unicodedata.normalize("NFKD", "|".join(parts)).casefold()
    kept = "".join(c for c in plain if c.isalnum() or c == "|")
    return hashlib.blake2b(kept.encode(), digest_size=16).hexdigest()
