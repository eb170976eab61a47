"""Delimited text as rows by column name: rows shorter than the header are fine, rows longer than it are not. Pure."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from finance.canonical import Fault, Rule

MAX_ROWS = 1_000_000
MAX_COLUMNS = 300
MAX_CELL = 4_000
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]{1,3}")
_FLOAT = re.compile(r"[0-9]+\.0+")
_LONG = re.compile(r"[0-9]{16,19}")


class Refused(Exception):
    """The bytes are no such table. `value` is what couldn't be read, for whoever knows where it stood."""

    def __init__(self, message: str, row: int = 0, rule: Rule = Rule.UNREADABLE, *, value: object = None):
        super().__init__(message)
        self.fault = Fault(rule, message, row, fatal=True)
        self.value = value


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `number` counts lines of the file from 1, `cells` are by their column's name in small letters."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")

    def first(self, *names: str) -> str:
        """The first of these columns that says anything."""
        return next((self.cells[name] for name in names if self.cells.get(name)), "")


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...] = ()


def key(name: str) -> str:
    """How a column is looked up: spaces, case and punctuation don't matter."""
    return re.sub(r"[^a-z0-9]+", " ", name.strip().lower()).strip()


def decoded(content: bytes, encoding: str = "") -> str:
    if encoding:
        try:
            return content.decode("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)
        except (UnicodeDecodeError, LookupError):
            raise Refused(f"It is no {encoding} text.") from None
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tries = ["utf-16"]
    elif re.search(rb"amazon\.co\.jp", content[:20_000], re.IGNORECASE):
        tries = ["utf-8-sig", "cp932"]
    else:
        tries = ["utf-8-sig", "cp1252"]
    for name in tries:
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Refused("It is no text in a known encoding.")


def read(content: bytes, *, delimiter: str = "", encoding: str = "", quoted: bool = True) -> Table:
    """The rows under the header. Raises Refused for what is no such table."""
    if not content.strip():
        raise Refused("The file is empty.")
    text = decoded(content, encoding)
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    delimiter = delimiter or max(",;\t|", key=first.count)
    lines_of = io.StringIO(text, newline="")
    whole = text.endswith(("\n", "\r"))
    if quoted:
        return _table(_rows(csv.reader(lines_of, delimiter=delimiter, strict=True)), whole)
    reader = csv.reader(lines_of, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return _table(_rows(reader), whole)


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    begun = 1
    while True:
        begun = getattr(reader, "line_num", 0) + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Refused(f"A quote is never closed, or a row is broken: {error}.", begun) from None
        if any(value.strip() for value in row):
            yield begun, [value.strip() for value in row]


def _table(rows: Iterator[tuple[int, list[str]]], whole: bool) -> Table:
    """`whole`: the text ends with a line's end, so its last row wasn't cut off."""
    _, header = next(rows, (0, []))
    columns = tuple(key(name) for name in header)
    twice = [n for n, name in enumerate(columns) if name and name in columns[:n]]
    widths: list[int] = []
    if len(columns) > MAX_COLUMNS:
        raise Refused(f"It has more than {MAX_COLUMNS} columns.")
    found: list[Row] = []
    faults: list[Fault] = []
    for number, cells in rows:
        if len(found) >= MAX_ROWS:
            raise Refused(f"It has more than {MAX_ROWS:,} rows.")
        if any(len(cell) > MAX_CELL for cell in cells):
            raise Refused("A cell is too long; a quote may be missing.", number)
        if any(cells[len(columns) :]):
            faults.append(_too_wide(number, cells, len(columns)))
        if cells == header:
            raise Refused("The header stands there again: two files were put together.", number)
        if other := next((n for n in twice if n < len(cells) and cells[n] != cells[columns.index(columns[n])]), None):
            raise Refused(f"Two columns are called {header[other]}, and they say different things.", number)
        # The first of two columns of one name: what the second says is the same.
        found.append(Row(number, dict(reversed(list(zip(columns, cells, strict=False))))))
        widths.append(len(cells))
    if not columns:
        raise Refused("The file is empty.")
    if not whole and len(widths) > 1 and widths[-1] < min(widths[:-1]):
        words = f"It ends in the middle of a row: {widths[-1]} cells of {min(widths[:-1])}. The file was cut off."
        raise Refused(words, found[-1].number)
    return Table(columns, tuple(found), tuple(faults[:50]))


def _too_wide(number: int, cells: Sequence[str], columns: int) -> Fault:
    """More cells than columns: an amount whose decimal comma nobody quoted falls into two."""
    split = any(
        re.fullmatch(r"-?[0-9]+", one) and re.fullmatch(r"[0-9]{1,2}", two) for one, two in itertools.pairwise(cells)
    )
    if split and len(cells) <= columns + 3:
        words = "More cells than columns: an amount with a decimal comma fell apart."
        return Fault(Rule.DECIMAL_COMMA, words, number)
    return Fault(Rule.UNREADABLE, f"{len(cells)} cells in a row of {columns} columns.", number)


def need(table: Table, *names: str) -> None:
    missing = [name for name in names if key(name) not in table.columns]
    if missing:
        raise Refused(f"It lacks the columns {', '.join(missing)}.")


def rounded_ids(rows: Sequence[Row], names: Sequence[str], *, deciding: str = "") -> list[Fault]:
    """Ids that went through a spreadsheet: 1.48157E+11, 148156579998.0, or sixteen digits that all end in zero.

    In `deciding`, the column that says which payout is meant, such an id refuses the file.
    """
    faults: list[Fault] = []
    for name in (*names, deciding) if deciding else names:
        for row in rows:
            cell = row[name]
            if cell and (_SCIENTIFIC.fullmatch(cell) or _FLOAT.fullmatch(cell)):
                words = f"{name}: {cell} is a rounded number, not the id; open the file without a spreadsheet."
                faults.append(Fault(Rule.IDS_ROUNDED, words, row.number, fatal=name == deciding))
        long = [(row.number, row[name]) for row in rows if _LONG.fullmatch(row[name])]
        round_ = [each for each in long if each[1].endswith("0")]
        # One in ten ids ends in zero by itself; that three or more all do is a spreadsheet's fifteen digits.
        if (len(round_) == len(long) >= 3) or (len(round_) > 5 and len(round_) > len(long) * 0.4):
            words = f"{name}: {len(round_)} of {len(long)} ids end in zero; a spreadsheet kept fifteen digits of them."
            faults.append(Fault(Rule.IDS_ROUNDED, words, round_[0][0], fatal=name == deciding))
        elif lost := next((each for each in long if each[1].endswith("00000")), None):
            words = f"{name}: {lost[1]} has lost its last digits in a spreadsheet."
            faults.append(Fault(Rule.IDS_ROUNDED, words, lost[0], fatal=name == deciding))
    return faults[:50]


def is_rounded(cell: str) -> bool:
    """An id that can't be trusted to name one thing."""
    return bool(
        _SCIENTIFIC.fullmatch(cell) or _FLOAT.fullmatch(cell) or (_LONG.fullmatch(cell) and cell.endswith("00000"))
    )
