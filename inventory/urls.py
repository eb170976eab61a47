from django.urls import URLPattern, URLResolver, path

from inventory import promise_urls, snapshot_urls
from inventory.views import (
    count_plans,
    count_walk,
    counts,
    items,
    ledger,
    stock,
    suggestions,
    transfer_walk,
    transfers,
    units,
)

app_name = "inventory"
urlpatterns: list[URLPattern | URLResolver] = [
    path("stock/counts/", counts.counts_list, name="counts"),
    path("stock/counts/new", counts.new, name="count_new"),
    path("stock/counts/plans/", count_plans.plans_list, name="count_plans"),
    path("stock/counts/plans/<str:code>", count_plans.plan, name="count_plan"),
    path("stock/counts/<int:pk>", counts.count, name="count"),
    path("stock/counts/<int:pk>/<slug:verb>", counts.act, name="count_act"),
    path("s/<str:code>/counts/", count_walk.site, name="site_counts"),
    path("s/<str:code>/counts/<int:pk>", count_walk.walk, name="count_walk"),
    path("s/<str:code>/counts/<int:pk>/scan", count_walk.scan, name="count_scan"),
    path("s/<str:code>/counts/<int:pk>/<slug:verb>", count_walk.act, name="count_act_here"),
    path("stock/transfers/", transfers.transfers_list, name="transfers"),
    path("stock/transfers/new", transfers.new, name="transfer_new"),
    path("stock/transfers/suggestions/", suggestions.suggestions, name="suggestions"),
    path("stock/transfers/discrepancies/<int:pk>", transfers.discrepancy, name="discrepancy"),
    path("stock/transfers/<int:pk>", transfers.transfer, name="transfer"),
    path("stock/transfers/<int:pk>/<slug:verb>", transfers.act, name="transfer_act"),
    path("s/<str:code>/transfers/", transfer_walk.site, name="site_transfers"),
    path("s/<str:code>/transfers/<int:pk>", transfer_walk.walk, name="transfer_walk"),
    path("s/<str:code>/transfers/<int:pk>/scan", transfer_walk.scan, name="transfer_scan"),
    path("s/<str:code>/transfers/<int:pk>/<slug:verb>", transfer_walk.act, name="transfer_act_here"),
    *snapshot_urls.urlpatterns,
    *promise_urls.urlpatterns,
    path("stock/", stock.by_item, name="stock"),
    path("stock/export.csv", stock.export, name="stock_export"),
    path("stock/places/", stock.by_place, name="places"),
    path("stock/ledger/", ledger.ledger, name="ledger"),
    path("stock/ledger/export.csv", ledger.export, name="ledger_export"),
    path("stock/<path:sku>/units", units.units, name="units"),
    path("stock/<path:sku>/parts", units.parts, name="parts"),
    path("stock/<path:sku>", items.item, name="item"),
]
