"""What postings there are, and what may be typed into the fields an administrator keeps."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import models

from orders import currencies


class Kind(models.TextChoices):
    SALES_ORDER = "SALES_ORDER", "Invoice"  # what left, one for each shipment
    CREDIT_MEMO = "CREDIT_MEMO", "Credit memo"  # a correction that owes the channel something
    RETURN_MEMO = "RETURN_MEMO", "Return credit memo"
    STOCK_RECEIPT = "STOCK_RECEIPT", "Stock receipt"
    DEFERRED = "DEFERRED", "Deferred revenue"  # paid before it left, and released as it leaves
    GIFT_CARD = "GIFT_CARD", "Gift card"  # sold, or redeemed
    FEES = "FEES", "Fees and payout"
    CHARGEBACK = "CHARGEBACK", "Chargeback"
    ADJUSTMENT = "ADJUSTMENT", "Adjustment"
    WRITE_OFF = "WRITE_OFF", "Write-off"
    REVERSAL = "REVERSAL", "Reversal"


def known_currency(code: str) -> None:
    if not currencies.is_known(code):
        raise ValidationError("%(code)s is no currency; write its three letters, such as EUR.", params={"code": code})


def known_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError(
            "%(name)s is no time zone; write its place, such as Europe/Berlin.", params={"name": name}
        ) from None
