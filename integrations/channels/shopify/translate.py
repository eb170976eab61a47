"""From a Shopify payload to what it means for Backroom: pure and total.

`understand(topic, body)` returns a Meaning (acts, or why nothing has to be done) or raises Unreadable with a failure
class and the path of every fault. The topic decides what a document is; a file without one is recognised by its keys,
and a document that fits no known form is refused, never guessed at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrations.channels import marketplaces
from integrations.channels.meaning import Act, Meaning, PlaceOrder, RecordPayments, RecordRefund, ignored
from integrations.channels.shopify import graphql, rest, returns, stock
from integrations.channels.shopify.terms import Terms, terms_of
from integrations.documents import read_json
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.models import Connection
from integrations.payments import feeding
from integrations.reading import Faults, Node, checked_payment

VERSION = "shopify/1"

# What Shopify also tells, and why Backroom does nothing about it. The key is the topic before its slash, the
# wrapper's name in the singular, or the type in a gid, all in snake_case.
_APP = "app notices concern the connection, not orders"
_RANGE = "the range is kept in Backroom"
_SETTINGS = "shop settings are not taken"
_SUBSCRIPTIONS = "subscriptions are not taken; their orders are"
_TAXES = "taxes come with each order"
_BACK = "parcels on their way back are followed with their return"
_NOT_TAKEN = {
    "app": _APP,
    "app_purchases_one_time": _APP,
    "app_subscription": _APP,
    "audit_event": _APP,
    "bulk_operation": "bulk operations are not used",
    "cart": "a cart is no order yet",
    "channel": _SETTINGS,
    "checkout_and_accounts_configuration": _SETTINGS,
    "checkout": "a checkout is no order yet; the order comes by itself once it is paid or placed",
    "collection": _RANGE,
    "collection_listing": _RANGE,
    "collection_publication": _RANGE,
    "company": "customer master data is not taken from Shopify",
    "company_contact_role": "customer master data is not taken from Shopify",
    "company_contact": "customer master data is not taken from Shopify",
    "company_location": "customer master data is not taken from Shopify",
    "customer": "customer master data is not taken from Shopify; each order brings its buyer",
    "customer_account_setting": _SETTINGS,
    "delivery_promise_setting": _SETTINGS,
    "dispute": "disputes are not taken yet: they come with the payment provider's settlement",
    "domain": _SETTINGS,
    "draft_order": "a draft is no order yet; the order comes by itself once the draft is completed",
    "fulfillment": "what has left is read from the order itself, whose update follows every fulfilment",
    "finance_app_staff_member": _SETTINGS,
    "finance_kyc_information": _SETTINGS,
    "fulfillment_hold": "Backroom holds orders by its own rules; what another app holds in Shopify is let go there",
    "fulfillment_event": "tracking comes from the carrier",
    "fulfillment_order": "Backroom sources orders itself; Shopify's split by location is not taken",
    "gift_card": "gift cards are kept in Shopify",
    "inventory_item": _RANGE,
    "inventory_shipment": "transfers between locations are kept in Backroom",
    "inventory_transfer": "transfers between locations are kept in Backroom",
    "line_item": "a line alone, without the order it belongs to; it comes with its order",
    "locale": _SETTINGS,
    "location": "locations are kept in Backroom",
    "market": _SETTINGS,
    "markets_backup_region": _SETTINGS,
    "metafield_definition": _SETTINGS,
    "metaobject": _SETTINGS,
    "order_edit": "the edited order itself follows as an update",
    "payment_schedule": "payment terms are not taken",
    "payment_term": "payment terms are not taken",
    "payout": "payouts are not taken yet: they are reconciled from settlements",
    "price_rule": "discounts reach Backroom on the orders they apply to",
    "discount": "discounts reach Backroom on the orders they apply to",
    "product": _RANGE,
    "product_listing": _RANGE,
    "product_publication": _RANGE,
    "product_variant": _RANGE,
    "product_feed": _RANGE,
    "profile": _SETTINGS,
    "publication": _RANGE,
    "reverse_delivery": _BACK,
    "reverse_fulfillment_order": _BACK,
    "scheduled_product_listing": _RANGE,
    "shipping_line": "a line of carriage alone, without the order it belongs to; it comes with its order",
    "shop": _SETTINGS,
    "segment": "customer master data is not taken from Shopify",
    "selling_plan_group": _SUBSCRIPTIONS,
    "subscription_contract": _SUBSCRIPTIONS,
    "subscription_billing_attempt": _SUBSCRIPTIONS,
    "subscription_billing_cycle": _SUBSCRIPTIONS,
    "subscription_billing_cycle_edit": _SUBSCRIPTIONS,
    "tax_partner": _TAXES,
    "tax_service": _TAXES,
    "tax_summary": _TAXES,
    "tender_transaction": "the same money is taken from the order's transactions",
    "balance_transaction": "payouts are not taken yet: they are reconciled from settlements",
    "theme": _SETTINGS,
    "variant": _RANGE,
}
_SAME = {
    "draft": "draft_order",
    "customer_group": "customer",
    "customer_address": "customer",
    "customer_payment_method": "customer",
    "customers_email_marketing_consent": "customer",
    "customers_marketing_consent": "customer",
    "order_transaction": "transaction",
    "refund_line_item": "fragment",
}
_ORDER_TOPICS = {
    "orders/create",
    "orders/updated",
    "orders/cancelled",
    "orders/paid",
    "orders/fulfilled",
    "orders/partially_fulfilled",
}
_NO_NEWS = {
    "orders/edited": _NOT_TAKEN["order_edit"],
    "orders/delete": "Shopify forgets the order; Backroom keeps its record of it",
    "orders/link_requested": "a buyer asked to see the order again: nothing of it changed",
    "orders/risk_assessment_changed": "fraud is judged here; what Shopify thinks of an order stays there",
    "orders/shopify_protect_eligibility_changed": "what Shopify insures is settled there",
}


def as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    """`understand` as the connection's settings say."""
    terms = terms_of(connection)
    return lambda topic, body: understand(topic, body, terms)


