"""The rules of a policy as rows of a form: from the stored document to fields, and from what was sent back to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from core.errors import Invalid
from inventory.models import LocationKind
from orders.models import Method
from orders.sourcing.criteria import CRITERIA
from orders.sourcing.document import MOST_CRITERIA, MOST_RULES

LISTS = (("orders", "channels"), ("orders", "regions"), ("orders", "tags"), ("nodes", "codes"), ("nodes", "countries"))
TICKS = (("orders", "methods", Method.choices), ("nodes", "kinds", LocationKind.choices))
THEN = (
    ("NEXT", "Ask the next rule"), ("BACKORDER", "Back-order"), ("HOLD", "Hold the order"),
    ("CARE", "Leave it to customer care"), ("CANCEL", "Cancel the order"),
)  # fmt: skip
BLANK: dict[str, Any] = {"name": "", "criteria": [{"name": "distance"}]}
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")
_INDEX = re.compile(r"r([0-9]{1,2})-name")
_STEP = re.compile(r"(add|remove|up|down)-(rule|criterion)(?:-([0-9]{1,2}))?(?:-([0-9]{1,2}))?")
_PATH = re.compile(r"rules\[(\d+)\]")


def read(post: QueryDict) -> list[dict[str, Any]]:
    """What was sent, as a document. Figures that are none stay text, so that the document's own check names them."""
    count = 1 + max((int(found.group(1)) for name in post if (found := _INDEX.fullmatch(name))), default=-1)
    return [_rule(post, f"r{n}") for n in range(min(count, MOST_RULES))]


def _rule(post: QueryDict, at: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"name": post.get(f"{at}-name", "").strip(), "then": post.get(f"{at}-then", "NEXT")}
    if post.get(f"{at}-split"):
        rule["split"] = True
    if most := post.get(f"{at}-max_nodes", "").strip():
        rule["max_nodes"] = int(most) if most.isascii() and most.isdigit() and len(most) < 4 else most
    for group, name in LISTS:
        words = [word.strip() for word in post.get(f"{at}-{name}", "").split(",") if word.strip()]
        if words:
            rule.setdefault(group, {})[name] = words
    for group, name, _ in TICKS:
        if chosen := post.getlist(f"{at}-{name}"):
            rule.setdefault(group, {})[name] = chosen
    key, value = (post.get(f"{at}-attribute_{part}", "").strip() for part in ("key", "value"))
    if key or value:
        rule.setdefault("orders", {})["attribute"] = [key, value]
    for name in ("value_from", "value_below"):
        if text := post.get(f"{at}-{name}", "").strip():
            rule.setdefault("orders", {})[name] = _number(text)
    rule["criteria"] = [_criterion(post, f"{at}-c{m}") for m in range(MOST_CRITERIA) if post.get(f"{at}-c{m}-name")]
    return rule


def _criterion(post: QueryDict, at: str) -> dict[str, Any]:
    name = post[f"{at}-name"]
    made: dict[str, Any] = {"name": name}
    known = CRITERIA[name].settings if name in CRITERIA else ()
    given = {s.name: post.get(f"{at}-{s.name}", "").strip() for s in known}
    if settings := {key: _number(text) for key, text in given.items() if text}:
        made["settings"] = settings
    if step := post.get(f"{at}-step", "").strip():
        made["step"] = _number(step)
    return made


def _number(text: str) -> float | str:
    return float(text) if _NUMBER.fullmatch(text) else text


def changed(rules: list[dict[str, Any]], step: str) -> list[dict[str, Any]]:
    """The rows after one of the form's buttons: a rule or criterion added, removed, or moved."""
    found = _STEP.fullmatch(step)
    if found is None:
        return rules
    verb, what, rule, criterion = found.group(1), found.group(2), *(int(each or 0) for each in found.group(3, 4))
    if what == "rule":
        return _moved(rules, verb, rule, BLANK | {"name": f"rule_{len(rules) + 1}"}, MOST_RULES)
    if rule < len(rules):
        used = {each["name"] for each in rules[rule]["criteria"]}
        fresh = {"name": next((name for name in CRITERIA if name not in used), "distance")}
        rules[rule]["criteria"] = _moved(rules[rule]["criteria"], verb, criterion, fresh, MOST_CRITERIA)
    return rules


def _moved(rows: list[dict[str, Any]], verb: str, at: int, fresh: dict[str, Any], most: int) -> list[dict[str, Any]]:
    rows = list(rows)
    if verb == "add" and len(rows) < most:
        rows.append(fresh)
    elif verb == "remove" and at < len(rows) > 1:
        rows.pop(at)
    elif verb == "up" and 0 < at < len(rows):
        rows[at - 1], rows[at] = rows[at], rows[at - 1]
    elif verb == "down" and at + 1 < len(rows):
        rows[at], rows[at + 1] = rows[at + 1], rows[at]
    return rows


def rows(rules: list[Mapping[str, Any]] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The document as the template draws it: every field has a value, lists are words with commas between."""
    return [_row(rule) for rule in rules]


def _row(rule: Mapping[str, Any]) -> dict[str, Any]:
    orders, nodes = rule.get("orders", {}), rule.get("nodes", {})
    key, value = (orders.get("attribute") or ("", ""))[:2]
    return {
        "name": rule.get("name", ""),
        "split": rule.get("split", False),
        "max_nodes": rule.get("max_nodes") or "",
        "then": rule.get("then", "NEXT"),
        **{name: ", ".join({"orders": orders, "nodes": nodes}[group].get(name, ())) for group, name in LISTS},
        "methods": orders.get("methods", ()),
        "kinds": nodes.get("kinds", ()),
        "attribute_key": key,
        "attribute_value": value,
        "value_from": plain(orders.get("value_from")),
        "value_below": plain(orders.get("value_below")),
        "criteria": [
            {
                "name": each["name"],
                "kind": CRITERIA.get(each["name"]),
                "settings": {name: plain(number) for name, number in each.get("settings", {}).items()},
                "step": plain(each.get("step")),
            }
            for each in rule.get("criteria", ())
        ],
    }


def plain(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, int | float) else str(value)


def problems(invalid: Invalid) -> dict[str, str]:
    """The document's problems in words: which rule, which criterion, and what is wrong there."""
    said: dict[str, str] = {}
    for problem in invalid.problems:
        found = _PATH.match(problem.path)
        place = f"r{found.group(1)}-name" if found else ""
        inner = problem.path[found.end() :].lstrip(".") if found else problem.path
        words = f"Rule {int(found.group(1)) + 1}: " if found else ""
        words += f"{_words(inner)}{problem.message}"
        said[place] = f"{said[place]}; {words}" if place in said else words
    return said


def _words(path: str) -> str:
    path = re.sub(r"criteria\[(\d+)\]", lambda found: f"criterion {int(found.group(1)) + 1}", path)
    path = re.sub(r"\[(\d+)\]", "", path).replace(".", ", ").replace("_", " ")
    return f"{path}: " if path else ""
