from django.urls import URLPattern, URLResolver, path

from returns import bench_urls, refund_urls
from returns.views import counter, desk, lists, policies

app_name = "returns"
urlpatterns: list[URLPattern | URLResolver] = [
    # Asked for and decided.
    path("returns/", lists.listed, name="list"),
    path("returns/export.csv", lists.export, name="export"),
    path("returns/orders/<str:number>", lists.order_panel, name="order_panel"),
    path("returns/new/<str:number>", desk.new, name="new"),
    path("returns/new/<str:number>/preview", desk.preview, name="preview"),
    path("returns/labels/<int:label_id>", desk.print_label, name="label"),
    path("returns/labels/<int:label_id>/void", desk.void_label, name="void_label"),
    path("s/<str:code>/returns/new", counter.new, name="counter"),
    path("s/<str:code>/returns/check", counter.check, name="counter_check"),
    path("s/<str:code>/returns/make", counter.make, name="counter_make"),
    path("s/<str:code>/returns/<str:number>/done", counter.done, name="counter_done"),
    path("ops/returns/", policies.listed, name="policies"),
    path("ops/returns/new", policies.new, name="policy_new"),
    path("ops/returns/<slug:code>/", policies.policy, name="policy"),
    path("ops/returns/<slug:code>/draft", policies.draft, name="policy_draft"),
    path("ops/returns/<slug:code>/<int:number>", policies.version, name="policy_version"),
    path("ops/returns/<slug:code>/<int:number>/preview", policies.preview, name="policy_preview"),
    path("ops/returns/<slug:code>/<int:number>/<slug:verb>", policies.launch, name="policy_launch"),
    *bench_urls.urlpatterns,
    *refund_urls.urlpatterns,
    path("returns/<str:number>", lists.detail, name="detail"),
    path("returns/<str:number>/receipt", desk.receipt, name="receipt"),
    path("returns/<str:number>/do/<slug:verb>", desk.act, name="act"),
]
