"""Delimited text: UTF-8 with or without its mark, UTF-16 by its mark, else Windows-1252, and it is said so."""

from __future__ import annotations

import codecs
import csv
import io
import re

from core.sheets import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Table, refused

_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*"')


def read(content: bytes, *, encoding: str = "", delimiter: str = "") -> Table:
    """The rows of a CSV file. Invalid names the row of a quote that is never closed, of a NUL, of too many columns."""
    text, remarks = _stated(content, encoding) if encoding else _decoded(content)
    if "\x00" in text:
        at = text.count("\n", 0, text.index("\x00")) + 1
        raise refused("text", "It holds a NUL character: that is no text file.", row=at)
    delimiter = delimiter or _delimiter(text)
    rows: list[tuple[str, ...]] = []
    numbers: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begun = 1
    while True:
        begun = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            words = "A quote that opens here is never closed." if "unexpected end" in str(error) else f"{error}."
            raise refused("csv", words, row=begun) from None
        if not any(value.strip() for value in row):
            continue
        if len(rows) > MAX_ROWS:
            raise refused("too_many_rows", f"At most {MAX_ROWS:,} rows can be imported at once.", status=413)
        if len(row) > MAX_COLUMNS:
            raise refused("too_many_columns", f"At most {MAX_COLUMNS} columns.", row=begun)
        if any(len(value) > MAX_CELL for value in row):
            raise refused("cell", f"A cell holds more than {MAX_CELL:,} characters; a quote may be missing.", row=begun)
        rows.append(tuple(value.strip() for value in row))
        numbers.append(begun)
    if rows and delimiter.join(rows[0]).lower() == f"sep={delimiter}":  # Excel's own note to itself
        del rows[0], numbers[0]
    if not rows:
        raise refused("empty", "The file holds no rows.")
    return Table("csv", rows, numbers, remarks)


def _stated(content: bytes, encoding: str) -> tuple[str, tuple[str, ...]]:
    try:
        return content.decode("utf-8-sig" if encoding == "utf-8" else encoding), ()
    except (UnicodeDecodeError, LookupError):
        raise refused("encoding", f"It is no {encoding} text.") from None


def _decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return content.decode("utf-16"), ()
        except UnicodeDecodeError:
            raise refused("encoding", "It says it is UTF-16, but it is not.") from None
    if unmarked := _unmarked(content):
        try:
            return content.decode(unmarked), ("It is UTF-16 without its mark.",)
        except UnicodeDecodeError:
            pass
    try:
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        pass
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise refused("encoding", "It is neither UTF-8 nor Windows-1252 text: say its encoding.") from None
    if sum(not c.isprintable() and c not in "\r\n\t" for c in text[:4096]) > 8:
        raise refused("kind", "It is no text file.")
    return text, ("It is not UTF-8, so it was read as Windows-1252. Look at accented letters.",)


def _unmarked(content: bytes) -> str:
    """UTF-16 by its bytes: of a text mostly in Latin letters every other one is nought."""
    head = content[:400]
    half = len(head) // 2
    if half and head[1::2].count(0) > half * 0.7 and not head[::2].count(0):
        return "utf-16-le"
    return "utf-16-be" if half and head[::2].count(0) > half * 0.7 and not head[1::2].count(0) else ""


def _delimiter(text: str) -> str:
    """The one that the first row with anything in it uses most, outside quotes; a file of one column has none."""
    first = _QUOTED.sub("", next((line for line in text.splitlines() if line.strip()), ""))
    return max(_DELIMITERS, key=first.count) if any(d in first for d in _DELIMITERS) else ","
