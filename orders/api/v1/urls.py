from django.urls import path

from orders.api.v1.views import Cancel, OneOrder, Orders

urlpatterns = [
    path("orders", Orders.as_view(), name="orders"),
    path("orders/<str:number>", OneOrder.as_view(), name="order"),
    path("orders/<str:number>/cancel", Cancel.as_view(), name="order_cancel"),
]
