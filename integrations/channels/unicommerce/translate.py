"""From a document of Unicommerce's to what it means for Backroom: pure and total."""

from __future__ import annotations

from integrations.channels import marketplaces
from integrations.channels.meaning import Meaning, ignored
from integrations.channels.unicommerce import orders, stock
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.reading import Node

VERSION = f"{orders.VERSION} {stock.VERSION}"

_RANGE = "the range is kept in Backroom"
_PACKAGES = "what has left is read from the order itself"
_NOT_TAKEN: tuple[tuple[str, str], ...] = (
    ("itemTypeDTO", _RANGE),
    ("itemType", _RANGE),
    ("invoice", "an invoice of Unicommerce's: it bills what its order says"),
    ("shippingPackageDetailDTO", _PACKAGES),
    ("shippingPackages", _PACKAGES),
    ("shippingProviders", "carriers are kept in Backroom"),
    ("facilityDTOList", "places are kept in Backroom"),
    ("inventorySnapshots", "it names no place, so it is no stock of one: what is there comes with each adjustment"),
)
_NAMED = 5


def understand(topic: str, body: bytes) -> Meaning:
    """What this message asks of Backroom. Raises Unreadable; never anything else."""
    return marketplaces.understood(body, "Unicommerce", _translate)


def _translate(node: Node) -> Meaning | None:
    if node.raw("successful") is False and not node.has("inventoryAdjustmentResponses"):
        raise Unreadable(FailureClass.BAD_VALUE, Fault("successful", f"is false: {_errors(node)}"))
    found = stock.translate(node.value, node.faults)
    if found is not None:
        return found
    order = node.object("saleOrderDTO") or (node if node.has("saleOrderItems") else None)
    if order is not None:
        return marketplaces.each([order], orders.order_acts)
    if node.has("elements") or isinstance(node.raw(""), list):
        return _listed(node)
    for keys, reason in _NOT_TAKEN:
        if all(key in node.value for key in keys.split()):
            return ignored(reason)
    return None


def _errors(node: Node) -> str:
    said = [each.text("message", 200) or each.text("description", 200) for each in node.items("errors")]
    return "; ".join(filter(None, [*said, node.text("message", 200)])) or "Unicommerce doesn't say why"


def _listed(node: Node) -> Meaning | None:
    """Orders, whole or only named: a search answers without their items, and nobody is asked for these here."""
    found = list(node.items("elements" if node.has("elements") else ""))
    if not found:
        return ignored("the list is empty")
    if all(each.has("saleOrderItems") for each in found):
        return marketplaces.each(found, orders.order_acts)
    if not all(each.has("displayOrderCode") for each in found):
        return None
    refs = [each.line("code") for each in found]
    more = f" and {len(refs) - _NAMED} more" if len(refs) > _NAMED else ""
    words = f"names only orders {', '.join(refs[:_NAMED])}{more}, without their items: send each order whole"
    raise Unreadable(FailureClass.MISSING_REFERENCE, Fault("elements", words))
