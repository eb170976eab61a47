"""What is unexplained between the books and the systems around them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from core import downloads, htmx, screens
from exceptions.models import Case
from inventory.filters_snapshots import DifferenceFilter
from inventory.models import Cause, Location, Stock, StockDifference, StockSource
from inventory.services import reconciling
from inventory.services.differences import REASON

COLUMNS = (
    "id", "item_id", "location_id", "item__sku", "item__name", "location__code", "location__name", "source__name",
    "snapshot_id", "as_of", "units", "gross", "value", "currency", "beyond", "cause", "began_at",
)  # fmt: skip
EXPORT = (
    ("SKU", "item__sku"), ("Item", "item__name"), ("Place", "location__code"), ("Source", "source__code"),
    ("Snapshot", "snapshot_id"), ("As of", "as_of"), ("Units", "units"), ("Units in question", "gross"),
    ("Value", "value"), ("Currency", "currency"), ("Beyond tolerance", "beyond"), ("Likely cause", "cause"),
    ("Since", "began_at"),
)  # fmt: skip
WIDTH, HEIGHT, LEFT, TOP = 640, 150, 44, 12
CAUSES = dict(Cause.choices)


@require_safe
@permission_required("inventory.view_stockdifference", raise_exception=True)
def reconciliation(request: HttpRequest) -> HttpResponse:
    """GET /stock/reconciliation/: per place and over time, and the differences themselves, filtered in the address."""
    rows = _rows(request)
    page = htmx.keyset_page(rows.values(*COLUMNS), request, order=("-gross", "-id"))
    _link_cases(request, page.rows)
    context = {
        "page": page,
        "total": htmx.capped_count(rows),
        "sources": list(StockSource.objects.for_user(request.user).values_list("code", "name")),
        "locations": list(Location.objects.for_user(request.user).values_list("code", "name")),
        "causes": Cause.choices,
        "cause_words": CAUSES,
        "narrowed": any(request.GET.get(name) for name in DifferenceFilter.base_filters),
        "query": request.GET.urlencode(),
    }
    if not htmx.partial(request):
        sites = _sites(request)
        places, everywhere = reconciling.by_place(sites)
        points = reconciling.trend(sites)
        context |= {"places": places, "everywhere": everywhere, "points": points, "chart": _chart(points)}
    return htmx.render(request, "inventory/reconciliation.html", context, fragment="inventory/_differences.html")


@require_safe
@permission_required("inventory.export_difference", raise_exception=True)
def export(request: HttpRequest) -> HttpResponseBase:
    """GET /stock/reconciliation/export.csv?…: the differences as filtered, safe to open in a spreadsheet."""
    rows = _rows(request).order_by("-gross", "-id").values_list(*[column for _, column in EXPORT])
    titles = [title for title, _ in EXPORT]
    return downloads.csv_file("stock-differences", titles, rows[: downloads.MOST], line=_worded)


def _worded(row: list[Any]) -> list[Any]:
    row[4] = f"SN-{row[4]}"
    row[10] = "yes" if row[10] else "no"
    row[11] = CAUSES[row[11]]
    return row


def _rows(request: HttpRequest) -> Any:
    rows: Any = StockDifference.objects.for_sites(_sites(request)).open()
    return DifferenceFilter(request.GET, rows).found()


def _sites(request: HttpRequest) -> frozenset[int] | None:
    """What this person may see, at the site they narrowed their work to."""
    user: Any = request.user
    site = screens.current_site(request)
    sites: frozenset[int] | None = user.site_ids() if site is None else frozenset({site})
    return sites


def _link_cases(request: HttpRequest, rows: list[dict[str, Any]]) -> None:
    """Each row's open case, if the person may see it. Two queries whatever the page."""
    pairs = {(row["item_id"], row["location_id"]) for row in rows}
    stock = Stock.objects.filter(item_id__in={i for i, _ in pairs}, location_id__in={p for _, p in pairs})
    ids = {(item, place): str(pk) for pk, item, place in stock.values_list("pk", "item_id", "location_id")}
    cases = Case.objects.for_user(request.user).filter(
        reason=REASON, subject_kind="stock", subject_uid__in=list(ids.values()), is_open=True
    )
    known = dict(cases.values_list("subject_uid", "pk"))
    for row in rows:
        row["case"] = known.get(ids.get((row["item_id"], row["location_id"]), ""))


def _chart(points: list[reconciling.Point]) -> dict[str, Any]:
    """Bars of the trend in the chart's own units, with a label at the top, the middle and both ends."""
    most = max((point.units for point in points), default=0) or 1
    step = (WIDTH - LEFT) / max(1, len(points))
    bars = []
    for n, point in enumerate(points):
        height = round(point.units / most * (HEIGHT - TOP), 1)
        bars.append({
            "x": round(LEFT + n * step + 1, 1), "y": round(HEIGHT - height, 1), "width": round(step - 2, 1),
            "height": height,
        })  # fmt: skip
    return {"bars": bars, "most": most, "width": WIDTH, "height": HEIGHT, "left": LEFT, "top": TOP}
