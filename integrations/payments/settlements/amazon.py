"""Amazon settlement reports, flat file V2 (one amount a row) and V1 (several columns of amounts a row).

Tab-separated, unquoted, in the marketplace's code page. The first row carries the settlement's dates and total and
moves no money; the others add up to that total. European reports may write a decimal comma.
https://developer-docs.amazon.com/sp-api/docs/report-type-values-settlement
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from finance.canonical import ZERO, Document, Line, Payout, Terms
from finance.models import LineKind as K
from integrations.payments.settlements import figures, tables
from integrations.payments.settlements.tables import Row

NAME = "amazon"

# What an amount is, whatever the transaction: V2's "amount-type/amount-description", V1's column and its type.
_PRICE = {
    "Principal": K.SALE, "Tax": K.TAX, "Shipping": K.SHIPPING, "ShippingTax": K.TAX, "GiftWrap": K.SALE,
    "GiftWrapTax": K.TAX, "Goodwill": K.REFUND, "ExportCharge": K.SALE, "RestockingFee": K.REFUND,
    "CODFee": K.SALE, "CODTax": K.TAX, "CODItemCharge": K.SALE, "CODItemTaxCharge": K.TAX, "CODOrderCharge": K.SALE,
    "CODOrderTaxCharge": K.TAX, "CODShippingCharge": K.SHIPPING, "CODShippingTaxCharge": K.TAX,
    "GenericDeduction": K.ADJUSTMENT, "FreeReplacementReturnShipping": K.ADJUSTMENT, "ReturnShipping": K.REFUND,
    "SAFE-T Reimbursement": K.ADJUSTMENT, "TCS-CGST": K.TAX_WITHHELD, "TCS-SGST": K.TAX_WITHHELD,
    "TCS-IGST": K.TAX_WITHHELD, "TDS": K.TAX_WITHHELD, "LowValueGoodsTax-Principal": K.TAX_WITHHELD,
    "LowValueGoodsTax-Shipping": K.TAX_WITHHELD, "LowValueGoodsTax-Other": K.TAX_WITHHELD,
    "MarketplaceFacilitatorVAT-Principal": K.TAX_WITHHELD, "MarketplaceFacilitatorVAT-Shipping": K.TAX_WITHHELD,
    "MarketplaceFacilitatorTax-Principal": K.TAX_WITHHELD, "MarketplaceFacilitatorTax-Shipping": K.TAX_WITHHELD,
    "MarketplaceFacilitatorTax-Giftwrap": K.TAX_WITHHELD, "MarketplaceFacilitatorTax-Other": K.TAX_WITHHELD,
    "MarketplaceFacilitatorTax-RestockingFee": K.TAX_WITHHELD, "MarketplaceFacilitatorVAT-Giftwrap": K.TAX_WITHHELD,
    "SalesTaxServiceFee": K.FEE,
}  # fmt: skip
_FEES = (
    "Commission", "RefundCommission", "FBAPerUnitFulfillmentFee", "FBAPerOrderFulfillmentFee", "FBAWeightBasedFee",
    "FixedClosingFee", "VariableClosingFee", "ShippingHB", "ShippingChargeback", "GiftwrapChargeback",
    "ShippingHoldback", "GiftwrapCommission", "SalesTaxCollectionFee", "TaxCollectionFee", "DigitalServicesFee",
    "DigitalServicesFeeFBA", "TechnologyFee", "FBADeliveryServicesFee", "FBAFuelAndInflationSurcharge",
    "FBATransportationFee", "FBAPickAndPackFee", "HighVolumeListingFee", "PerUnitFulfillmentFee", "CODChargeback",
    "RenewedProgramFee", "EPSOPaymentAuthFee", "EPSOPaymentSettleFee", "EPSOChargeback", "EPSOCrossBorderFee",
    "ExportChargeback", "CrossBorderFulfillmentFee", "LowPriceFBAFee", "ReferralFee", "PointsFee", "RegulatoryFee",
    "FBACustomerReturnPerUnitFee", "FBACustomerReturnPerOrderFee", "FBACustomerReturnWeightBasedFee",
    "FBAOverSizeSurcharge", "FBAStorageFee", "StarterPlanFee", "ReCommerceGradingAndListingCharge", "LabelingFee",
    "EasyShipFee", "CloseoutFee", "FBARemovalFee", "FBADisposalFee", "AmazonShippingCharge", "ItemFeeAdjustment",
    "FBA transportation fee",
)  # fmt: skip
_PROMOTIONS = ("Principal", "Shipping", "Tax", "ShippingTax", "TaxDiscount", "Product", "GiftWrap", "GiftWrapTax", "")
_SERVICE = (
    "Subscription", "Subscription Fee", "Storage Fee", "FBA Inventory Storage Fee", "StorageRenewalBilling",
    "Long-Term Storage Fee", "FBA Long-Term Storage Fee", "DisposalComplete", "RemovalComplete", "Removal",
    "FBAInboundTransportationFee", "FBA Inbound Transportation Fee", "FBAInboundTransportationProgramFee",
    "Inbound Transportation Fee", "Inbound Transportation Program Fee", "FBA Inbound Placement Service Fee",
    "FBAInboundConvenienceFee", "Shipping label purchase", "Shipping label purchase for return",
    "ShippingServicesRefund",
    "TransactionTotalAmount", "Base fee", "Cost of Advertising", "Coupon Redemption Fee", "Lightning Deal Fee",
    "Deal Participation Fee", "Deal Performance Fee", "Vine Enrollment Fee", "FBA Prep Fee: Labeling",
    "High Volume Listing Fee", "Paid Services Fee", "Imaging Services", "Early Reviewer Program fee",
    "FBAPerUnitFulfillmentFee", "CustomerReturnHRRUnitFee", "FBACustomerReturnPerUnitFee",
    "ReturnPostageBilling_Postage",
    "ReturnPostageBilling_Tracking", "ReturnPostageBilling_FuelSurcharge", "ReturnPostageBilling_ImportDuty",
    "ReturnPostageBilling_VAT", "ReturnPostageBilling_DeliveryAreaSurcharge",
    "Unplanned Service Fee - Barcode label missing",
    "CouponRedemptionFee", "Subscription fees", "SellerPayments_Report_Fee_Subscription", "Amazon Easy Ship Charges",
    "Easy Ship weight handling fee", "A-to-z Guarantee Claim fee", "Shipping label adjustment", "Service Fee",
)  # fmt: skip
_OTHER: dict[str, str] = {
    "Previous Reserve Amount Balance": K.RESERVE, "Current Reserve Amount": K.RESERVE,
    "Payable to Amazon": K.ADJUSTMENT, "Successful charge": K.ADJUSTMENT, "Failed disbursement": K.ADJUSTMENT,
    "Transfer of funds unsuccessful": K.ADJUSTMENT, "WAREHOUSE_DAMAGE": K.ADJUSTMENT, "WAREHOUSE_LOST": K.ADJUSTMENT,
    "WAREHOUSE_LOST_MANUAL": K.ADJUSTMENT, "WAREHOUSE_DAMAGE_EXCEPTION": K.ADJUSTMENT,
    "REVERSAL_REIMBURSEMENT": K.ADJUSTMENT, "MISSING_FROM_INBOUND": K.ADJUSTMENT,
    "INBOUND_CARRIER_DAMAGE": K.ADJUSTMENT,
    "COMPENSATED_CLAWBACK": K.ADJUSTMENT, "FREE_REPLACEMENT_REFUND_ITEMS": K.ADJUSTMENT,
    "CS_ERROR_ITEMS": K.ADJUSTMENT, "REMOVAL_ORDER_LOST": K.ADJUSTMENT, "REMOVAL_ORDER_DAMAGED": K.ADJUSTMENT,
    "INCORRECT_FEES_ITEMS": K.ADJUSTMENT, "RETURN_FEE_ADJUSTMENT": K.ADJUSTMENT, "Non-Subscription Fee": K.FEE,
    "BalanceAdjustment": K.ADJUSTMENT, "Micro Deposit": K.ADJUSTMENT, "Manual Processing Fee": K.FEE,
    "Manual Processing Fee Reimbursement": K.FEE, "Liquidations": K.ADJUSTMENT, "Buyer Recharge": K.ADJUSTMENT,
    "AMAZON_CAPITAL": K.ADJUSTMENT, "SAFE-T Reimbursement": K.ADJUSTMENT, "Debt Payment": K.ADJUSTMENT,
}  # fmt: skip
_TRANSACTIONS = (
    "Order", "Refund", "Chargeback Refund", "A-to-z Guarantee Refund", "Order_Retrocharge", "Refund_Retrocharge",
    "Adjustment", "Liquidations", "Liquidations Adjustments", "Order Adjustment", "other-transaction",
)  # fmt: skip


def _vocabulary() -> dict[str, str]:
    labels: dict[str, str] = {}
    kind: str
    for said in _TRANSACTIONS:
        back = "refund" in said.lower()
        claimed = said in {"Chargeback Refund", "A-to-z Guarantee Refund"}
        for name, kind in _PRICE.items():
            taken = kind in {K.FEE, K.TAX_WITHHELD, K.ADJUSTMENT}
            returned = K.CHARGEBACK if claimed else K.REFUND
            for column in ("ItemPrice", "ItemWithheldTax"):
                labels[f"{said}/{column}/{name}"] = returned if back and not taken else kind
        for name in _FEES:
            for column in ("ItemFees", "ShipmentFees", "OrderFees"):
                labels[f"{said}/{column}/{name}"] = K.FEE
        for name in _PROMOTIONS:
            labels[f"{said}/Promotion/{name}"] = (K.CHARGEBACK if claimed else K.REFUND) if back else K.DISCOUNT
        labels[f"{said}/CostOfPointsGranted/PointsGranted"] = K.FEE
        labels[f"{said}/CostOfPointsReturned/PointsReturned"] = K.FEE
        for name, kind in _OTHER.items():
            for column in ("other-transaction", "FBA Inventory Reimbursement", "Other", "other"):
                labels[f"{said}/{column}/{name}"] = kind
    for name in _SERVICE:
        labels |= {f"{said}/{column}/{name}": K.FEE for said in _SERVICES for column in _SERVICE_TYPES}
    for name, kind in _OTHER.items():
        labels[f"{name}"] = kind
        labels[f"{name}/other-transaction/{name}"] = kind
    labels |= dict.fromkeys((*_SERVICE, "Misc fee", "Other fee", *_FEES), K.FEE)
    labels |= dict.fromkeys((f"{said}/*" for said in _NAMED), K.FEE)
    labels |= {f"{said}/Refund for Advertiser/TransactionTotalAmount": K.FEE for said in ("ServiceFee", "Service Fee")}
    labels |= {f"Direct payment/{name}": K.ADJUSTMENT for name in ("StoredValueCardRevenue", "StoredValueCardRefund")}
    labels |= {"Direct payment/PrivateLabelCreditCardRevenue": K.ADJUSTMENT, "Transfer": K.PAYOUT}
    return labels


# Whatever their description names, a coupon, a deal, a product: the transaction and the type of amount say it all.
_NAMED = (
    "CouponRedemptionFee/CouponRedemptionFee", "Lightning Deal Fee/LightningDealFee",
    "Vine Enrollment Fee/Vine Enrollment Fee", "SellerReviewEnrollmentPayment/Review Enrollment Fee",
    "Grade and Resell Fees/Grade and Resell Charge", "Fee Adjustment/Item Fee Adjustment",
)  # fmt: skip
_SERVICES = (
    "Service Fee", "ServiceFee", "Service Fees", "other-transaction", "CouponRedemptionFee", "Subscription Fee",
    "Storage Fee", "FBA Inventory Fee", "Amazon fees", "Shipping Services", "DealFee", "Fee Adjustment",
    "Inventory Reimbursement",
)  # fmt: skip
_SERVICE_TYPES = (
    "other", "Other", "Service Fee", "Cost of Advertising", "other-transaction", "Subscription", "FBA Fees",
    "Amazon Fees", "CouponRedemptionFee", "Shipping Services", "FBAFees", "ServiceFee", "",
)  # fmt: skip
LABELS: dict[str, str] = _vocabulary()


def read(content: bytes, terms: Terms) -> Document:
    try:
        if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
            raise tables.Refused("It is XML, which Amazon gave up; import the flat file of the same settlement.")
        table = tables.read(content, delimiter="\t", encoding=terms.encoding, quoted=False)
        tables.need(table, "settlement-id", "total-amount", "currency", "transaction-type")
        return _document(table, terms)
    except tables.Refused as refused:
        return Document(NAME, faults=(refused.fault,))


AMOUNTS = (
    "total amount", "amount", "shipment fee amount", "order fee amount", "price amount", "item related fee amount",
    "misc fee amount", "other fee amount", "promotion amount", "direct payment amount", "other amount",
)  # fmt: skip


def _document(table: tables.Table, terms: Terms) -> Document:
    numbers = figures.proven((row[name] for row in table.rows for name in AMOUNTS), terms.decimal)
    ids = tables.rounded_ids(table.rows, ("order item code", "order id"), deciding="settlement id")
    order = _day_order(table.rows, terms)
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        groups.setdefault(row["settlement id"], []).append(row)
    payouts = tuple(_payout(ref, rows, numbers, order, terms) for ref, rows in groups.items())
    fatal = tuple(fault for each in payouts for fault in each.faults if fault.fatal)
    return Document(NAME, payouts, (*table.faults, *numbers.faults, *ids, *fatal))


def _day_order(rows: Sequence[Row], terms: Terms) -> str:
    """By the dates that are read: a row's moment makes its day beside it needless."""
    period = (row[name] for row in rows for name in ("settlement start date", "settlement end date", "deposit date"))
    posted = (row.first("posted date time", "posted date") for row in rows)
    return figures.day_order([*period, *posted], terms.dates)


