"""QR codes as SVG: one path, sized by CSS, four quiet modules on every side (ISO/IEC 18004)."""

from __future__ import annotations

from markupsafe import Markup
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

QUIET = 4


def svg(text: str, cls: str = "qr", *, label: str = "") -> Markup:
    """`label` names the picture for those who can't see it; by default the text itself."""
    code: QRCode = QRCode(border=QUIET, error_correction=ERROR_CORRECT_M)
    code.add_data(text)
    rows = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}"><path d="{}"/></svg>').format(
        cls, len(rows), len(rows), label or f"QR code {text}", path
    )
