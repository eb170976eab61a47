"""Pages that exist only for tests: every component of the kit with invented work, and answers of every kind."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path
from django.utils import timezone

from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as real
from core import htmx
from core.errors import Refusal

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

HERE = Path(__file__).parent
app_name = "kit"


@dataclass(frozen=True)
class Row:
    id: int
    minutes: int
    state: str
    icon: str
    title: str
    detail: str
    ref: str
    ref2: str
    place: str
    place2: str
    value: str
    fix: str
    share: float
    owner: str

    @property
    def due(self) -> Any:
        return timezone.now() + timedelta(minutes=self.minutes, seconds=-20)


# fmt: off
ROWS = [Row(*r) for r in (
    (20398, -72, "", "file-text", "Paid order missing from ERP", "Posting rejected: unknown tax code UK-RED", "SO-88213", "Web UK", "ERP posting", "Message M-552104", "£412.00", "Replay with tax code GB-STD", 0.94, ""),
    (20401, -38, "", "store", "Pickup not started in 2 hours", "No pick activity since 11:58", "SO-88390", "Web UK", "York Coney Street", "Front desk", "£64.00", "Call store, then re-source", 0.61, "Amira K."),
    (20377, -21, "", "truck", "Cancelled after label was printed", "Marketplace cancel 4 m after hand-over", "402-7718-21", "Marketplace A", "DC Wakefield", "Carrier dock 2", "£128.50", "Ask carrier to intercept", 0.34, "Tom B."),
    (20409, -4, "", "undo-2", "Refund exceeds captured amount", "Requested £264.00, captured £249.00", "RF-2207", "SO-87744", "Finance", "Card refunds", "£15.00", "Cap at captured £249.00", 0.91, ""),
    (20418, 24, "", "store", "Stock short at pick, 1 of 2 found", "Chore jacket, Navy M: shelf count 0, system 1", "SO-88402", "Web UK", "Leeds Briggate", "Bay B-14", "£178.00", "Re-source to Leeds White Rose", 0.86, "You"),
    (20415, 31, "", "truck", "Address failed carrier validation", "Postcode LS1 6HN does not match street", "SO-88377", "Marketplace B", "DC Wakefield", "Wave 118", "£96.40", "Correct postcode to LS1 6HQ", 0.88, ""),
    (20421, 36, "", "boxes", "Oversold by 3 across two channels", "Feed to Marketplace B was 14 m behind", "JKT-NVY-M", "7 orders", "All channels", "ATP −3", "£534.00", "Fill 4 oldest, backorder 3", 0.67, ""),
    (20407, 41, "", "package", "Delivery short: 216 of 240 units", "Advance notice and count disagree", "PO-10932", "Nordhavn Textiles", "DC Wakefield", "Dock 4", "£3,180.00", "Receive 216, open claim", 0.72, "Priya S."),
    (20419, 47, "", "warehouse", "Parcel stuck between pick and pack", "Tote T-0417 last seen 12:51", "SO-88341", "Shipment 2 of 3", "DC Wakefield", "Pack lane 3", "£211.90", "Locate tote, release from wave", 0.58, "Chen L."),
    (20424, 52, "", "credit-card", "Fraud review about to lapse", "Authorisation expires 15:28", "SO-88419", "Web UK", "Payments", "Manual review", "£1,240.00", "", 0.0, ""),
    (20425, 58, "", "tag", "Till price differs from web promo", "BF20 not applied at 14 tills", "LMP-012", "Promo BF20", "14 stores", "Price list 77", "£0.00", "Republish price list 77", 0.9, "Marta O."),
    (20388, 130, "", "scale", "Settlement line without an order", "Same amount, reference one digit apart", "ADY-0093-12", "Marketplace A", "Finance", "Batch 19 Nov", "£57.20", "Match to SO-87990", 0.82, "Helen R."),
    (20390, 165, "", "undo-2", "Returned in store, refund not posted", "Inspection passed 11:20, no credit memo", "RMA-4471", "SO-86120", "Utrecht Oudegracht", "Returns desk", "€89.00", "Refund to original card", 0.95, ""),
    (20392, 185, "", "file-text", "Invoice price 4.8% above order", "Freight billed in unit price", "INV-7731", "PO-10871", "Finance", "Nordhavn Textiles", "€2,304.00", "Approve, within freight rule", 0.74, "Dev P."),
    (20396, 320, "", "arrow-left-right", "Transfer received one unit short", "Sent 12, counted 11", "TR-3391", "Leeds to Manchester", "Manchester Deansgate", "Stockroom", "£44.00", "Recount at source first", 0.55, ""),
    (20351, 125, "paused", "repeat", "Waiting for customer on substitute", "Offer sent 13:02, expires 21:00", "SO-88266", "Web NL", "Utrecht Oudegracht", "Pickup", "€119.00", "", 0.0, "Joost V."),
)]
# fmt: on
claimed: dict[int, str] = {}


def rows() -> list[Row]:
    return [replace(r, owner=claimed.get(r.id, r.owner)) for r in ROWS]


def source(name: str) -> str:
    """A template with [[other.html]] put in, because these pages aren't on the template path."""
    inner = lambda m: re.sub(r"{% import .*%}\n", "", source(m[1]))  # noqa: E731  (imported once, at the top)
    return re.sub(r"\[\[(\S+)\]\]", inner, (HERE / name).read_text())