def understand(topic: str, body: bytes, terms: Terms = Terms()) -> Meaning:  # noqa: B008  (never changed)
    """What this message asks of Backroom. Raises Unreadable; never anything else."""
    if topic == feeding.TOPIC:
        return feeding.meaning("shopify")
    if not topic and not body.strip():
        return ignored("the body is empty: a file or poll with nothing in it")
    try:
        return _understand(topic.strip().lower(), read_json(body), terms)
    except RecursionError:
        raise unparsable("nested too deeply to be an honest document") from None


def _understand(topic: str, document: Any, terms: Terms) -> Meaning:
    if topic:
        return _by_topic(topic, document, terms)
    document = _polled(_unwrapped(document))
    if isinstance(document, list):
        return _listed(document, terms)
    if not isinstance(document, dict):
        raise unparsable("the document is a bare value, neither an object nor a list")
    kind, inner = _recognise(document)
    return _act_on(kind, inner, terms)


def _by_topic(topic: str, document: Any, terms: Terms) -> Meaning:
    family = topic.replace(".", "/").partition("/")[0]  # customer.tags_added is written with a point
    if topic in _ORDER_TOPICS:
        return _act_on("order", _plain(document, "order"), terms)
    if topic in _NO_NEWS:
        return ignored(_NO_NEWS[topic])
    if topic == "refunds/create":
        return _act_on("refund", _plain(document, "refund"))
    if topic == "order_transactions/create":
        return _act_on("transaction", _plain(document, "transaction"))
    singular = _singular(family)
    if topic == "inventory_levels/disconnect":
        return ignored("the shop no longer keeps this item there; that says nothing about units")
    if singular == "inventory_level":
        return _act_on(singular, _plain(document, singular))
    if singular == "return":
        return _act_on("return", _plain(document, "return"))
    if singular in _NOT_TAKEN:
        return ignored(_NOT_TAKEN[singular])
    raise Unreadable(FailureClass.BAD_VALUE, Fault("topic", f"{topic[:60]!r} is not a topic Backroom knows"))


def _plain(document: Any, wrapper: str) -> dict[str, Any]:
    if isinstance(document, dict) and isinstance(document.get(wrapper), dict) and len(document) == 1:
        document = document[wrapper]
    if not isinstance(document, dict):
        raise unparsable(f"the body of this topic should be an object, is a {type(document).__name__}")
    return document


def _act_on(kind: str, document: dict[str, Any], terms: Terms = Terms()) -> Meaning:  # noqa: B008  (never changed)
    if kind in _NOT_TAKEN:
        return ignored(_NOT_TAKEN[kind])
    faults = Faults()
    node = Node(document, "", faults)
    acts = _ORDERS[kind](node, terms) if kind in _ORDERS else _TRANSLATORS[kind](node)
    faults.raise_if_any()
    return Meaning(acts=tuple(acts)) if acts else ignored(_NOTHING.get(kind, _NOTHING["transaction"]))


