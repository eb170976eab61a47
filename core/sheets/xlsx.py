"""The first sheet shown in an Excel file, read as a stream within limits: what a person sees in it is what is read.

By hand rather than by a library, because a library unpacks a sheet before it can be told to stop: here a bomb is cut
off at its limit, a document type declaration (the way to external entities and to entity bombs) is refused, and nothing
is ever written to a path an archive names.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.parsers import expat

from core.errors import Invalid
from core.sheets import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Table, refused
from core.sheets.numbers import Styles, as_date, as_shown

MAX_UNPACKED = 64 * 1024 * 1024
MAX_PARTS = 2_000
_CHUNK = 64 * 1024
_COLUMN = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_ROWS = re.compile(r"[A-Z]{1,3}([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})")
_ERRORS = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error,
    NotImplementedError, RuntimeError, EOFError, OSError, ValueError,
)  # fmt: skip


def read(content: bytes) -> Table:
    """The rows of the first sheet. Invalid (400, 413) for a bomb, an entity, damage, or no workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _read(archive)
    except Invalid:
        raise
    except _ERRORS as error:
        raise refused("xlsx", f"The Excel file is damaged ({type(error).__name__}).") from None


def _read(archive: zipfile.ZipFile) -> Table:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise refused("too_large", "It unpacks to more than can be imported.", status=413)
    if any(name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) for name in names):
        raise refused("xlsx", "It names parts outside of itself.")
    if "xl/workbook.xml" not in names:
        raise refused("kind", "It is an archive, but no Excel workbook.")
    book = _book(archive, names)
    budget = _Budget(MAX_UNPACKED)
    shared = _shared(archive, budget) if "xl/sharedStrings.xml" in names else []
    styles = _styles(archive, budget) if "xl/styles.xml" in names else Styles()
    sheet = _Sheet(shared, styles, since_1904=book.since_1904)
    rows: list[tuple[str, ...]] = []
    numbers: list[int] = []
    for number, row in _rows(archive, book.part, sheet, budget):
        if any(row):
            rows.append(row)
            numbers.append(number)
        if len(rows) > MAX_ROWS + 1:
            raise refused("too_many_rows", f"At most {MAX_ROWS:,} rows can be imported at once.", status=413)
    if not rows:
        raise refused("empty", "The first sheet holds no rows.")
    for first, last, cells in sheet.merged:
        if any(first <= number <= last for number in numbers[1:]):
            words = f"The cells {cells} are merged: which of their rows the value belongs to can't be told."
            raise refused("merged", words, row=first)
    return Table("xlsx", rows, numbers, book.remarks)


