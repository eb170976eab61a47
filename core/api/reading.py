"""Reading a body: strict JSON, then a type, with every broken rule named by its path.

Python's own scanner (in C) reads it, with hooks for what JSON leaves open: a key given twice, NaN, numbers no database
keeps. Text that no database keeps is looked for only where the raw bytes can hold it.
"""

from __future__ import annotations

import json
import re
import zlib
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, TypeVar, cast

from django.http import HttpRequest
from pydantic import TypeAdapter, ValidationError
from rest_framework.request import Request

from core.errors import Invalid, Problem

T = TypeVar("T")

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 32
MAX_NUMBER_LENGTH = 40
INT_LIMIT = 2**63
MAX_PROBLEMS = 50

_half_a_character = re.compile("[\ud800-\udfff]")
_may_hide_bad_text = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def parse(request: Request | HttpRequest, type_: type[T], *, limit: int = MAX_BYTES) -> T:
    """The body as `type_` (anything pydantic validates). Invalid names every rule it breaks."""
    value = read_json(request, limit=limit)
    return validate(type_, value)


def validate(type_: type[T], value: Any) -> T:
    try:
        return cast(T, _adapter(cast(Any, type_)).validate_python(value))
    except ValidationError as error:
        raise _invalid(error) from None


def read_json(request: Request | HttpRequest, *, limit: int = MAX_BYTES) -> Any:
    """The body as plain Python. Read once: a second call gets the same object."""
    raw: Any = getattr(request, "_request", request)
    if not hasattr(raw, "_strict_json"):
        raw._strict_json = loads(body(raw, limit=limit))  # noqa: SLF001
    return raw._strict_json  # noqa: SLF001


def body(request: HttpRequest, *, limit: int = MAX_BYTES) -> bytes:
    """The raw bytes, unpacked if they came gzipped. 413 past the limit, whichever way one gets there."""
    content_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise _refused("content_type", "Send application/json.", status=415)
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise _too_large(limit)
    data = request.body
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding == "gzip":
        data = _gunzip(data, limit)
    elif encoding not in {"", "identity"}:
        raise _refused("content_encoding", "Send it plain or gzipped.", status=415)
    if len(data) > limit:
        raise _too_large(limit)
    return data


def loads(data: bytes) -> Any:
    """Strict JSON. Whatever is refused here would be misread by somebody, or refused by the database later."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused("utf8", f"Byte {error.start} isn't UTF-8.") from None
    if text.startswith("\ufeff"):
        raise _refused("bom", "A byte order mark has no place in JSON.")
    try:
        value = _decoder.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise _refused("json", f"{error.msg} (line {error.lineno}, column {error.colno}).") from None
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise _too_deep()
    if _may_hide_bad_text.search(data):
        _check_text(value)
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _refused("duplicate_key", f"The key {twice[:60]!r} is given twice.", path=twice[:60])
    return made


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -INT_LIMIT <= (value := int(digits)) < INT_LIMIT:
        raise _refused("number", "A whole number is too large.")
    return value


def _decimal(digits: str) -> Decimal:
    """Exact, because a price is no binary fraction."""
    try:
        value = Decimal(digits)
    except InvalidOperation:
        raise _refused("number", "A number can't be read.") from None
    if len(digits) > MAX_NUMBER_LENGTH or abs(value.adjusted()) > MAX_NUMBER_LENGTH:
        raise _refused("number", "A number is too large or too precise.")
    return value


def _constant(name: str) -> Any:
    raise _refused("number", f"{name} is no number.")


_decoder = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_decimal, parse_constant=_constant, strict=True
)


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if type(outer) in {dict, list}
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in {dict, list}
        ]
        if not level:
            return False
    return True


def _check_text(value: Any) -> None:
    waiting = [("", value)]
    while waiting:
        path, each = waiting.pop()
        if isinstance(each, str):
            if "\x00" in each or _half_a_character.search(each):
                raise _refused("text", "Text must not hold NUL or half a character.", path=path)
        elif isinstance(each, dict):
            for key, inner in each.items():
                waiting += ((path, key), (f"{path}.{key}" if path else key, inner))
        elif isinstance(each, list):
            waiting += ((f"{path}[{n}]", inner) for n, inner in enumerate(each))


def _gunzip(data: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        out = unpacker.decompress(data, limit + 1)
    except zlib.error:
        raise _refused("gzip", "The body isn't gzip as announced.") from None
    if len(out) > limit or unpacker.unconsumed_tail:
        raise _too_large(limit)
    if not unpacker.eof:
        raise _refused("gzip", "The body breaks off.")
    return out


@cache
def _adapter(type_: Any) -> TypeAdapter[Any]:
    return TypeAdapter(type_)


def _invalid(error: ValidationError) -> Invalid:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    problems = [Problem(path(each["loc"]), each["type"], _sentence(each["msg"])) for each in found[:MAX_PROBLEMS]]
    # Ten thousand lines are not a wrong value but too much at once.
    return Invalid(problems, status=413 if any(each["type"] == "too_long" for each in found) else 400)


def path(steps: tuple[int | str, ...]) -> str:
    """`lines[2].quantity`."""
    made = ""
    for step in steps:
        made += f"[{step}]" if isinstance(step, int) else f".{step}" if made else step
    return made


def _sentence(words: str) -> str:
    return words.removeprefix("Value error, ")[:300]


def _refused(rule: str, message: str, *, status: int = 400, path: str = "") -> Invalid:
    path = path.encode("ascii", "backslashreplace").decode()  # the path itself may hold what is wrong with the input
    return Invalid([Problem(path, rule, message)], status=status)


def _too_large(limit: int) -> Invalid:
    return _refused("too_large", f"At most {limit // 1024} KiB.", status=413)


def _too_deep() -> Invalid:
    return _refused("depth", f"Nested more than {MAX_DEPTH} levels deep.")
