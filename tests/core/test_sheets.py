"""Tables people upload: what is read, and what bad files get."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import sheets
from core.errors import Invalid

WORKBOOK = (
    '<workbook xmlns:r="x"><sheets><sheet name="A" r:id="rId7"/><sheet name="B" r:id="rId8"/></sheets></workbook>'
)
RELATIONS = '<Relationships><Relationship Id="rId7" Target="worksheets/first.xml"/></Relationships>'
SHEET = (
    '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>Units</t></is></c></row>'
    '<row r="4"><c r="A4" t="s"><v>1</v></c><c r="C4"><v>12.0</v></c></row></sheetData></worksheet>'
)
STRINGS = "<sst><si><t>SKU</t></si><si><r><t>CO</t></r><r><t>AT</t></r></si></sst>"


STYLES = (
    '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[$-409]dd/mm/yyyy;@"/>'
    '<numFmt numFmtId="165" formatCode="0.00&quot; days&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)
FIRST = "xl/worksheets/first.xml"
TWO_ROWS = "<sheetData><row r='1'><c><v>1</v></c></row><row r='2'><c><v>2</v></c></row></sheetData>"


def workbook(**parts: str | bytes) -> bytes:
    files = {
        "xl/workbook.xml": WORKBOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS,
        "xl/worksheets/first.xml": SHEET,
        "xl/sharedStrings.xml": STRINGS,
    } | {name.replace("__", "/"): text for name, text in parts.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def refused(name: str, content: bytes) -> Invalid:
    with pytest.raises(Invalid) as invalid:
        sheets.read(name, content)
    return invalid.value


def test_a_workbook_gives_the_rows_of_its_first_sheet_with_their_numbers():
    table = sheets.read("levels.xlsx", workbook())

    assert table.rows == [("SKU", "", "Units"), ("COAT", "", "12")]
    assert table.numbers == [1, 4]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"\xef\xbb\xbfsku,units\r\nA,1\r\n", [("sku", "units"), ("A", "1")]),
        ("sku;Größe\nÄ;1".encode("cp1252"), [("sku", "Größe"), ("Ä", "1")]),
        ("sku\tunits\nA\t1".encode("utf-16"), [("sku", "units"), ("A", "1")]),
        ("sku;units\nÄ;1".encode("utf-16-le"), [("sku", "units"), ("Ä", "1")]),
        ("sku;units\nÄ;1".encode("utf-16-be"), [("sku", "units"), ("Ä", "1")]),
        (b'"sku, or code, or both";units\nA;1', [("sku, or code, or both", "units"), ("A", "1")]),
        (b'sku,name\n"A, or ""B""\nover two lines",x\n\n,\n', [("sku", "name"), ('A, or "B"\nover two lines', "x")]),
    ],
)
def test_text_is_read_as_it_was_meant(content, rows):
    assert sheets.read("levels.csv", content).rows == rows


def test_a_file_that_is_not_utf_8_says_how_it_was_read():
    assert "Windows-1252" in sheets.read("a.csv", "sku\nÄ".encode("cp1252")).remarks[0]


@pytest.mark.parametrize(
    ("name", "content", "words", "status"),
    [
        ("a.csv", b"", "empty", 400),
        ("a.csv", b'sku,units\nA,1\nB,"2\nC,3\n', "row 3: A quote that opens here is never closed", 400),
        ("a.csv", b"sku\nA\x00B\n", "row 2: It holds a NUL", 400),
        ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "", 400),
        ("a.csv", b"sku\n" + b"x" * 3000, "more than 2,000 characters", 400),
        ("a.csv", b"a," * 300 + b"\n", "At most 200 columns", 400),
        ("a.csv", b"x" * (sheets.MAX_BYTES + 1), "At most 8 MB", 413),
        ("a.pdf", b"%PDF-1.7", "Send a .csv or an .xlsx", 400),
        ("a.xlsx", b"sku,units\n", "no Excel file", 400),
        ("a.csv", workbook(), "whatever its name says", 400),
        ("a.xlsx", b"PK\x03\x04" + b"\x00" * 50, "damaged", 400),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(name, content, words, status):
    invalid = refused(name, content)

    assert words in str(invalid)
    assert invalid.status == status


@pytest.mark.parametrize(
    ("parts", "words", "status"),
    [
        ({"xl__sharedStrings.xml": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><sst>&e;</sst>'}, "document type", 400),
        ({"xl__sharedStrings.xml": "<!DOCTYPE x [<!ENTITY a 'ha'>]><sst/>"}, "document type", 400),
        ({"xl__worksheets__first.xml": "<worksheet><row>"}, "damaged", 400),
        ({"xl__worksheets__first.xml": b"<a>" + b" " * (sheets.MAX_BYTES * 9)}, "unpacks to more", 413),
        ({"..__..__evil.xml": "x"}, "outside of itself", 400),
        ({"xl___rels__workbook.xml.rels": "<Relationships/>"}, "has no sheet", 400),
        ({"xl__worksheets__first.xml": '<w><row r="2"><c r="A2" t="e"><v>#REF!</v></c></row></w>'}, "#REF!", 400),
        ({"xl__worksheets__first.xml": '<w><row r="2"><c r="ZZ2"><v>1</v></c></row></w>'}, "200 columns", 400),
        ({"xl__worksheets__first.xml": "<w/>"}, "holds no rows", 400),
    ],
)  # fmt: skip
def test_a_workbook_that_means_harm_or_nothing_is_refused(parts, words, status):
    invalid = refused("a.xlsx", workbook(**parts))

    assert words in str(invalid)
    assert invalid.status == status


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.xlsx", "a.tsv"]))
def test_any_bytes_are_a_table_or_a_named_refusal(content: bytes, name: str):
    try:
        rows = sheets.read(name, content).rows
    except Invalid as invalid:
        rows = invalid.problems

    assert rows


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ('<c t="b"><v>1</v></c>', "TRUE"),
        ("<c><f>1+4</f><v>5</v></c>", "5"),
        ('<c t="str"><f>""</f><v></v></c>', ""),
        ("<c><v>19.989999999999998</v></c>", "19.99"),
        ("<c><v>-0.0</v></c>", "0"),
        ("<c><v>4006381333931</v></c>", "4006381333931"),
        ("<c><v>1.5E3</v></c>", "1500"),
        ("<c><v>1.2345678901234499E+17</v></c>", "1.2345678901234499E+17"),
        ('<c t="inlineStr"><is><t>007</t><rPh sb="0" eb="1"><t>x</t></rPh></is></c>', "007"),
        ('<c s="1"><v>46110</v></c>', "2026-03-29"),
        ('<c s="1"><v>46110.131944444445</v></c>', "2026-03-29 03:10:00"),
        ('<c s="2"><v>46110.999999999</v></c>', "2026-03-30"),
        ('<c s="2"><v>59</v></c>', "1900-02-28"),
        ('<c s="2"><v>0.5</v></c>', "12:00:00"),
        ('<c s="2"><v>-3</v></c>', "-3"),
        ('<c s="3"><v>46110</v></c>', "46110"),
        ('<c s="0"><v>46110</v></c>', "46110"),
        ('<c s="99"><v>46110</v></c>', "46110"),
    ],
)
def test_a_truth_value_is_no_figure_and_a_formula_is_what_it_came_to(cell, found):
    sheet = f"<worksheet><sheetData><row><c><v>1</v></c></row><row><c><v>2</v></c>{cell}</row></sheetData></worksheet>"

    assert sheets.read("a.xlsx", workbook(**{"xl/styles.xml": STYLES, FIRST: sheet})).rows[1] == ("2", found)


def test_what_is_shown_is_read_and_the_calendar_is_the_workbooks_own():
    book = (
        '<workbook xmlns:r="x"><workbookPr date1904="1"/><sheets><sheet name="Lists" state="hidden" r:id="rId8"/>'
        '<sheet name="A" r:id="rId7"/><sheet name="C" r:id="rId9"/></sheets></workbook>'
    )
    sheet = '<worksheet><sheetData><row><c s="1"><v>44648</v></c></row></sheetData></worksheet>'

    table = sheets.read("a.xlsx", workbook(**{"xl/workbook.xml": book, "xl/styles.xml": STYLES, FIRST: sheet}))

    assert table.rows == [("2026-03-29",)]
    assert table.remarks == ("It has 2 sheets; only the first, 'A', was read.",)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("<row><c><f>1+4</f></c></row>", "row 1: A formula's result isn't in the file"),
        ("<row><c><f>1+4</f><v></v></c></row>", "row 1: A formula's result isn't in the file"),
        (f"{TWO_ROWS}<mergeCells><mergeCell ref='A1:B2'/></mergeCells>", "row 1: The cells A1:B2 are merged"),
        (f"{TWO_ROWS}<mergeCells><mergeCell ref='B2:B9'/></mergeCells>", "row 2: The cells B2:B9 are merged"),
    ],
)
def test_a_value_nobody_can_tell_is_refused_by_its_row(cells, words):
    assert words in str(refused("a.xlsx", workbook(**{FIRST: f"<worksheet>{cells}</worksheet>"})))


@pytest.mark.parametrize("cells", ["A1:D1", "A7:A9", "nonsense"])
def test_merged_cells_that_hide_nothing_are_read(cells):
    merged = f"<worksheet>{TWO_ROWS}<mergeCells><mergeCell ref='{cells}'/></mergeCells></worksheet>"

    assert len(sheets.read("a.xlsx", workbook(**{FIRST: merged})).rows) == 2


def test_a_cell_whose_text_is_lost_and_a_damaged_stream_are_named():
    sheet = '<worksheet><sheetData><row r="3"><c t="s"><v>99</v></c></row></sheetData></worksheet>'
    whole = workbook()

    lost = refused("a.xlsx", workbook(**{"xl/worksheets/first.xml": sheet}))

    assert [(p.path, p.rule) for p in lost.problems] == [("row 3", "xlsx")]
    for at in range(0, len(whole), 7):  # a bit that flipped on the way: a table or a refusal, never a crash
        flipped = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        with suppress(Invalid):
            assert sheets.read("a.xlsx", flipped).rows


def test_the_separator_excel_notes_on_a_line_of_its_own_is_no_row():
    assert sheets.read("a.csv", b"sep=;\r\nsku;units\r\nA;1,5\r\n").rows == [("sku", "units"), ("A", "1,5")]