class _Budget:
    """What may still be unpacked. What an archive says of its own sizes is not believed."""

    def __init__(self, left: int):
        self.left = left

    def spend(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise refused("too_large", "It unpacks to more than can be imported.", status=413)


@dataclass(slots=True)
class _Book:
    part: str = ""
    remarks: tuple[str, ...] = ()
    since_1904: bool = False


def _book(archive: zipfile.ZipFile, names: set[str]) -> _Book:
    """The first part the workbook shows, by its relations; a workbook without them has its sheet1."""
    sheets: list[tuple[str, str]] = []
    targets: dict[str, str] = {}
    book = _Book()

    def workbook(name: str, attributes: dict[str, str]) -> None:
        if name == "workbookPr":
            book.since_1904 = attributes.get("date1904") in {"1", "true"}
        elif name == "sheet" and attributes.get("state", "visible") == "visible":
            named = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "id"), "")
            sheets.append((attributes.get("name", ""), named))

    def relations(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    budget = _Budget(4 * 1024 * 1024)
    _parse(archive, "xl/workbook.xml", budget, start=workbook)
    if "xl/_rels/workbook.xml.rels" in names:
        _parse(archive, "xl/_rels/workbook.xml.rels", budget, start=relations)
    title, first = sheets[0] if sheets else ("", "")
    target = targets.get(first, "worksheets/sheet1.xml")
    book.part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    if book.part not in names:
        raise refused("xlsx", "The workbook has no sheet.")
    if len(sheets) > 1:
        book.remarks = (f"It has {len(sheets)} sheets; only the first, {title[:40]!r}, was read.",)
    return book


def _styles(archive: zipfile.ZipFile, budget: _Budget) -> Styles:
    styles = Styles()
    inside: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        inside.append(name)
        if name == "numFmt":
            styles.name(attributes.get("numFmtId", ""), attributes.get("formatCode", ""))
        elif name == "xf" and "cellXfs" in inside:
            styles.add(attributes.get("numFmtId", ""))

    def end(name: str) -> None:
        inside.pop()

    _parse(archive, "xl/styles.xml", budget, start=start, end=end)
    return styles


def _shared(archive: zipfile.ZipFile, budget: _Budget) -> list[str]:
    texts: list[str] = []
    current: list[str] = []
    inside: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        inside.append(name)
        if name == "si":
            current.clear()

    def end(name: str) -> None:
        inside.pop()
        if name == "si":
            texts.append("".join(current)[: MAX_CELL + 1])

    def text(data: str) -> None:
        if inside and inside[-1] == "t" and "rPh" not in inside:  # rPh is how a word is pronounced
            current.append(data)

    _parse(archive, "xl/sharedStrings.xml", budget, start=start, end=end, text=text)
    return texts


class _Sheet:
    """Collects rows while the parser walks a sheet; they are taken away between chunks."""

    def __init__(self, shared: list[str], styles: Styles, *, since_1904: bool):
        self.shared, self.styles, self.since_1904 = shared, styles, since_1904
        self.merged: list[tuple[int, int, str]] = []  # over several rows: (first row, last row, its cells)
        self.done: list[tuple[int, tuple[str, ...]]] = []
        self.row: list[str] = []
        self.number = 0
        self.column = 0
        self.kind = self.style = ""
        self.value: list[str] = []
        self.taking = self.computed = self.spoken = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            given = attributes.get("r", "")
            self.number = int(given) if given.isdigit() and len(given) < 9 else self.number + 1
            self.row, self.column = [], 0
        elif name == "c":
            place = _COLUMN.fullmatch(attributes.get("r", ""))
            self.column = _index(place[1]) if place else self.column
            if self.column >= MAX_COLUMNS:
                raise refused("too_many_columns", f"At most {MAX_COLUMNS} columns.", row=self.number)
            self.kind, self.style, self.value = attributes.get("t", "n"), attributes.get("s", ""), []
            self.computed = False
        elif name in {"v", "t"}:
            self.taking = not self.spoken
        elif name == "f":
            self.computed = True
        elif name == "rPh":  # how a word is pronounced
            self.spoken = True
        elif name == "mergeCell":
            self._merge(attributes.get("ref", ""))

    def text(self, data: str) -> None:
        if self.taking:
            self.value.append(data)

    def end(self, name: str) -> None:
        if name in {"v", "t"}:
            self.taking = False
        elif name == "rPh":
            self.spoken = False
        elif name == "c":
            self.row += [""] * (self.column + 1 - len(self.row))
            self.row[self.column] = self._cell()
            self.column += 1
        elif name == "row":
            self.done.append((self.number, tuple(self.row)))

    def _merge(self, cells: str) -> None:
        if (rows := _ROWS.fullmatch(cells)) and rows[1] != rows[2]:
            self.merged.append((int(rows[1]), int(rows[2]), cells))

    def _cell(self) -> str:
        text = "".join(self.value).strip()
        if self.computed and not text and self.kind != "str":
            words = "A formula's result isn't in the file: open it in a spreadsheet and save it."
            raise refused("formula", words, row=self.number)
        if self.kind == "s":
            if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) < len(self.shared)):
                raise refused("xlsx", "A cell names a text the file doesn't hold.", row=self.number)
            text = self.shared[int(text)].strip()
        elif self.kind == "b":
            text = {"1": "TRUE", "0": "FALSE"}.get(text, text)  # never the number one
        elif self.kind == "e":
            raise refused("formula", f"A formula ended in {text[:20]}.", row=self.number)
        elif self.kind == "n":
            dated = self.styles.is_date(self.style) and as_date(text, since_1904=self.since_1904)
            text = dated or as_shown(text)
        if len(text) > MAX_CELL:
            raise refused("cell", f"A cell holds more than {MAX_CELL:,} characters.", row=self.number)
        return text


def _rows(archive: zipfile.ZipFile, part: str, sheet: _Sheet, budget: _Budget) -> Iterator[tuple[int, tuple[str, ...]]]:
    for _ in _walk(archive, part, budget, start=sheet.start, end=sheet.end, text=sheet.text):
        yield from sheet.done
        sheet.done.clear()
    yield from sheet.done


def _index(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _parse(archive: zipfile.ZipFile, part: str, budget: _Budget, **handlers: Callable[..., None]) -> None:
    for _ in _walk(archive, part, budget, **handlers):
        pass


def _walk(archive: zipfile.ZipFile, part: str, budget: _Budget, **handlers: Callable[..., None]) -> Iterator[None]:
    """Feed a part to the parser a chunk at a time; yields after each."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _no_doctype
    start, end, text = handlers.get("start"), handlers.get("end"), handlers.get("text")
    if start is not None:
        parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    try:
        with archive.open(part) as stream:
            while chunk := stream.read(_CHUNK):
                budget.spend(len(chunk))
                parser.Parse(chunk, False)
                yield
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise refused("xlsx", f"The Excel file is damaged ({expat.errors.messages[error.code]}).") from None


def _no_doctype(*_: object) -> None:
    raise refused("xlsx", "It declares a document type, which an Excel file never does.")
