"""EasyPost as a carrier port: a shipment is made, its rate is bought, its label fetched, each once.

EasyPost takes no idempotency keys. What makes a label one label is the shipment: its id is kept before it is bought, a
shipment is bought only once, and one that was bought without our hearing of it shows its label when it is read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from core.errors import TryLater
from integrations.carriers.easypost import pickups
from integrations.carriers.easypost.client import Refused, Rest, ounces
from integrations.carriers.easypost.translate import translate
from integrations.carriers.port import Bought, Collection, Memory, Parcel, Rate, Rejected, Voided
from integrations.channels.meaning import FollowParcel
from integrations.failures import FailureClass
from integrations.models import Connection
from integrations.reading import Faults
from orders.tracking import Scan

# How files of each type begin and end; a gateway's page or half a file is no label, whatever its type says.
_ENDS = {
    "application/pdf": (b"%PDF", b"%%EOF"),
    "image/png": (b"\x89PNG", b"IEND"),
    "application/zpl": (b"^XA", b"^XZ"),
}
_BACK = {"submitted": "EasyPost has asked the carrier for the money.", "refunded": "The carrier gave the money back."}


class EasyPost:
    def __init__(self, connection: Connection):
        self.rest = Rest(connection)
        self.format = str(connection.settings.get("label_format") or "PDF")

    def rates(self, parcel: Parcel) -> Sequence[Rate]:
        return [_rate(each) for each in self._make(parcel).get("rates") or ()]

    def label(self, parcel: Parcel, memory: Memory) -> Bought:
        shipment = self._shipment(parcel, memory)
        if not _is_bought(shipment):
            shipment = self._buy(shipment, parcel, memory)
        return self._fetched(shipment)

    def void(self, ref: str) -> Voided:
        try:
            shipment = self.rest.get(f"shipments/{ref}")
            if not _is_bought(shipment):
                return Voided(True, "Nothing had been bought.")
            if not shipment.get("refund_status"):
                shipment = self.rest.post(f"shipments/{ref}/refund", {})
        except Refused as no:
            return Voided(False, no.message)
        status = str(shipment.get("refund_status") or "")
        return Voided(status in _BACK, _BACK.get(status, f"The carrier says {status or 'nothing'}."))

    def track(self, tracking_number: str, carrier: str) -> Sequence[Scan]:
        tracker = self.rest.post("trackers", {"tracker": {"tracking_code": tracking_number, "carrier": carrier}})
        faults = Faults()
        meaning = translate(tracker, faults)
        faults.raise_if_any()
        return [scan for act in meaning.acts if isinstance(act, FollowParcel) for scan in act.scans] if meaning else []

    def collect(
        self, refs: Sequence[str], address: Mapping[str, Any], memory: Memory, *, since: datetime, until: datetime
    ) -> Collection:
        return pickups.book(self.rest, refs, _address(address), memory, since=since, until=until)

    def call_off(self, ref: str) -> Voided:
        return pickups.cancel(self.rest, ref)

    def ping(self) -> str:
        account = self.rest.get("users")
        return f"EasyPost answers as {account.get('name') or account.get('id') or 'an account'}."

    # --- The steps

    def _shipment(self, parcel: Parcel, memory: Memory) -> dict[str, Any]:
        if memory.ref:
            return self.rest.get(f"shipments/{memory.ref}")
        made = self._make(parcel)
        kept = memory.keep(str(made["id"]))
        return made if kept == made["id"] else self.rest.get(f"shipments/{kept}")

    def _make(self, parcel: Parcel) -> dict[str, Any]:
        # A return is described as the parcel that went out: EasyPost itself turns the two addresses round.
        here, there = (parcel.receiver, parcel.sender) if parcel.comes_back else (parcel.sender, parcel.receiver)
        body: dict[str, Any] = {
            "reference": parcel.reference,
            "from_address": _address(here),
            "to_address": _address(there),
            "parcel": {"weight": ounces(parcel.grams)},
            "options": {"label_format": self.format, "invoice_number": parcel.order[:35]},
        }
        if parcel.comes_back:
            body["is_return"] = True
        if parcel.crosses_a_border:
            body["customs_info"] = _customs(parcel)
        return self.rest.post("shipments", {"shipment": body})

    def _buy(self, shipment: Mapping[str, Any], parcel: Parcel, memory: Memory) -> dict[str, Any]:
        rate = _wanted(shipment, parcel)
        memory.still_wanted()
        try:
            return self.rest.post(f"shipments/{shipment['id']}/buy", {"rate": {"id": rate["id"]}})
        except Refused as no:
            again = self.rest.get(f"shipments/{shipment['id']}")
            if _is_bought(again):  # by a try that did not hear the answer
                return again
            raise no

    def _fetched(self, shipment: Mapping[str, Any]) -> Bought:
        label = shipment["postage_label"]
        rate = shipment.get("selected_rate") or {}
        file = self.rest.file(str(label["label_url"]))
        kind = str(label.get("label_file_type") or "application/pdf")
        head, tail = _ENDS.get(kind, (b"", b""))
        if not file.body or head not in file.body[:1024] or tail not in file.body[-1024:]:
            raise TryLater("The label's file came broken.")
        cost = _amount(rate.get("rate"))
        return Bought(
            tracking_number=str(shipment["tracking_code"]),
            tracking_url=str((shipment.get("tracker") or {}).get("public_url") or ""),
            cost=cost,
            currency=str(rate.get("currency") or "") if cost is not None else "",
            content=file.body,
            content_type=kind,
        )


def _is_bought(shipment: Mapping[str, Any]) -> bool:
    return bool(shipment.get("postage_label")) and bool(shipment.get("tracking_code"))


def _wanted(shipment: Mapping[str, Any], parcel: Parcel) -> Mapping[str, Any]:
    offered: list[dict[str, Any]] = shipment.get("rates") or []
    for rate in offered:
        if rate.get("carrier") == parcel.carrier and rate.get("service") == parcel.service:
            return rate
    said = _messages(shipment, parcel.carrier)
    others = ", ".join(sorted({f"{rate.get('carrier')} {rate.get('service')}" for rate in offered})[:6]) or "none"
    raise Rejected(
        FailureClass.BAD_VALUE,
        said or f"{parcel.carrier} {parcel.service} is not offered for this parcel; offered: {others}",
    )


def _messages(document: Mapping[str, Any], carrier: str = "") -> str:
    """What carriers said instead of a rate."""
    found = [
        m
        for m in document.get("messages") or ()
        if isinstance(m, dict) and (not carrier or m.get("carrier") == carrier)
    ]
    return "; ".join(str(m.get("message") or "") for m in found if m.get("message"))[:400]


def _rate(rate: Mapping[str, Any]) -> Rate:
    days = rate.get("delivery_days")
    return Rate(
        str(rate["carrier"]), str(rate["service"]), Decimal(str(rate["rate"])), str(rate["currency"]),
        days if isinstance(days, int) else None,
    )  # fmt: skip


def _amount(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value)).quantize(Decimal("0.0001")) if value is not None else None
    except InvalidOperation:
        return None


def _address(parts: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "name": "name", "company": "company", "street1": "line1", "street2": "line2", "city": "city",
        "state": "region", "zip": "postal_code", "country": "country", "phone": "phone",
    }  # fmt: skip
    return {theirs: str(parts[ours]) for theirs, ours in names.items() if parts.get(ours)}


def _customs(parcel: Parcel) -> dict[str, Any]:
    return {
        "contents_type": "merchandise",
        "restriction_type": "none",
        "non_delivery_option": "return",
        "customs_items": [
            {
                "description": item.title[:100],
                "quantity": item.quantity,
                "value": str(item.value),
                "currency": parcel.currency,
                "weight": ounces(max(item.grams, 1)),
                "origin_country": item.origin or parcel.sender.get("country"),
                **({"hs_tariff_number": item.hs_code} if item.hs_code else {}),
            }
            for item in parcel.contents
        ],
    }