def _payout(ref: str, rows: list[Row], numbers: figures.Numbers, order: str, terms: Terms) -> Payout:
    currency, faults = figures.of_one_currency(((row.number, row["currency"]) for row in rows), terms.currency)
    amount, head, lines = None, rows[0], []
    for row in rows:
        if row["total amount"]:
            amount, head = numbers.amount(row["total amount"], row.number, "total-amount"), row
            if not row["transaction type"]:
                continue
        if row["transaction type"] == "Transfer":
            continue
        lines += list(_lines(row, numbers, order))
    return Payout(
        ref=ref,
        account=terms.account,
        currency=currency,
        lines=tuple(lines),
        amount=amount,
        starts_at=_moment(head["settlement start date"], order, head.number),
        ends_at=_moment(head["settlement end date"], order, head.number),
        paid_on=figures.a_day(head["deposit date"], order, head.number),
        controls={"total": amount} if amount is not None else {},
        faults=tuple(faults),
    )


def _lines(row: Row, numbers: figures.Numbers, order: str) -> Iterator[Line]:
    if row["amount type"] or row["amount"]:
        label = _label(row)
        yield _line(row, label, numbers.amount(row["amount"], row.number, "amount", needed=True), order)
        return
    for label, text in _of_v1(row):
        amount = numbers.amount(text, row.number, label)
        if amount:
            yield _line(row, label, amount, order)


