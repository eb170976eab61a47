"""JSON of payment APIs: numbers exact, ids as text, lists by any of the names they go by. Pure."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from finance.canonical import Rule
from integrations.payments.settlements.figures import DASHES
from integrations.payments.settlements.tables import Refused

R = TypeVar("R")


def loaded(content: bytes) -> Any:
    """The document, or a list where it is one document a line. Refused for what is no JSON or says a key twice."""
    text = content.decode("utf-8-sig", "strict") if _utf8(content) else ""
    try:
        return json.loads(text, parse_float=Decimal, parse_int=_whole, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        pass
    try:
        lines = [line for line in text.splitlines() if line.strip()]
        return [json.loads(line, parse_float=Decimal, parse_int=_whole, object_pairs_hook=_once) for line in lines]
    except (ValueError, RecursionError):
        raise Refused("It is no JSON.") from None


def _utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("It is no UTF-8 text.") from None
    return True


def _whole(digits: str) -> int:
    if len(digits) > 30:
        raise ValueError("too long a number")
    return int(digits)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def rows(said: Any, *names: str) -> list[Mapping[str, Any]]:
    """The objects of a list that goes by one of these names."""
    if isinstance(said, Mapping):
        for name in names:
            if isinstance(said.get(name), Sequence) and not isinstance(said[name], str):
                return [each for each in said[name] if isinstance(each, Mapping)]
    return []


def of_entry(read: Callable[..., R]) -> Callable[..., R]:
    """For what reads an entry, given its number and itself first: what it can't read is told with number and field."""

    @functools.wraps(read)
    def reads(number: int, each: Mapping[str, Any], *more: Any) -> R:
        try:
            return read(number, each, *more)
        except Refused as refused:
            if refused.fault.row:
                raise
            name = _name_of(refused.value, each)
            words = f"{name}: {refused.fault.message}" if name else refused.fault.message
            raise Refused(words, number, refused.fault.rule, value=refused.value) from None

    return reads


def _name_of(value: object, within: Mapping[str, Any]) -> str:
    """The path of the field with just that in it."""
    for name, held in within.items():
        if value is not None and held is value:
            return name
        if isinstance(held, Mapping) and (rest := _name_of(value, held)):
            return f"{name}.{rest}"
    return ""


def text(value: Any) -> str:
    """An id or a word as text, digit by digit; empty for nothing. A fraction is no id."""
    if value is None or isinstance(value, bool | Mapping | list):
        return ""
    if isinstance(value, Decimal):
        raise Refused(f"{value} is a rounded number, not an id.", rule=Rule.IDS_ROUNDED, value=value)
    return str(value)[:120]


def amount(value: Any, row: int, name: str) -> Decimal:
    """An amount in major units, given as text or as an exact number."""
    said = str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
    if isinstance(said, str) and any(dash in said for dash in DASHES):
        raise Refused(f"{name}: {said[:40]!r} has a dash where a minus belongs.", row, Rule.UNICODE_MINUS)
    if isinstance(said, str) and re.fullmatch(r"-?[0-9]{1,15},[0-9]{1,4}", said):
        raise Refused(f"{name}: {said!r} has a decimal comma.", row, Rule.DECIMAL_COMMA)
    if not isinstance(said, str) or not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,10})?", said):
        raise Refused(f"{name}: {said!r} is no amount.", row)
    return Decimal(said)


def since_1970(value: Any, row: int) -> datetime | None:
    """A moment given in whole seconds, or in milliseconds."""
    if value in (None, ""):
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**14:
        raise Refused(f"{value!r} is no moment.", row)
    return datetime.fromtimestamp(value / 1000 if value >= 10**11 else value, UTC)
