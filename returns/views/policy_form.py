"""A policy as a form: a row for each rule, what a rule is about as a line of words, and back.

category: Phones, Tablets; not reason: DEFECTIVE; sold: 11-01..12-31; value: 50..200
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import Invalid, Problem

# What a line of words may say, and the field of the rule it stands for.
WORDS = {
    "category": "categories", "sku": "skus", "channel": "channels", "country": "countries", "asked": "kinds",
    "proof": "proofs", "reason": "reasons", "not reason": "not_reasons", "condition": "conditions",
    "standing": "standings",
}  # fmt: skip
_CAPITALS = {"countries", "kinds", "proofs", "reasons", "not_reasons", "conditions", "standings"}
COUNTS_FROM = [("DELIVERED", "its delivery"), ("SHIPPED", "its dispatch"), ("PLACED", "the order")]
OVER = [("DENIED", "Deny"), ("REVIEW", "Ask a person")]
TESTS = [
    ("FINAL_SALE", "Final sale"), ("CONDITION", "Condition"), ("SERIAL", "Serial number"), ("ALWAYS", "Always"),
]  # fmt: skip
PLANS = [("ON_RECEIPT", "Once inspected"), ("INSTANT", "At once"), ("KEEP_IT", "The customer keeps it")]

# (section, title, what it is for, fields): a field is (name, title, kind, choices)
SECTIONS: tuple[tuple[str, str, str, tuple[tuple[str, str, str, Any], ...]], ...] = (
    ("windows", "Windows", "The first that fits decides; one that extends only ever gives more time.", (
        ("days", "Days", "number", None), ("until", "Or until", "text", None),
        ("counts_from", "Counted from", "choice", COUNTS_FROM), ("extends", "Extends", "flag", None),
        ("over", "Afterwards", "choice", OVER),
    )),
    ("refusals", "What speaks against it", "The strictest that fits decides.", (
        ("test", "Test", "choice", TESTS), ("accepts", "Accepts", "list", None),
        ("discount_from", "Final from % off", "number", None), ("verdict", "Then", "choice", OVER),
    )),
    ("promises", "Channels’ own promises", "Never less than the window.", (
        ("days", "Days", "number", None), ("counts_from", "Counted from", "choice", COUNTS_FROM),
    )),
    ("refunds", "Terms of the refund", "The first that fits decides.", (
        ("plan", "When", "choice", PLANS), ("up_to", "Up to", "text", None), ("to", "Only as", "list", None),
        ("fee", "Fee", "text", None), ("restocking_percent", "Restocking %", "number", None),
        ("refunds_shipping", "Delivery too", "flag", None),
    )),
    ("places", "Where it goes", "Limits the places that are weighed.", (
        ("to_kinds", "Kinds of places", "list", None), ("to_codes", "Or these", "words", None),
    )),
)  # fmt: skip
PLAIN = (
    ("routing", "loses_percent_a_week", "Goods lose % a week until they sell", "number"),
    ("routing", "handling", "Handling a return costs", "text"),
    ("routing", "per_km", "A kilometre costs, where no carrier has a price", "text"),
    ("routing", "currency", "In", "text"),
    ("routing", "abroad", "May come back to another country", "flag"),
    ("standing", "trusted_orders", "Trusted from so many orders", "number"),
    ("standing", "trusted_share", "and at most so many % brought back", "number"),
    ("standing", "watched_units", "Watched from so many units brought back", "number"),
    ("standing", "watched_share", "and at least so many %", "number"),
    ("", "expires_days", "Days to send it in once it is approved", "number"),
)  # fmt: skip
MOST_ROWS = 41


def about(when: Mapping[str, Any]) -> str:
    """What a rule is about, in words."""
    said = [f"{word}: {', '.join(when[name])}" for word, name in WORDS.items() if when.get(name)]
    said += [f"{name} = {value}" for name, value in when.get("attributes", ())]
    if when.get("sold_from"):
        said.append(f"sold: {when['sold_from']}..{when['sold_to']}")
    if when.get("value_from") or when.get("value_below"):
        said.append(f"value: {when.get('value_from') or ''}..{when.get('value_below') or ''}")
    return "; ".join(said)


def when(text: str, path: str) -> dict[str, Any]:
    """The words as a rule's `when`; Invalid (422) names what isn't understood."""
    found: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        word, colon, said = (piece.strip() for piece in part.partition(":"))
        since, dots, until = (piece.strip() for piece in said.partition(".."))
        name = WORDS.get(word.lower())
        if colon and name and said:
            values = [value.strip() for value in said.split(",") if value.strip()]
            found[name] = [value.upper().replace(" ", "_") for value in values] if name in _CAPITALS else values
        elif colon and word.lower() == "sold" and dots:
            found |= {"sold_from": since, "sold_to": until}
        elif colon and word.lower() == "value" and dots:
            found |= {k: v for k, v in (("value_from", since), ("value_below", until)) if v}
        elif not colon and part.count("=") == 1:
            found.setdefault("attributes", []).append([piece.strip() for piece in part.split("=")])
        else:
            raise Invalid([Problem(path, "words", f"“{part[:60]}” is not understood.")], status=422)
    return found


def read(post: Any) -> dict[str, Any]:
    """The form as a document. A row without code and name is none. Invalid (422) for words nobody understands."""
    document: dict[str, Any] = {}
    problems: list[Problem] = []
    for section, _, _, fields in SECTIONS:
        rules: list[dict[str, Any]] = []
        for n in range(MOST_ROWS):
            given = {name: _text(post, f"{section}-{n}-{name}") for name in ("code", "name", "when")}
            if not given["code"] and not given["name"]:
                continue
            path = f"{_parent(section)}[{len(rules)}]"
            rule: dict[str, Any] = {"code": given["code"], "name": given["name"]}
            try:
                rule["when"] = when(given["when"], f"{path}.when")
            except Invalid as invalid:
                problems += invalid.problems
            rule |= {
                name: value
                for name, _, kind, _ in fields
                if (value := _value(post, f"{section}-{n}-{name}", kind)) != ""
            }
            rules.append(rule)
        _put(document, section, rules)
    for group, name, _, kind in PLAIN:
        value = _value(post, f"{group}-{name}" if group else name, kind)
        if value != "":
            (document.setdefault(group, {}) if group else document)[name] = value
    if problems:
        raise Invalid(problems, status=422)
    return document


def shown(document: Mapping[str, Any], *, draft: bool) -> list[dict[str, Any]]:
    """The sections as the page shows them: a draft has an empty row at the end of each."""
    found = []
    for section, title, lead, fields in SECTIONS:
        rules = document.get("routing", {}).get("places", []) if section == "places" else document.get(section, [])
        rows = [{**rule, "about": about(rule.get("when", {})), "path": f"{_parent(section)}[{n}]"}
                for n, rule in enumerate(rules)]  # fmt: skip
        found.append({
            "name": section, "title": title, "lead": lead, "fields": fields,
            "rows": [*rows, {"about": "", "path": "", "code": "", "name": ""}] if draft else rows,
        })  # fmt: skip
    return found


def plain(document: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for group, name, title, kind in PLAIN:
        said = (document.get(group, {}) if group else document).get(name)
        value = said if said is not None else (defaults.get(group, {}) if group else defaults).get(name, "")
        found.append({"field": f"{group}-{name}" if group else name, "title": title, "kind": kind, "value": value,
                      "path": f"{group}.{name}" if group else name})  # fmt: skip
    return found


def _parent(section: str) -> str:
    return "routing.places" if section == "places" else section


def _put(document: dict[str, Any], section: str, rules: list[dict[str, Any]]) -> None:
    if section == "places":
        document.setdefault("routing", {})["places"] = rules
    else:
        document[section] = rules


def _text(post: Any, name: str) -> str:
    return str(post.get(name, "")).replace("\0", "").strip()[:2000]


def _value(post: Any, name: str, kind: str) -> Any:
    """What was typed, as the document has it; "" where nothing was. What is no number stays text, and is refused."""
    if kind == "flag":
        return bool(post.get(name)) or ""
    text = _text(post, name)
    if kind == "number" and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    if kind in {"list", "words"} and text:
        values = [value.strip() for value in text.split(",") if value.strip()]
        return [value.upper().replace(" ", "_") for value in values] if kind == "list" else values
    return text
