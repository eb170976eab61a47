from django.urls import URLPattern, URLResolver, path

from orders.api.v1.accounts import Accounts, OneAccount
from orders.api.v1.batch import Batch
from orders.api.v1.changes import Changes, PreviewChange
from orders.api.v1.holds import Approve, Holds, OneHold, Verdict
from orders.api.v1.imports import ImportResults, Imports
from orders.api.v1.notes import Events, Notes
from orders.api.v1.promise import Promise
from orders.api.v1.validation import Validate
from orders.api.v1.van_calls import urlpatterns as van_calls
from orders.api.v1.views import Cancel, OneOrder, Orders

urlpatterns: list[URLPattern | URLResolver] = [
    path("orders", Orders.as_view(), name="orders"),
    path("orders/batch", Batch.as_view(), name="orders_batch"),
    path("orders/imports", Imports.as_view(), name="orders_imports"),
    path("orders/imports/<int:pk>/results", ImportResults.as_view(), name="orders_import_results"),
    path("orders/validate", Validate.as_view(), name="orders_validate"),
    path("orders/<str:number>", OneOrder.as_view(), name="order"),
    path("orders/<str:number>/cancel", Cancel.as_view(), name="order_cancel"),
    path("orders/<str:number>/changes", Changes.as_view(), name="order_changes"),
    path("orders/<str:number>/changes/preview", PreviewChange.as_view(), name="order_change_preview"),
    path("orders/<str:number>/risk", Verdict.as_view(), name="order_risk"),
    path("orders/<str:number>/holds", Holds.as_view(), name="order_holds"),
    path("orders/<str:number>/holds/<str:hold_type>", OneHold.as_view(), name="order_hold"),
    path("orders/<str:number>/approve", Approve.as_view(), name="order_approve"),
    path("orders/<str:number>/notes", Notes.as_view(), name="order_notes"),
    path("orders/<str:number>/events", Events.as_view(), name="order_events"),
    path("promise", Promise.as_view(), name="promise"),
    path("accounts", Accounts.as_view(), name="accounts"),
    path("accounts/<str:code>", OneAccount.as_view(), name="account"),
    *van_calls,
]
