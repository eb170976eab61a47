"""How somebody says a file is written: each term with its rule, so that what is wrong names its field. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from core.errors import Invalid, Problem
from orders import currencies

MOST_COLUMNS, LONGEST = 40, 120
CHOICES = {"decimal": (".", ","), "dates": ("D/M/Y", "M/D/Y", "Y-M-D")}
# Codecs that are no code page of a text, or that fail in ways of their own, aren't among them.
ENCODINGS = frozenset({
    "ascii", "big5", "cp437", "cp850", "cp932", "euc_jp", "gb18030", "gbk", "koi8-r", "mac-roman", "shift_jis",
    "utf-16", "utf-16-be", "utf-16-le", "utf-8", "utf-8-sig", *(f"cp125{n}" for n in range(9)),
    *(f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)),
})  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def terms(given: Mapping[str, Any], columns: Collection[str]) -> dict[str, Any]:
    """What was stated, without what wasn't. `columns` are the names a mapped file's columns may have.

    Invalid (422) names every field that makes no sense.
    """
    problems: list[Problem] = []
    said: dict[str, Any] = {}
    for name, value in given.items():
        if name == "columns":
            said[name] = _columns(value, columns, problems)
        elif value not in (None, ""):
            text = str(value).strip()
            if problem := _wrong(name, text):
                problems.append(Problem(name, *problem))
            said[name] = text.upper() if name == "currency" else text
    if problems:
        raise Invalid(problems, status=422)
    return {name: value for name, value in said.items() if value}


def _wrong(name: str, text: str) -> tuple[str, str] | None:
    """The rule it breaks, and how to put it right."""
    if _CONTROL.search(text) or len(text) > LONGEST:
        return "text", f"Plain text of at most {LONGEST} characters."
    if name in CHOICES and text not in CHOICES[name]:
        return "choice", f"One of {', '.join(CHOICES[name])}, or nothing."
    if name == "currency" and not currencies.is_known(text.upper()):
        return "currency", f"{text[:20]!r} is no currency; write its three letters, such as EUR."
    if name == "time_zone" and not _is_zone(text):
        return "time_zone", f"{text[:40]!r} is no time zone; write its place, such as Europe/Berlin."
    if name == "encoding" and not _is_encoding(text):
        return "encoding", f"{text[:40]!r} is no encoding that is read; utf-8 and cp1252 are the usual ones."
    if name == "stated" and not _is_amount(text):
        return "amount", "The stated payout has to be a plain number such as 2975.92."
    return None


def _is_zone(text: str) -> bool:
    if re.fullmatch(r"[A-Za-z]{3,4}", text):
        return True  # letters of a report: its reader knows which mean one offset
    try:
        return bool(ZoneInfo(text))
    except (KeyError, ValueError, OSError):
        return False


def _is_encoding(text: str) -> bool:
    try:
        return codecs.lookup(text).name in ENCODINGS
    except (LookupError, ValueError):
        return False


def _is_amount(text: str) -> bool:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return False
    return text.isascii() and "_" not in text and amount.is_finite() and abs(amount) < 10**15


def _columns(value: Any, known: Collection[str], problems: list[Problem]) -> dict[str, str]:
    found = lines(value, problems) if isinstance(value, str) else value or {}
    if not isinstance(found, Mapping) or len(found) > MOST_COLUMNS:
        problems.append(Problem("columns", "mapping", f"At most {MOST_COLUMNS} columns, each as what=Title."))
        return {}
    for name, title in found.items():
        if name not in known:
            words = f"{str(name)[:40]!r} is nothing a column can be; there are {', '.join(sorted(known))}."
            problems.append(Problem("columns", "unknown", words))
        elif not isinstance(title, str) or len(title) > LONGEST or _CONTROL.search(title):
            problems.append(Problem("columns", "text", f"{name}: a title of at most {LONGEST} characters."))
    return {str(name): title.strip() for name, title in found.items() if isinstance(title, str) and title.strip()}


def lines(text: str, problems: list[Problem]) -> dict[str, str]:
    """Columns as a form has them: one a line, what=Title."""
    found: dict[str, str] = {}
    for n, line in enumerate(text.splitlines(), start=1):
        name, is_, title = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not is_ or not name:
            problems.append(Problem("columns", "line", f"Line {n}: write what=Title."))
        elif name in found:
            problems.append(Problem("columns", "twice", f"Line {n}: {name[:40]} is named already."))
        else:
            found[name] = title
    return found
