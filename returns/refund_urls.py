from django.urls import URLPattern, URLResolver, path

from returns.views import refunds

urlpatterns: list[URLPattern | URLResolver] = [
    path("finance/refunds/", refunds.listed, name="refunds"),
    path("finance/refunds/export.csv", refunds.export, name="refunds_export"),
    path("finance/refunds/of/<str:number>", refunds.new, name="refund_new"),
    path("finance/refunds/<str:number>", refunds.refund, name="refund"),
    path("finance/refunds/<str:number>/approve", refunds.approve, name="refund_approve"),
    path("finance/refunds/<str:number>/decline", refunds.decline, name="refund_decline"),
    path("finance/refunds/<str:number>/retry", refunds.retry, name="refund_retry"),
    path("finance/orders/<str:number>/refunds", refunds.order_panel, name="order_refunds"),
]
