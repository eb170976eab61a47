"""Bytes from outside, read strictly: exact numbers, no duplicate keys, no guesses. Pure."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import uuid4

from integrations.failures import FailureClass, Fault, Unreadable, unparsable

BOM = b"\xef\xbb\xbf"
MAX_DIGITS = 40  # of one number; longer ones are a trap, not an amount


def read_json(body: bytes) -> Any:
    """The document with every number exact: integers as int, all others as Decimal from their own text.

    A UTF-8 byte order mark is dropped. Raises Unreadable naming the place and the first characters.
    """
    text = _text(body)
    try:
        return json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise unparsable(
            f"not JSON: {error.msg} at line {error.lineno} column {error.colno}{_ending(text, error.pos)}; "
            f"it starts with {first_characters(body)!r}"
        ) from None
    except RecursionError:
        raise unparsable("nested too deeply to be an honest document") from None


def write_json(value: Any) -> bytes:
    """A part of what `read_json` read as bytes of its own, every number as it was written."""
    mark = uuid4().hex  # nothing from outside can know it, so nothing from outside is taken for one of our numbers
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=lambda number: f"{mark}{number}")
    return re.sub(rf'"{mark}([^"]*)"', r"\1", text).encode("utf-8", "surrogatepass")


def first_characters(body: bytes, count: int = 60) -> str:
    """The beginning as text a person can read, control characters shown as spaces."""
    text = body[: count * 4].decode("utf-8", errors="replace").removeprefix("\ufeff")
    return "".join(c if c.isprintable() else " " for c in text)[:count].strip()


def without_nul(value: Any) -> Any:
    """The same document without NUL characters and lone surrogates, which PostgreSQL text can't hold.

    Walks without recursion, so depth is no danger.
    """
    root = [value]
    pending: list[tuple[Any, Any]] = [(root, 0)]
    while pending:
        holder, key = pending.pop()
        item = holder[key]
        if isinstance(item, str):
            holder[key] = clean(item)
        elif isinstance(item, list):
            pending.extend((item, index) for index in range(len(item)))
        elif isinstance(item, dict):
            pending.extend((item, name) for name in item)
    return root[0]


def clean(text: str) -> str:
    if "\x00" in text:
        text = text.replace("\x00", "")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        text = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def _text(body: bytes) -> str:
    if not body.strip():
        raise unparsable("the body is empty")
    try:
        return body.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise unparsable(
            f"not UTF-8 text: byte {body[error.start : error.start + 1].hex()} at position {error.start}; "
            f"it starts with {first_characters(body)!r}"
        ) from None


def _ending(text: str, position: int) -> str:
    return " (the body ends there: it was cut off)" if position >= len(text.rstrip()) else ""


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_DIGITS:
        raise Unreadable(FailureClass.BAD_VALUE, Fault("", f"the number {text[:20]}… has too many digits"))
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Unreadable(FailureClass.BAD_VALUE, Fault("", f"the number {text[:20]} is out of range")) from None


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise Unreadable(FailureClass.BAD_VALUE, Fault("", f"the number {text[:20]}… has too many digits"))
    return int(text)


def _constant(text: str) -> Any:
    raise unparsable(f"{text} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise Unreadable(FailureClass.BAD_VALUE, Fault(name[:60], "the key appears twice in one object"))
            seen.add(name)
    return found
