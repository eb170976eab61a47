"""Code 128 as SVG, for labels and pick lists: sets B and C, ten quiet modules on either side (ISO/IEC 15417)."""

from __future__ import annotations

from markupsafe import Markup

QUIET = 10
START_B, START_C, TO_C, TO_B, FNC1, STOP = 104, 105, 99, 100, 102, "2331112"
# Widths of bar, space, bar, space, bar, space for the values 0 to 105.
_WIDTHS = """
    212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222
    123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321
    232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121
    313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224
    111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111
    111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113
    114311 411113 411311 113141 114131 311141 411131 211412 211214 211232
""".split()  # noqa: SIM905  (106 numbers read better in rows)


def values(text: str, *, gs1: bool = False) -> list[int]:
    """The symbol values of `text` with start and check; digits in runs of four or more are packed in pairs.

    With `gs1` it is a GS1-128 symbol: FNC1 follows the start, and `text` is the element string without brackets.
    Raises ValueError for anything but printable ASCII."""
    if not text or any(not " " <= c <= "~" for c in text):
        raise ValueError("Code 128 B takes printable ASCII only.")
    made: list[int] = []
    at, digits_set = 0, False
    while at < len(text):
        run = _digits(text, at)
        pairs = run // 2 if run >= 4 or (digits_set and run >= 2) or (run == len(text) and run % 2 == 0) else 0
        if pairs and not digits_set:
            if made and run % 2:
                made.append(ord(text[at]) - 32)  # an odd digit stays in B, so that the rest pairs up
                at += 1
            made.append(TO_C if made else START_C)
            digits_set = True
        elif not pairs and (digits_set or not made):
            made.append(TO_B if made else START_B)
            digits_set = False
        if pairs:
            made += [int(text[at + i * 2 : at + i * 2 + 2]) for i in range(pairs)]
            at += pairs * 2
        else:
            made.append(ord(text[at]) - 32)
            at += 1
    if gs1:
        made.insert(1, FNC1)
    check = (made[0] + sum(i * v for i, v in enumerate(made))) % 103
    return [*made, check]


def _digits(text: str, at: int) -> int:
    end = at
    while end < len(text) and text[end].isdigit():
        end += 1
    return end - at


def svg(text: str, cls: str = "c128", *, gs1: bool = False) -> Markup:
    """The bars as one path, and the text as its name; sized by CSS."""
    x, path = QUIET, []
    for pattern in [*(_WIDTHS[v] for v in values(text, gs1=gs1)), STOP]:
        for i, width in enumerate(pattern):
            if i % 2 == 0:
                path.append(f"M{x} 0h{width}v40h-{width}z")
            x += int(width)
    return Markup(
        '<svg class="{}" viewBox="0 0 {} 40" preserveAspectRatio="none" role="img" aria-label="Barcode {}">'
        '<path d="{}"/></svg>'
    ).format(cls, x + QUIET, text, "".join(path))
