"""Every fact a receiver may ask for. Read from the apps' own events modules: a constant and the comment beside it.

The comment says what `data` holds, so the words are written once, where the fact is named.
"""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import StringIO
from tokenize import COMMENT, generate_tokens
from types import ModuleType

APPS = ("exceptions", "inventory", "orders", "returns", "finance", "integrations")
TEST = "webhook.test"
ESCALATED = "case.escalated"
_DATA = re.compile(r"data: (.*)$")
_NAMES = re.compile(r"\[[^\]]*\]|\([^)]*\)")
_NAME = re.compile(r"[a-z][a-z_]*")


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of fact: its name, what its comment says, and the names of what `data` holds, as far as it says them."""

    type: str
    app: str
    words: str
    fields: tuple[str, ...]

    @property
    def title(self) -> str:
        return self.type.replace(".", " ").replace("_", " ").capitalize()

    @property
    def subject(self) -> str:
        return self.type.partition(".")[0]


@cache
def every() -> tuple[EventType, ...]:
    """All of them, by name."""
    found: dict[str, EventType] = {TEST: EventType(TEST, "integrations", "sent on request, to try a receiver", ())}
    for app in APPS:
        try:
            module = import_module(f"{app}.events")
        except ModuleNotFoundError:
            continue
        found |= {each.type: each for each in _of(app, module)}
    return tuple(found[name] for name in sorted(found))


@cache
def names() -> frozenset[str]:
    return frozenset(each.type for each in every())


def _of(app: str, module: ModuleType) -> list[EventType]:
    source = inspect.getsource(module)
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in generate_tokens(StringIO(source).readline)
        if token.type == COMMENT
    }
    made = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and _is_type(node.value.value):
            words = comments.get(node.lineno, "")
            made.append(EventType(str(node.value.value), app, words, _fields(words)))
    return made


def _is_type(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z_]+\.[a-z_]+", value) is not None


def _fields(words: str) -> tuple[str, ...]:
    """The names a comment lists after "data:"; prose there names none."""
    found = _DATA.search(words)
    if found is None:
        return ()
    parts = [part.strip() for part in re.split(r"[,;]", _NAMES.sub("", found.group(1)))]
    return tuple(part for part in parts if _NAME.fullmatch(part))
