from django.urls import URLPattern, URLResolver, path

from returns.api.v1.refunds import Refunds

urlpatterns: list[URLPattern | URLResolver] = [
    path("orders/<str:number>/refunds", Refunds.as_view(), name="order_refunds"),
]
