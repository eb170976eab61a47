"""Amazon's returns: external fulfilment returns (2024-09-11) and the report of returns by return date. Pure."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from integrations.channels.meaning import Act, Meaning, SetAside, TakeReturn, ignored
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.reading import Node
from returns.incoming import IncomingReturn, IncomingReturnLine, State, reason_of

_CANCELLED = frozenset({"CANCELLED", "CANCELED", "EXPIRED"})
_OVER = frozenset({"PROCESSED", "CLOSED", "COMPLETED"})
_DAYS = ("%d-%b-%Y", "%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%Y")
COLUMNS = frozenset({"order id", "return request date", "amazon rma id"})


def is_one(node: Node) -> bool:
    return node.has("id") and node.has("marketplaceChannelDetails") and node.has("returnType")


def acts(node: Node) -> Sequence[Act] | str:
    """One return of one article. Amazon has agreed to it before anybody hears of it."""
    details = node.object("marketplaceChannelDetails")
    told = node.object("returnMetadata")
    shipping = node.object("returnShippingInfo")
    back = shipping.object("reverseTrackingInfo") if shipping else None
    ref, units = node.line("id"), node.count("numberOfUnits")
    order_ref = details.line("customerOrderId") if details else ""
    for key, found in (("id", ref), ("marketplaceChannelDetails.customerOrderId", order_ref)):
        if not found:
            node.at(key).fault("is missing")
    if not units:
        node.at("numberOfUnits").fault("should be at least one")
    said = told.text("returnReason", 120) if told else ""
    line = IncomingReturnLine(
        ref=ref, sku=node.line("merchantSku") or (details.line("channelSku") if details else ""), quantity=units or 1,
        reason=reason_of(said), reason_text=said,
    )  # fmt: skip
    return [TakeReturn(IncomingReturn(
        ref=ref, order_ref=order_ref, state=_state(node.text("status", 80)), lines=(line,),
        number=told.line("rmaId") if told else "", at=node.moment("creationDateTime"),
        tracking_number=back.line("trackingId") if back else "", carrier=back.line("carrierName", 60) if back else "",
    ))]  # fmt: skip


def report(body: bytes) -> Meaning:
    """The report of returns by return date: a row for each article of a return."""
    # Amazon quotes nothing: a name that begins with a quotation mark is only a name.
    lines = _text(body).splitlines()
    rows = csv.DictReader(io.StringIO("\n".join(lines)), delimiter="\t", quoting=csv.QUOTE_NONE)
    found: dict[str, IncomingReturn] = {}
    broken: list[tuple[Fault, bytes]] = []
    for raw in rows:
        row = {(name or "").strip().strip('"').lower(): (value or "").strip() for name, value in raw.items() if name}
        if not any(row.values()):
            continue
        units = row.get("return quantity", "")
        if not row["order id"] or not (units.isascii() and units.isdigit() and 0 < int(units[:9]) <= 1_000_000):
            n = rows.line_num
            fault = Fault(f"row {n}", "needs an order id and a number of units")
            broken.append((fault, "\n".join((lines[0], lines[n - 1])).encode()))
            continue
        told = _of_row(row, int(units))
        found[told.ref] = _together(found.get(told.ref), told)
    if broken and (not found and len(broken) == 1):
        raise Unreadable(FailureClass.BAD_VALUE, broken[0][0])
    acts: list[Act] = [*map(TakeReturn, found.values()), *(SetAside(alone) for _, alone in broken)]
    return Meaning(acts=tuple(acts)) if acts else ignored("the report lists no return")


def _together(known: IncomingReturn | None, told: IncomingReturn) -> IncomingReturn:
    """Two rows of one return and article are units of the same line."""
    if known is None:
        return told
    units = known.lines[0].quantity + told.lines[0].quantity
    return replace(told, lines=(replace(told.lines[0], quantity=units),))


def _text(body: bytes) -> str:
    """UTF-8, as the report is for most marketplaces, else the Windows code page it is for some."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _of_row(row: dict[str, str], units: int) -> IncomingReturn:
    rma, sku = row.get("amazon rma id", ""), row.get("merchant sku", "")
    whole = "|".join((row["order id"], rma, sku, row.get("return request date", "")))
    ref = f"{rma}:{sku}"[:120] if rma else hashlib.sha256(whole.encode()).hexdigest()[:40]
    said = row.get("return reason", "")
    return IncomingReturn(
        ref=ref, order_ref=row["order id"], state=_state(row.get("return request status", "")),
        number=rma or row.get("merchant rma id", ""), at=_day(row.get("return request date", "")),
        tracking_number=row.get("tracking id", "")[:120], carrier=row.get("return carrier", "")[:60],
        lines=(IncomingReturnLine(ref=ref, sku=sku, title=row.get("item name", "")[:255], quantity=units,
                                  reason=reason_of(said), reason_text=said[:1000]),),
    )  # fmt: skip


def _state(said: str) -> State:
    word = said.strip().upper()
    if word in _CANCELLED:
        return "cancelled"
    if word in {"DECLINED", "REJECTED", "DENIED"}:
        return "declined"
    if word in {"PENDING", "PENDING APPROVAL", "REQUESTED"}:
        return "requested"
    return "closed" if word in _OVER else "approved"


def _day(text: str) -> datetime | None:
    for form in _DAYS:
        try:
            return datetime.strptime(text[:11].strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
