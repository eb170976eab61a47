"""What a column of a file of orders can be, and the headers that say so by themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from inventory.snapshots import status_key


@dataclass(frozen=True, slots=True)
class Field:
    """`of_order`: the same on every row of an order, where it isn't empty."""

    name: str
    title: str
    known: str = ""
    needed: bool = False
    of_order: bool = True
    longest: int = 255


FIELDS: tuple[Field, ...] = (
    Field("order_ref", "Order number", "order order_number order_no order_id order_ref reference bestellnummer "
          "commande auftragsnummer", needed=True, longest=120),
    Field("placed_at", "Placed on", "date order_date ordered_on placed_on placed_at created created_at datum",
          needed=True),
    Field("sku", "SKU", "sku item item_code item_number article article_number product_code code artikelnummer",
          needed=True, of_order=False),
    Field("quantity", "Units", "quantity qty units ordered menge anzahl quantite", needed=True, of_order=False),
    Field("unit_price", "Price of one", "price unit_price item_price net_price preis einzelpreis prix", needed=True,
          of_order=False),
    Field("title", "Article's name", "title name description item_name product product_name bezeichnung",
          of_order=False),
    Field("line_ref", "Line number", "line line_no line_number position pos", of_order=False),
    Field("line_discount", "Discount of the line", "discount line_discount rabatt", of_order=False),
    Field("line_tax", "Tax of the line", "tax vat line_tax mwst tva", of_order=False),
    Field("shipping", "Shipping", "shipping shipping_cost delivery freight postage versand"),
    Field("discount", "Discount of the order", "order_discount"),
    Field("total", "Total of the order", "total order_total grand_total gesamt"),
    Field("currency", "Currency", "currency waehrung devise"),
    Field("updated_at", "Changed on", "updated updated_at changed modified"),
    Field("customer_ref", "Customer number", "customer customer_no customer_number customer_id kundennummer",
          longest=120),
    Field("email", "E-mail", "email e_mail customer_email"),
    Field("phone", "Telephone", "phone telephone tel"),
    Field("ship_name", "Ship to: name", "ship_to ship_to_name recipient customer_name shipping_name"),
    Field("ship_company", "Ship to: company", "company ship_to_company"),
    Field("ship_line1", "Ship to: street", "address address1 address_1 address_line_1 street strasse"),
    Field("ship_line2", "Ship to: second line", "address2 address_2 address_line_2"),
    Field("ship_city", "Ship to: town", "city town ort ville"),
    Field("ship_region", "Ship to: region", "state region county province"),
    Field("ship_postal_code", "Ship to: postcode", "postcode post_code zip zip_code postal_code plz"),
    Field("ship_country", "Ship to: country", "country country_code land pays"),
    Field("pickup", "Collected at", "store pickup pickup_location collect_at", longest=120),
    Field("po_number", "Buyer's order number", "po po_number purchase_order", longest=120),
    Field("ship_on", "Not before", "ship_date requested_ship_date ship_on"),
    Field("note", "Note", "note notes comment remarks bemerkung", longest=2_000),
)  # fmt: skip
BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}
# What names something: a number there is never to be read as one.
IDS = frozenset(("order_ref", "sku", "line_ref", "customer_ref", "pickup", "po_number", "phone", "ship_postal_code"))
NEEDED = tuple(field.name for field in FIELDS if field.needed)


def unique(header: Sequence[str]) -> list[str]:
    """The titles of a file's columns, each once: an empty one by its place, a repeated one with its number."""
    found: list[str] = []
    for n, title in enumerate(header, 1):
        name = title or f"Column {n}"
        found.append(name if name not in found else f"{name} ({n})")
    return found


def suggested(titles: Iterable[str], remembered: Mapping[str, str]) -> dict[str, str]:
    """Field -> title: as it was read last time where the file has that column, else where a title says it plainly."""
    titles = list(titles)
    found = {name: title for name, title in remembered.items() if title in titles and name in BY_NAME}
    keys: dict[str, list[str]] = {}
    for title in titles:
        keys.setdefault(status_key(title), []).append(title)
    for field in FIELDS:
        if field.name in found:
            continue
        fitting = [title for key in field.known.split() for title in keys.get(key, []) if title not in found.values()]
        if len(fitting) == 1:
            found[field.name] = fitting[0]
    return found
