"""What a scanned code means."""

from __future__ import annotations

from core.errors import Refusal
from inventory import skus
from inventory.models import Item, ItemAlias


def items_of(code: str) -> set[int]:
    """Ids of the items a code may mean: a GTIN (leading zeros aside), a SKU, any system's alias. Refuses others."""
    text = skus.normalise(code.replace("\0", ""))[:120]
    if not text:
        raise Refusal("unknown_code", "Nothing was scanned.", status=422, scanned=code[:120])
    found = set(Item.objects.filter(sku__in={text, text.upper()}).values_list("pk", flat=True))
    if text.isascii() and text.isdigit():
        bare = text.lstrip("0")
        spellings = {bare.zfill(length) for length in (8, 12, 13, 14) if len(bare) <= length}
        found |= set(Item.objects.filter(gtin__in=spellings).values_list("pk", flat=True))
    found |= set(ItemAlias.objects.filter(code=text).values_list("item_id", flat=True)[:50])
    if not found:
        raise Refusal("unknown_code", f"Nobody knows the code {text}.", status=422, scanned=text)
    return found
