from django.urls import URLPattern, URLResolver, path

from orders.views import detail, lists, work

app_name = "orders"
urlpatterns: list[URLPattern | URLResolver] = [
    path("orders/", lists.orders, name="list"),
    path("orders/export.csv", lists.export, name="export"),
    path("orders/new", lists.new, name="new"),
    path("orders/<str:number>", detail.order, name="detail"),
    path("orders/<str:number>/why", detail.why, name="why"),
    path("orders/<str:number>/contact", detail.contact, name="contact"),
    path("orders/<str:number>/cancel", detail.cancel, name="cancel"),
    path("orders/<str:number>/hold", detail.hold, name="hold"),
    path("orders/<str:number>/holds/<str:hold_type>/release", detail.release, name="release"),
    path("fulfilments/<str:number>", work.fulfilment_order, name="fulfilment"),
    path("sites/", work.sites, name="sites"),
    path("s/<str:code>/", work.site, name="site"),
    path("s/<str:code>/pick/<str:number>", work.pick, name="pick"),
    path("s/<str:code>/pick/<str:number>/scan", work.scan, name="scan"),
    path("s/<str:code>/pick/<str:number>/<slug:verb>", work.act, name="act"),
]
