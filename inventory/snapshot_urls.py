"""Where people meet what other systems believe. Included by urls.py before the item pages, which take any path."""

from django.urls import URLPattern, URLResolver, path

from inventory.views import imports, reconciliation, snapshots, sources

urlpatterns: list[URLPattern | URLResolver] = [
    path("stock/reconciliation/", reconciliation.reconciliation, name="reconciliation"),
    path("stock/reconciliation/export.csv", reconciliation.export, name="reconciliation_export"),
    path("stock/snapshots/", snapshots.snapshots, name="snapshots"),
    path("stock/snapshots/<int:snapshot_id>", snapshots.snapshot, name="snapshot"),
    path("stock/imports/", imports.imports, name="imports"),
    path("stock/imports/upload", imports.upload, name="import_upload"),
    path("stock/imports/<uuid:upload_id>", imports.shown, name="import"),
    path("stock/imports/<uuid:upload_id>/arrange", imports.arrange, name="import_arrange"),
    path("stock/imports/<uuid:upload_id>/confirm", imports.confirm, name="import_confirm"),
    path("stock/imports/<uuid:upload_id>/discard", imports.discard, name="import_discard"),
    path("stock/imports/<uuid:upload_id>/bad-rows.csv", imports.bad_rows, name="import_bad_rows"),
    path("stock/sources/", sources.sources, name="sources"),
    path("stock/sources/<int:source_id>", sources.source, name="source"),
    path("stock/sources/<int:source_id>/<slug:what>", sources.explain, name="source_explain"),
]
