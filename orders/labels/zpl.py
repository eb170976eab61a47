"""The same label as ZPL II text, for a thermal printer with 203 dots an inch. Pure.

A6 is 105 by 148 mm: 839 by 1183 dots. Field data goes through ^FH, so that no name or street can end a field or begin
a command, and ^CI28 says that it is UTF-8.
"""

from __future__ import annotations

from orders.labels.sheet import Sheet

DOTS_PER_MM = 8
WIDTH, HEIGHT, MARGIN = 839, 1183, 40
_COMMANDS = {"^": "_5E", "~": "_7E", "_": "_5F"}


def zpl(sheet: Sheet) -> str:
    rows = [
        "^XA",
        "^CI28",
        f"^PW{WIDTH}",
        f"^LL{HEIGHT}",
        _text(40, 40, sheet.carrier, 52),
        _text(40, 100, f"{sheet.service}  {sheet.parcel}  {sheet.weight}", 30),
        _line(150),
        *(_text(40, 170 + 28 * n, row, 24) for n, row in enumerate(sheet.sender[:5])),
        _line(320),
        *(_text(40, 345 + 48 * n, row, 44) for n, row in enumerate(sheet.receiver[:6])),
        _line(650),
        # In the data of a Code 128, > begins the choice of a set; >0 is the character itself.
        f"^FO{MARGIN},670^BY2^BCN,90,Y,N,N,A^FH^FD{escaped(sheet.reference.replace('>', '>0'))}^FS",
        _line(810),
        # Mode D is GS1-128: the printer puts FNC1 first and leaves out the brackets.
        f"^FO{MARGIN + 20},840^BY4^BCN,240,N,N,N,D^FD(00){sheet.sscc}^FS",
        _text(MARGIN + 120, 1100, sheet.readable, 34),
        "^XZ",
    ]
    return "\n".join(rows) + "\n"


def escaped(text: str) -> str:
    """Data that stays data: the three characters ZPL reads as commands, and control characters, as hexadecimal."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return "".join(_COMMANDS.get(c, c) for c in plain)


def _text(x: int, y: int, words: str, height: int) -> str:
    return f"^FO{x},{y}^A0N,{height}^FB{WIDTH - x - MARGIN},1^FH^FD{escaped(words)}^FS"


def _line(y: int) -> str:
    return f"^FO{MARGIN},{y}^GB{WIDTH - 2 * MARGIN},0,3^FS"
