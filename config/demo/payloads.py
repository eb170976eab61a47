"""Orders as a web store would send them: Shopify's documented REST form, invented contents, pure and seeded.

`order` returns the body of orders/create; `cancelled` and `refund` return later messages about one made earlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

from config.demo.catalogue import Buyer, Product, buyer

Body = dict[str, Any]
VAT = Decimal("0.20")
SHIPPING = (("Standard", Decimal("3.95")), ("Next day", Decimal("6.95")), ("Free over 75", Decimal("0.00")))


def _text(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _set(amount: Decimal, currency: str) -> Body:
    money = {"amount": _text(amount), "currency_code": currency}
    return {"shop_money": money, "presentment_money": money}


def _tax_inside(amount: Decimal) -> Decimal:
    return (amount * VAT / (1 + VAT)).quantize(Decimal("0.01"))


def _address(who: Buyer) -> Body:
    return {
        "first_name": who.first, "last_name": who.last, "name": f"{who.first} {who.last}", "company": None,
        "address1": who.street, "address2": None, "city": who.city, "zip": who.postcode, "province": None,
        "country": who.country, "country_code": who.country, "phone": who.phone,
    }  # fmt: skip


def order(
    random: Random,
    *,
    number: int,
    at: datetime,
    catalogue: Sequence[Product],
    currency: str = "GBP",
    trouble: str = "",
) -> Body:
    """One orders/create body whose figures add up. `trouble`: "unknown_sku", "no_address", "unpaid" or none."""
    who = buyer(random)
    lines: list[Body] = []
    for position, product in enumerate(random.sample(list(catalogue), random.choice((1, 1, 1, 2, 2, 3)))):
        quantity = random.choice((1, 1, 1, 1, 2))
        sku = f"{product.sku}-X" if trouble == "unknown_sku" and position == 0 else product.sku
        discount = Decimal("5.00") if random.random() < 0.12 and product.price > 30 else Decimal(0)
        tax = _tax_inside(product.price * quantity - discount)
        lines.append(
            {
                "id": number * 100 + position,
                "variant_id": number * 10 + position,
                "product_exists": True,
                "title": product.name,
                "name": product.name,
                "sku": sku,
                "quantity": quantity,
                "current_quantity": quantity,
                "fulfillable_quantity": quantity,
                "price": _text(product.price),
                "price_set": _set(product.price, currency),
                "total_discount": "0.00",
                "discount_allocations": [{"amount": _text(discount), "amount_set": _set(discount, currency)}]
                if discount
                else [],
                "tax_lines": [
                    {"title": "VAT", "rate": float(VAT), "price": _text(tax), "price_set": _set(tax, currency)}
                ],
                "requires_shipping": True,
                "taxable": True,
                "gift_card": False,
                "grams": product.weight_grams,
                "fulfillment_status": None,
                "properties": [],
            }
        )
    goods = sum((Decimal(line["price"]) * line["quantity"] for line in lines), Decimal(0))
    discounts = sum((Decimal(d["amount"]) for line in lines for d in line["discount_allocations"]), Decimal(0))
    title, fee = SHIPPING[2] if goods - discounts >= 75 else random.choice(SHIPPING[:2])
    fee_tax = _tax_inside(fee)
    tax = sum((Decimal(line["tax_lines"][0]["price"]) for line in lines), fee_tax)
    total = goods - discounts + fee
    address = None if trouble == "no_address" else _address(who)
    stamp = at.isoformat(timespec="seconds")
    return {
        "id": number, "admin_graphql_api_id": f"gid://shopify/Order/{number}", "name": f"#{number}", "number": number,
        "order_number": number, "created_at": stamp, "processed_at": stamp, "updated_at": stamp, "cancelled_at": None,
        "cancel_reason": None, "closed_at": None, "test": False, "confirmed": True, "source_name": "web",
        "currency": currency, "presentment_currency": currency, "taxes_included": True,
        "financial_status": "pending" if trouble == "unpaid" else "authorized", "fulfillment_status": None,
        "email": who.email, "contact_email": who.email, "phone": who.phone,
        "customer": {"id": number * 7, "email": who.email, "first_name": who.first, "last_name": who.last, "phone": who.phone},
        "billing_address": _address(who), "shipping_address": address,
        "line_items": lines,
        "shipping_lines": [
            {
                "id": number * 100 + 90, "title": title, "code": title, "price": _text(fee), "discounted_price": _text(fee),
                "price_set": _set(fee, currency), "discounted_price_set": _set(fee, currency), "discount_allocations": [],
                "tax_lines": [{"title": "VAT", "rate": float(VAT), "price": _text(fee_tax), "price_set": _set(fee_tax, currency)}],
            }
        ],
        "total_line_items_price": _text(goods), "total_discounts": _text(discounts),
        "subtotal_price": _text(goods - discounts), "total_tax": _text(tax), "total_price": _text(total),
        "current_total_price": _text(total), "total_line_items_price_set": _set(goods, currency),
        "total_discounts_set": _set(discounts, currency), "total_price_set": _set(total, currency),
        "total_tax_set": _set(tax, currency), "total_shipping_price_set": _set(fee, currency),
        "tags": "", "note": None, "note_attributes": [], "discount_codes": [], "discount_applications": [],
        "fulfillments": [], "refunds": [], "payment_gateway_names": ["shopify_payments"],
    }  # fmt: skip


def paid(body: Body, at: datetime) -> Body:
    """orders/updated: the payment came through."""
    return body | {"financial_status": "paid", "updated_at": at.isoformat(timespec="seconds")}


def addressed(body: Body, at: datetime) -> Body:
    """orders/updated: the customer gave the missing address."""
    return body | {"shipping_address": body["billing_address"], "updated_at": at.isoformat(timespec="seconds")}


def cancelled(body: Body, at: datetime) -> Body:
    """orders/cancelled: the customer changed their mind before anything left."""
    stamp = at.isoformat(timespec="seconds")
    return body | {
        "cancelled_at": stamp, "cancel_reason": "customer", "updated_at": stamp, "closed_at": stamp,
        "financial_status": "voided",
        "line_items": [line | {"current_quantity": 0, "fulfillable_quantity": 0} for line in body["line_items"]],
    }  # fmt: skip
