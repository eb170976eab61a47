"""Workbooks for a spreadsheet: typed cells, written row by row, and harmless to open.

book = Book()
book.sheet("Invoices", ["Reference", "Total"], rows)   # rows may be any length up to Excel's own limit
content = book.close()

Text is always a text cell, so that nothing in it becomes a formula or a link, and what would start one in a CSV made
of it later gets an apostrophe, too. Numbers stay numbers. Rows go straight into the archive: a sheet of a million
costs no memory.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from django.utils import timezone

from core.downloads import cell

MOST = 1_000_000  # rows of one sheet; Excel's limit is a little above
LONGEST = 32_000  # characters of a cell
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PLAIN, _BOLD, _DAY, _MOMENT = 0, 1, 2, 3
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts><fonts count="2"><font/><font><b/></font>'
    '</fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/>'
    '</cellStyleXfs><cellXfs count="4"><xf/><xf fontId="1" applyFont="1"/>'
    '<xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="165" applyNumberFormat="1"/></cellXfs></styleSheet>'
)
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  (Excel's days have no zone)


class Book:
    """One workbook. Sheets are written in the order they are asked for, and none can be gone back to."""

    def __init__(self) -> None:
        self._file = io.BytesIO()
        self._archive = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
        self._titles: list[str] = []

    def sheet(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Write a sheet with its heading; returns how many rows it has."""
        self._titles.append(self._title(title))
        count = 0
        widths = "".join(
            f'<col min="{n}" max="{n}" width="{max(12, min(40, len(words) + 4))}" customWidth="1"/>'
            for n, words in enumerate(columns, start=1)
        )
        with self._archive.open(f"xl/worksheets/sheet{len(self._titles)}.xml", "w") as part:
            part.write(
                f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" '
                f'topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>{widths}'
                f"</cols><sheetData>{_row(columns, _BOLD)}".encode()
            )
            for count, row in enumerate(rows, start=1):
                if count > MOST:
                    raise ValueError(f"{title}: more than {MOST:,} rows")
                part.write(_row(row).encode())
            part.write(b"</sheetData></worksheet>")
        return count

    def close(self) -> bytes:
        numbers = range(1, len(self._titles) + 1)
        sheets = "".join(
            f'<sheet name={quoteattr(title)} sheetId="{n}" r:id="rId{n}"/>'
            for n, title in zip(numbers, self._titles, strict=True)
        )
        relations = "".join(
            f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
        )
        types = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_SHEET_TYPE}.worksheet+xml"/>'
            for n in numbers
        )
        parts = {
            "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="rels" ContentType="application/vnd.'
            'openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
            f'ContentType="{_SHEET_TYPE}.sheet.main+xml"/><Override PartName="/xl/styles.xml" '
            f'ContentType="{_SHEET_TYPE}.styles+xml"/>{types}</Types>',
            "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">{relations}<Relationship '
            f'Id="rId{len(self._titles) + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        }
        for name, body in parts.items():
            self._archive.writestr(name, _XML + body)
        self._archive.writestr("xl/styles.xml", _STYLES)
        self._archive.close()
        return self._file.getvalue()

    def _title(self, title: str) -> str:
        """Excel wants at most 31 characters, some not at all, and each name once whatever its case."""
        name = base = _UNPRINTABLE.sub("", _FORBIDDEN.sub(" ", title)).strip()[:31] or "Sheet"
        known = {each.casefold() for each in self._titles}
        n = 2
        while name.casefold() in known:
            name = f"{base[: 30 - len(str(n))]} {n}"
            n += 1
        return name


def _row(values: Sequence[Any], style: int = _PLAIN) -> str:
    return f"<row>{''.join(_cell(value, style) for value in values)}</row>"


def _cell(value: Any, style: int) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float | Decimal):
        return f"<c><v>{value}</v></c>"
    if isinstance(value, datetime):
        local = timezone.localtime(value).replace(tzinfo=None) if timezone.is_aware(value) else value
        return f'<c s="{_MOMENT}"><v>{(local - _EPOCH).total_seconds() / 86400:.10f}</v></c>'
    if isinstance(value, date):
        return f'<c s="{_DAY}"><v>{(value - _EPOCH.date()).days}</v></c>'
    text = escape(_UNPRINTABLE.sub("", str(cell(value)))[:LONGEST])
    return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{text}</t></is></c>'