_NOTHING = {
    "transaction": "it holds no money event: nothing was paid or given back",
    "inventory_level": "it names no level of any item",
    "graphql returns": "the order lists no return",
}


def _listed(document: list[Any], terms: Terms) -> Meaning:
    """A list of documents of one kind (what a poll of the REST form gives)."""
    if not document:
        return ignored("the list is empty")
    if all(isinstance(each, dict) and _recognise(each)[0] == "inventory_level" for each in document):
        return _act_on("inventory_level", {"inventory_levels": document})
    kinds = set()
    found: list[Act] = []
    reason = ""
    for index, each in enumerate(document):
        if not isinstance(each, dict):
            raise unparsable(f"item {index} of the list is not an object")
        kind, inner = _recognise(each)
        kinds.add(kind)
        try:
            meaning = _act_on(kind, inner, terms)
        except Unreadable as error:
            faults = [Fault(f"[{index}]" + (f".{f.path}" if f.path else ""), f.message) for f in error.faults]
            raise Unreadable(error.failure_class, *faults) from None
        found.extend(meaning.acts)
        reason = reason or meaning.ignored
    if len(kinds) > 1:
        raise unparsable("the list mixes documents of different kinds: " + ", ".join(sorted(kinds)))
    return Meaning(acts=tuple(found)) if found else ignored(reason)


# --- Translating ---------------------------------------------------------------------------------------------------


def _rest_order(node: Node, terms: Terms) -> list[Act]:
    return [PlaceOrder(rest.order(node, terms))]


def _rest_refund(node: Node) -> list[Act]:
    return [RecordRefund(rest.refund(node))]


def _rest_transaction(node: Node) -> list[Act]:
    order_ref = node.number_id("order_id", needed=True)
    payment = rest.payment(node)
    node.faults.raise_if_any()
    return [RecordPayments(order_ref, (checked_payment(payment),))] if payment else []


def _levels(node: Node) -> list[Act]:
    """One level, or all of a poll as one snapshot."""
    for name, many in (("inventory_level", False), ("inventory_levels", True), ("inventoryLevels", True)):
        if node.has(name):
            return list(stock.levels(list(node.items(name)) if many else [node.at(name)]))
    return list(stock.levels([node]))


def _gql_order(node: Node, terms: Terms) -> list[Act]:
    return [PlaceOrder(graphql.order(node, terms))]


def _gql_refunds(node: Node) -> list[Act]:
    ref = graphql.gid_number(node, "id", needed=True)
    return [RecordRefund(graphql.refund(each, order_ref=ref)) for each in node.items("refunds")]


def _gql_transactions(node: Node) -> list[Act]:
    ref = graphql.gid_number(node, "id", needed=True)
    payments = graphql.payments(node)
    node.faults.raise_if_any()
    return [RecordPayments(ref, tuple(checked_payment(each) for each in payments))] if payments else []


_ORDERS: dict[str, Callable[[Node, Terms], list[Act]]] = {"order": _rest_order, "graphql order": _gql_order}
_TRANSLATORS: dict[str, Callable[[Node], list[Act]]] = {
    "refund": _rest_refund,
    "transaction": _rest_transaction,
    "inventory_level": _levels,
    "graphql refunds": _gql_refunds,
    "graphql transactions": _gql_transactions,
    "return": returns.told,
    "graphql return": returns.alone,
    "graphql returns": returns.of_order,
}

# --- Recognising ---------------------------------------------------------------------------------------------------


def _unwrapped(document: Any) -> Any:
    """Without GraphQL's `data` envelope and with its connections (edges/node, nodes) as plain lists."""
    if (
        isinstance(document, dict)
        and set(document) <= {"data", "extensions"}
        and isinstance(document.get("data"), dict)
    ):
        inner = _flat(document["data"])
        return next(iter(inner.values())) if len(inner) == 1 else inner
    if isinstance(document, dict) and graphql.gid_type(document.get("id")):
        return _flat(document)
    return document


def _polled(document: Any) -> Any:
    """The list inside {"orders": […]}, as REST answers a poll for what Backroom takes."""
    if isinstance(document, dict) and len(document) == 1:
        name, inner = next(iter(document.items()))
        if isinstance(inner, list) and _singular(name) in {"order", "refund", "transaction"} and not _of_payouts(inner):
            return inner
    return document


