"""Stock out to TikTok Shop: absolute figures, product by product, where SKUs were looked up once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from integrations import http, tokens
from integrations.channels.tiktok.client import call
from integrations.failures import FailureClass
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

AT_ONCE = 100
LOOKED_UP_AT_ONCE = 50


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """Absolute figures, product by product. A ref is "product/SKU id"."""
    refs = _refs(connection, levels)
    products: dict[str, dict[str, Level]] = defaultdict(dict)
    for level in levels:
        if ref := refs.get(level.item_id):
            product, _, sku = ref.partition("/")
            products[product][sku] = level
    problems: dict[int, str] = {}
    for product, wanted in products.items():
        for sku, problem in _set_product(connection, product, wanted).items():
            problems[wanted[sku].item_id] = problem
    return [
        Outcome(each.item_id, refs.get(each.item_id, ""), each.item_id not in refs, problems.get(each.item_id, ""))
        for each in levels
    ]


def _set_product(connection: Connection, product: str, wanted: Mapping[str, Level]) -> dict[str, str]:
    place = connection.settings.get("warehouse_id")
    where = {"warehouse_id": str(place)} if place else {}
    rows = [
        {"id": sku, "inventory": [{**where, "quantity": max(level.total, 0)}]} for sku, level in sorted(wanted.items())
    ]
    path = f"/product/202309/products/{quote(product, safe='')}/inventory/update"
    try:
        data = call(connection, "POST", path, purpose="set stock", given={"skus": rows})
    except http.FailedForGood as refused:
        if refused.failure_class == FailureClass.AUTHENTICATION:
            raise
        return dict.fromkeys(wanted, str(refused)[:300])
    problems: dict[str, str] = {}
    for each in tokens.listed(data, "errors"):
        sku = str((each.get("detail") or {}).get("sku_id") or "")
        for named in [sku] if sku in wanted else wanted:
            problems[named] = f"{each.get('code')} {each.get('message')}"[:300]
    return problems


def _refs(connection: Connection, levels: Sequence[Level]) -> dict[int, str]:
    known = {level.item_id: level.ref for level in levels if level.ref}
    codes = [code for level in levels if not level.ref for code in level.codes]
    found: dict[str, str] = {}
    for start in range(0, len(codes), LOOKED_UP_AT_ONCE):
        given, token = {"seller_skus": codes[start : start + LOOKED_UP_AT_ONCE]}, ""
        while True:
            asked = {"page_size": LOOKED_UP_AT_ONCE} | ({"page_token": token} if token else {})
            path = "/product/202309/products/search"
            data = call(connection, "POST", path, purpose="find products", given=given, **asked)
            for product in tokens.listed(data, "products"):
                for sku in tokens.listed(product, "skus"):
                    found.setdefault(str(sku.get("seller_sku") or ""), f"{product.get('id')}/{sku.get('id')}")
            token = str(data.get("next_page_token") or "")
            if not token:
                break
    for level in levels:
        ref = next((found[code] for code in level.codes if code in found), "")
        if ref and level.item_id not in known:
            known[level.item_id] = ref
    return known
