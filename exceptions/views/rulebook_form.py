"""The form of a rulebook as fields, and back: s0-action, s0-c1-field … for playbooks, r0-above … for approvals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

STEP = re.compile(r"s(\d{1,2})-(action|note)")
CONDITION = re.compile(r"s(\d{1,2})-c(\d{1,2})-(field|op|value)")
RULE = re.compile(r"r(\d{1,2})-(reason|queue|action|above|currency|permission|hours)")
BLANK_RULE = {"above": "100", "currency": "GBP", "permission": "exceptions.approve_action", "hours": "24"}


def read(post: Mapping[str, str], *, playbook: bool) -> dict[str, Any]:
    """The document as typed, not checked: empty rows fall away."""
    return {"steps": _steps(post)} if playbook else {"rules": _rules(post)}


def _steps(post: Mapping[str, str]) -> list[dict[str, Any]]:
    steps: dict[int, dict[str, Any]] = {}
    for name, value in post.items():
        text = value.replace("\0", "").strip()
        if found := STEP.fullmatch(name):
            steps.setdefault(int(found[1]), {"when": {}})[found[2]] = text
        elif found := CONDITION.fullmatch(name):
            step = steps.setdefault(int(found[1]), {"when": {}})
            step["when"].setdefault(int(found[2]), {})[found[3]] = text
    return [
        {
            "action": step.get("action", ""),
            "note": step.get("note", ""),
            "when": [row for _, row in sorted(step["when"].items()) if row.get("field")],
        }
        for _, step in sorted(steps.items())
        if step.get("action")
    ]


def _rules(post: Mapping[str, str]) -> list[dict[str, Any]]:
    rules: dict[int, dict[str, Any]] = {}
    for name, value in post.items():
        if found := RULE.fullmatch(name):
            rules.setdefault(int(found[1]), {})[found[2]] = value.replace("\0", "").strip()
    return [rule for _, rule in sorted(rules.items())]


def changed(document: dict[str, Any], do: str, *, first: str) -> dict[str, Any]:
    """The document with a row added, removed or moved: add, up-2, remove-0, when-1."""
    name = "steps" if "steps" in document else "rules"
    rows = list(document[name])
    verb, _, at = do.partition("-")
    n = int(at) if at.isdecimal() and len(at) < 3 else -1
    if verb == "add":
        rows.append({"action": first, "note": "", "when": []} if name == "steps" else dict(BLANK_RULE))
    elif 0 <= n < len(rows):
        if verb == "remove":
            rows.pop(n)
        elif verb == "up" and n:
            rows[n - 1], rows[n] = rows[n], rows[n - 1]
        elif verb == "when" and name == "steps":
            rows[n] = {**rows[n], "when": [*rows[n]["when"], {"field": "value", "op": "at_least", "value": "100"}]}
    return {name: rows}
