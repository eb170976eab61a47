"""Cutting a sales file into invoices while reading it: one invoice in memory at a time, its bytes untouched."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from integrations.failures import unparsable
from integrations.files.sales import reading
from integrations.files.sales.mapping import SalesMapping

MAX_LINE = 1024 * 1024  # a longer line is no row
MAX_RECORD = 50  # lines one quoted row may go on for; after that its quote was never closed
MAX_ROWS = 5_000  # of one piece; a longer invoice comes in several
_WHOLE = re.compile(rb"-?[0-9]{1,9}")
GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class Piece:
    """The rows of one invoice that stand together, or rows that can't be read (`number` is empty then)."""

    number: str
    part: int
    customer: str
    header: bytes
    lines: list[bytes] = field(default_factory=list)
    rows: int = 0
    units: int = 0
    uncounted: int = 0  # rows whose quantity is no whole number

    @property
    def body(self) -> bytes:
        return b"".join((self.header, *self.lines))


@dataclass(frozen=True, slots=True)
class _Record:
    raw: bytes
    number: str
    customer: str
    units: int | None


def cut(path: Path, mapping: SalesMapping) -> Iterator[Piece]:
    """The file's pieces in its own order. Raises Unreadable where the header lacks a needed column.

    A quote that is never closed costs its own row only. A file that breaks off (a damaged .gz) gives what was readable
    and then one unreadable row that says so.
    """
    with _opened(path) as file:
        lines = _Lines(file)
        header = lines.next_text()
        if header.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise unparsable("it is UTF-16, where a row has no end that can be seen: save it as UTF-8")
        names = next(csv.reader([_text(header, mapping)], delimiter=mapping.delimiter), [])
        places = reading.places_of(names, mapping)
        header = header if header.endswith(b"\n") else header + b"\n"
        parts: dict[str, int] = {}
        piece: Piece | None = None
        for record in _records(lines, mapping, places):
            if piece is None or record.number != piece.number or piece.rows >= MAX_ROWS:
                if piece is not None:
                    yield piece
                part = parts[record.number] = parts.get(record.number, 0) + 1
                piece = Piece(record.number, part, record.customer, header)
            piece.lines.append(record.raw)
            piece.rows += 1
            piece.units += record.units or 0
            piece.uncounted += record.units is None
        if piece is not None:
            yield piece


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        zipped = file.read(2) == GZIP
        file.seek(0)
        if zipped:
            with gzip.open(file) as unzipped:
                yield unzipped  # type: ignore[misc]
        else:
            yield file


class _Lines:
    """Lines of the file, with what was read too far put back."""

    def __init__(self, file: IO[bytes]):
        self.file = file
        self.back: deque[bytes] = deque()

    def next(self) -> bytes:
        """The next line, b"" at the end. A line without end is cut at MAX_LINE, so a bomb stays small."""
        if self.back:
            return self.back.popleft()
        try:
            return self.file.readline(MAX_LINE)
        except (EOFError, OSError, zlib.error):
            self.file = io.BytesIO()
            return b"\x00the file breaks off here\n"

    def next_text(self) -> bytes:
        """The first line that says anything. Raises Unreadable where there is none."""
        while line := self.next():
            if line.strip():
                return line
        raise unparsable("the file is empty")


def _text(raw: bytes, mapping: SalesMapping) -> str:
    """Only to see where rows begin and end; what can't be decoded is found when the piece is read."""
    return raw.decode(mapping.encoding, "replace").removeprefix("\ufeff")


def _records(lines: _Lines, mapping: SalesMapping, places: dict[str, int]) -> Iterator[_Record]:
    while raw := lines.next():
        if not raw.strip():
            continue
        text = _text(raw, mapping)
        values = text.rstrip("\r\n").split(mapping.delimiter)
        if '"' in text:
            raw, found = _quoted(raw, lines, mapping)
            if found is None:
                yield _Record(raw, "", "", None)
                continue
            values = found
        yield _record(raw, values, places)


def _quoted(first: bytes, lines: _Lines, mapping: SalesMapping) -> tuple[bytes, list[str] | None]:
    """A row with quotes, which may go on over several lines; None when its quote is never closed."""
    taken = [first]
    while True:
        text = [_text(line, mapping) for line in taken]
        try:
            found = next(csv.reader(text, delimiter=mapping.delimiter, strict=True), [])
            return b"".join(taken), found
        except csv.Error as error:
            goes_on = "unexpected end" in str(error) and len(taken) < MAX_RECORD
        more = lines.next() if goes_on else b""
        if not more:
            lines.back.extendleft(reversed(taken[1:]))
            return first, None
        taken.append(more)


def _record(raw: bytes, values: list[str], places: dict[str, int]) -> _Record:
    def cell(name: str) -> str:
        place = places.get(name)
        return values[place].strip() if place is not None and place < len(values) else ""

    quantity = cell("quantity")
    units = int(quantity) if _WHOLE.fullmatch(quantity.encode()) else None
    raw = raw if raw.endswith(b"\n") else raw + b"\n"
    number = cell("invoice")
    return _Record(raw, number if number.isprintable() else "", cell("customer"), units)
