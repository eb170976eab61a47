from django.urls import URLPattern, URLResolver, path

from orders.views import batch, collecting, detail, lists, messages, parcels, scanning, store, supply, work

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
    # What orders wait for, and what partners do.
    path("backorders/", supply.backorders, name="backorders"),
    path("partners/", supply.requests, name="partners"),
    path("partners/<uuid:uid>", supply.asked, name="partner"),
    path("partners/<uuid:uid>/<slug:verb>", supply.act, name="partner_act"),
    # The store's day.
    path("s/<str:code>/", store.today, name="site"),
    path("s/<str:code>/scans", scanning.receive, name="scans"),
    path("s/<str:code>/outbox", store.outbox, name="outbox"),
    path("s/<str:code>/batches", batch.start, name="batch_start"),
    path("s/<str:code>/batches/<int:pk>", batch.walk, name="batch"),
    path("s/<str:code>/batches/<int:pk>/<slug:verb>", batch.act, name="batch_act"),
    path("s/<str:code>/handover", collecting.counter, name="counter"),
    path("s/<str:code>/ready/", collecting.ready, name="ready"),
    path("s/<str:code>/ready/<str:number>", collecting.collection, name="collection"),
    path("s/<str:code>/ready/<str:number>/label", collecting.label, name="collection_label"),
    path("s/<str:code>/ready/<str:number>/<slug:verb>", collecting.act, name="collection_act"),
    path("s/<str:code>/pick/<str:number>", work.pick, name="pick"),
    path("s/<str:code>/pick/<str:number>/<slug:verb>", work.act, name="act"),
    # Parcels: labels, and where they are.
    path("orders/<str:number>/parcels", parcels.of_order, name="order_parcels"),
    path("fulfilments/<str:number>/parcels", parcels.parcels, name="parcels"),
    path("fulfilments/<str:number>/labels", parcels.order_labels, name="order_labels"),
    path("labels/<int:label_id>", parcels.label, name="label"),
    path("labels/<int:label_id>/zpl", parcels.zpl, name="label_zpl"),
    path("labels/<int:label_id>/printed", parcels.printed, name="label_printed"),
    path("labels/<int:label_id>/<slug:verb>", parcels.act, name="label_act"),
    # What customers are told.
    path("orders/<str:number>/messages", messages.of_order, name="order_messages"),
    path("orders/<str:number>/messages/<int:pk>/again", messages.send_again, name="message_again"),
    path("ops/templates/", messages.listed, name="templates"),
    path("ops/templates/new", messages.new, name="template_new"),
    path("ops/templates/preview", messages.preview, name="template_preview"),
    path("ops/templates/<int:pk>", messages.template, name="template"),
    path("ops/templates/<int:pk>/<slug:verb>", messages.move, name="template_move"),
]