def _of_payouts(listed: list[Any]) -> bool:
    return bool(listed) and all(isinstance(each, dict) and "payout_id" in each for each in listed)


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("nodes"), list):
            return [_flat(each) for each in value["nodes"]]
        if isinstance(value.get("edges"), list):
            return [_flat(each.get("node")) for each in value["edges"] if isinstance(each, dict)]
        return {key: _flat(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_flat(each) for each in value]
    return value


def _recognise(document: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """(kind, the document itself) of one object; raises Unreadable when it fits no form Backroom knows."""
    found = _by_wrapper(document) or _by_gid(document) or _by_keys(document)
    if found is None:
        marketplaces.refuse_error(document, "Shopify")
        keys = ", ".join(list(document)[:8]) or "none"
        raise unparsable(f"no document Backroom knows from Shopify has these keys: {keys[:160]}")
    return found


def _by_wrapper(document: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """{"order": {…}} as REST answers, and {"products": […]}: one key that names what is inside."""
    for name, inner in document.items():
        singular = _singular(name)
        if singular == "inventory_level" and len(document) == 1 and isinstance(inner, (dict, list)):
            return singular, document
        if isinstance(inner, dict) and len(document) == 1 and singular in {"order", "refund", "transaction"}:
            return singular, inner
        if isinstance(inner, dict) and len(document) == 1 and singular == "return":
            return ("graphql return" if graphql.gid_type(inner.get("id")) else "return"), inner
        known = singular in _NOT_TAKEN
        if known and isinstance(inner, (dict, list)) and (len(document) == 1 or singular == "fulfillment_order"):
            if singular != "order_edit" and "id" in document:
                continue
            return singular, document
    listed = document.get("transactions")
    if len(document) == 1 and isinstance(listed, list) and _of_payouts(listed):
        return "balance_transaction", document
    return None


def _by_gid(document: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    named = graphql.gid_type(document.get("id"))
    if named == "Order":
        for key, kind in (
            ("lineItems", "graphql order"),
            ("refunds", "graphql refunds"),
            ("transactions", "graphql transactions"),
            ("fulfillments", "fulfillment"),
            ("fulfillmentOrders", "fulfillment_order"),
            ("returns", "graphql returns"),
        ):
            if key in document:
                return kind, document
        return None
    if named == "Return":
        return "graphql return", document
    kind = _snake(named or graphql.gid_type(document.get("admin_graphql_api_id")))
    # A REST order, refund or transaction has its gid too, but only its keys show that it is whole.
    if kind == "product" and "variants" in document and "legacyResourceId" in document:
        return "product", document
    return (kind, document) if kind in _NOT_TAKEN or kind in {"inventory_level", "return"} else None


# Keys that together only one kind of document has.
_TELLING: tuple[tuple[frozenset[str], str], ...] = tuple(
    (frozenset(keys.split()), kind)
    for keys, kind in (
        ("line_items financial_status total_price", "order"),
        ("refund_line_items order_id created_at", "refund"),
        ("order_id kind gateway amount status", "transaction"),
        ("order_id remote_reference payment_method amount", "tender_transaction"),
        ("order_id tracking_number line_items service", "fulfillment"),
        ("invoice_sent_at line_items status", "draft_order"),
        ("network_reason_code evidence_due_by", "dispute"),
        ("verified_email first_name last_name", "customer"),
        ("main_contact_admin_graphql_api_id name", "company"),
        ("inventory_policy product_id option1", "variant"),
        ("inventory_item_id location_id available", "inventory_level"),
        ("harmonized_system_code country_code_of_origin sku", "inventory_item"),
        ("items_received happened_at", "inventory_shipment"),
        ("happened_at line_items status", "inventory_transfer"),
        ("product_type variants title", "product"),
        ("product_type handle vendor", "product"),
        ("original_fulfillment_order submitted_fulfillment_order", "fulfillment_order"),
        ("return_line_items return_shipping_fees", "return"),
        ("abandoned_checkout_url", "checkout"),
        ("completed_at abandoned_checkout_url line_items", "checkout"),
        ("fulfillable_quantity fulfillment_status price quantity", "line_item"),
        ("code price source title tax_lines", "shipping_line"),
    )
)


def _by_keys(document: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    keys = document.keys()
    for telling, kind in _TELLING:
        if telling <= keys:
            return kind, document
    return None


def _singular(name: str) -> str:
    word = _snake(name)
    for plural, singular in (("ies", "y"), ("ches", "ch"), ("s", "")):
        if word.endswith(plural) and word != "s":
            word = word.removesuffix(plural) + singular
            break
    return _SAME.get(word, word)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