def draw(request: HttpRequest, name: str, context: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    template = engines["jinja2"].from_string(source(name))
    return htmx.finish(HttpResponse(template.render(context or {}, request), status=status))


def listing(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").lower()
    found = [r for r in rows() if wanted in (r.title + r.ref).lower()]
    groups = [
        ("Overdue", "triangle-alert", [r for r in found if r.minutes < 0]),
        ("Due within 1 hour", "clock", [r for r in found if 0 <= r.minutes < 60 and not r.state]),
        ("Later today", "circle-dot", [r for r in found if r.minutes >= 60 and not r.state]),
        ("Paused", "pause", [r for r in found if r.state]),
    ]
    page = htmx.Page(rows=found, next="x" if len(found) > 10 else "", previous="", start=0)
    context = {"page": page, "groups": groups, "total": htmx.Capped(len(found)), "you": "Sana Qureshi"}
    return draw(request, "_list.html" if htmx.partial(request) else "list.html", context)


def claim(request: HttpRequest, row: int) -> HttpResponse:
    taken = next(r for r in rows() if r.id == row)
    if taken.owner:
        raise Refusal("claimed", f"{taken.owner} claimed this 20 seconds ago.")
    claimed[row] = "Sana Qureshi"
    htmx.toast(request, f"EX-{row} claimed", action="Undo", url="/kit/", method="get")
    body = draw(request, "_row.html", {"r": replace(taken, owner="Sana Qureshi"), "you": "Sana Qureshi"}).content
    template = engines["jinja2"].get_template("components/_toasts.html")
    return HttpResponse(body.decode() + template.render({"toasts": htmx.drain_toasts(request)}, request))


def broken(request: HttpRequest) -> HttpResponse:
    return HttpResponse("no", status=503)


def form(request: HttpRequest) -> HttpResponse:
    problems = {}
    if request.method == "POST" and not request.POST.get("note"):
        problems["note"] = "Say what you did."
    status = 422 if problems else 200
    return draw(
        request,
        "_form.html" if htmx.asked(request) else "form.html",
        {"problems": problems, "done": request.method == "POST" and not problems},
        status,
    )


def page(name: str) -> Any:
    def view(request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        events = [
            {
                "type": "case.claimed",
                "actor_kind": "PERSON",
                "actor_uid": str(request.user.pk),
                "actor_label": "Sana Qureshi",
                "occurred_at": now,
            },
            {
                "type": "fulfilment.short_picked",
                "actor_kind": "PERSON",
                "actor_uid": "0",
                "actor_label": "Jonah P.",
                "occurred_at": now,
            },
            {
                "type": "order.received",
                "actor_kind": "CONNECTION",
                "actor_uid": "1",
                "actor_label": "Web UK",
                "occurred_at": now,
            },
        ]
        codes = {"5012345678900": "Chore jacket, Navy M"}
        job = {"pk": 7, "title": "Replaying 412 messages", "status": "RUNNING", "total": 412, "done": 261, "failed": 7, "result": {}, "failures": [{"row": "M-1", "reason": "unknown tax code"}], "created_at": now, "finished_at": None, "owner": "Sana Qureshi"}  # fmt: skip
        return draw(
            request,
            name,
            {
                "soon": now + timedelta(minutes=24),
                "later": now + timedelta(hours=3, minutes=24),
                "events": events,
                "scan_url": "/kit/scan",
                "codes": codes,
                "job": job,
            },
        )

    return view


def scan(request: HttpRequest) -> HttpResponse:
    code = request.POST.get("code", "")
    good = code == "5012345678900"
    seen.append((code, request.headers.get("Idempotency-Key", "")))
    return draw(request, "_scanned.html" if good else "_refused.html", {"code": code}, 200 if good else 422)


seen: list[tuple[str, str]] = []


def new(request: HttpRequest) -> HttpResponse:
    return draw(request, "_new.html")


kit = [
    path("new", new, name="new"),
    path("", listing, name="list"),
    path("claim/<int:row>", claim, name="claim"),
    path("broken", broken, name="broken"),
    path("form", form, name="form"),
    path("order", page("order.html"), name="order"),
    path("pick", page("pick.html"), name="pick"),
    path("print", page("print.html"), name="print"),
    path("scan", scan, name="scan"),
]
urlpatterns = [path("kit/", include((kit, "kit"))), *real]
