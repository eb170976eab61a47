"""Labels made here, for carriers without an account that makes them: numbers, barcodes, printer text. Pure."""

from orders.labels.sheet import Sheet
from orders.labels.zpl import zpl

__all__ = ["Sheet", "zpl"]
