"""What every log line carries, and what none may."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from core import correlation

Line = MutableMapping[str, Any]

HIDDEN = "[hidden]"
_secret_name = re.compile(
    r"pass(word|wd|phrase)|secret|token|authori[sz]ation|cookie|api[-_]?key|signature|hmac|private[-_]?key|credential",
    re.IGNORECASE,
)
_secret_value = re.compile(
    r"\b(?P<scheme>Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}"
    r"|\b(?P<key>br_[0-9a-f]{6,12})_[A-Za-z0-9_-]{8,}"
    r"|(?P<url>[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@",
)


def add_correlation(_: Any, __: str, line: Line) -> Line:
    """Which cause this line belongs to, where there is one."""
    if cause := correlation.known():
        line.setdefault("correlation_id", cause)
    return line


def hide_secrets(_: Any, __: str, line: Line) -> Line:
    """Passwords, keys and tokens, by the name they are logged under or by their look."""
    for name, value in line.items():
        line[name] = _hide(name, value)
    return line


def _hide(name: str, value: Any) -> Any:
    if _secret_name.search(name) and value not in {None, ""}:
        return HIDDEN
    if isinstance(value, str):
        return _secret_value.sub(_blank, value)
    if isinstance(value, dict):
        return {key: _hide(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hide(name, inner) for inner in value]
    return value


def _blank(match: re.Match[str]) -> str:
    if match["scheme"]:
        return f"{match['scheme']} {HIDDEN}"
    if match["key"]:
        return f"{match['key']}_{HIDDEN}"
    return f"{match['url']}:{HIDDEN}@"