def _label(row: Row) -> str:
    """What the amount is. Where its description is a coupon's or a deal's name, every name is the same thing."""
    any_name = "/".join((row["transaction type"], row["amount type"], "*"))
    if any_name in LABELS:
        return any_name
    return "/".join((row["transaction type"], row["amount type"], row["amount description"])).rstrip("/")


def _of_v1(row: Row) -> Iterable[tuple[str, str]]:
    said = row["transaction type"]
    yield f"{said}/ItemPrice/{row['price type']}", row["price amount"]
    yield f"{said}/ItemFees/{row['item related fee type']}", row["item related fee amount"]
    yield f"{said}/ShipmentFees/{row['shipment fee type']}", row["shipment fee amount"]
    yield f"{said}/OrderFees/{row['order fee type']}", row["order fee amount"]
    yield f"{said}/Promotion/{row['promotion type']}", row["promotion amount"]
    yield "Misc fee", row["misc fee amount"]
    yield row["other fee reason description"] or "Other fee", row["other fee amount"]
    yield f"Direct payment/{row['direct payment type']}", row["direct payment amount"]
    yield said, row["other amount"]


def _line(row: Row, label: str, amount: Decimal, order: str) -> Line:
    taken = LABELS.get(label) == K.FEE
    posted = row.first("posted date time", "posted date")
    return Line(
        row=row.number,
        label=label[:160],
        gross=ZERO if taken else amount,
        fee=-amount if taken else ZERO,
        net=amount,
        order_ref=row["order id"],
        refund_ref=row["adjustment id"],
        shipment_ref=row["shipment id"],
        line_ref=row["order item code"],
        sku=row["sku"],
        method=row["marketplace name"].lower(),
        note=" ".join(filter(None, (row["merchant order id"], row["promotion id"], row["quantity purchased"])))[:200],
        at=_moment(posted, order, row.number),
        parts={row.first("amount description", "item related fee type") or "fee": -amount} if taken else {},
    )


def _moment(text: str, order: str, row: int) -> datetime | None:
    letters = re.search(r"\b([A-Z]{3,4})\s*$", text)
    zone = letters[1] if letters and letters[1] in figures.ZONES else "UTC"
    return figures.a_moment(text, order, zone, row)
