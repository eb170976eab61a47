from django.urls import URLPattern, URLResolver, path

from orders.views import detail, lists, parcels, work

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
    # Parcels: labels, and where they are.
    path("orders/<str:number>/parcels", parcels.of_order, name="order_parcels"),
    path("fulfilments/<str:number>/parcels", parcels.parcels, name="parcels"),
    path("fulfilments/<str:number>/labels", parcels.order_labels, name="order_labels"),
    path("labels/<int:label_id>", parcels.label, name="label"),
    path("labels/<int:label_id>/zpl", parcels.zpl, name="label_zpl"),
    path("labels/<int:label_id>/printed", parcels.printed, name="label_printed"),
    path("labels/<int:label_id>/<slug:verb>", parcels.act, name="label_act"),
]
