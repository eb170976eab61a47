"""Tables people upload, CSV or Excel: rows of text, read within limits, every fault named by its row.

table = sheets.read("levels.xlsx", content)   # Invalid (400 or 413) for what is no table
table.rows                                    # tuples of text, the header first
table.remarks                                 # what was assumed, in words
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Invalid, Problem

MAX_BYTES = 8 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_CELL = 2_000


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as text, blank ones left out; `numbers[i]` is where row i stood in the file, counted from 1."""

    kind: str
    rows: list[tuple[str, ...]]
    numbers: list[int]
    remarks: tuple[str, ...] = ()


def read(name: str, content: bytes, *, encoding: str = "", delimiter: str = "") -> Table:
    """The table in a file, told by its bytes: the name must agree. Invalid says what is wrong with it.

    A text is read as stated by `encoding` and `delimiter`, or as it looks where these are empty.
    """
    from core.sheets import csvs, xlsx

    if len(content) > MAX_BYTES:
        raise refused("too_large", f"At most {MAX_BYTES // 1024 // 1024} MB can be imported at once.", status=413)
    if not content.strip():
        raise refused("empty", "The file is empty.")
    ending = name.rpartition(".")[2].lower()
    if content.startswith(b"PK\x03\x04"):
        if ending != "xlsx":
            raise refused("kind", "It is an archive or an Excel file, whatever its name says. Name it .xlsx.")
        return xlsx.read(content)
    if ending == "xlsx":
        raise refused("kind", "Its name ends in .xlsx, its content is no Excel file.")
    if ending not in {"csv", "txt", "tsv"}:
        raise refused("kind", "Send a .csv or an .xlsx file.")
    return csvs.read(content, encoding=encoding, delimiter=delimiter)


def refused(rule: str, message: str, *, row: int | None = None, status: int = 400) -> Invalid:
    return Invalid([Problem(f"row {row}" if row else "file", rule, message)], status=status)
