from django.urls import URLPattern, URLResolver, path

from finance.api.v1 import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("orders/<str:number>/money", views.Money.as_view(), name="order_money"),
    path("postings", views.Postings.as_view(), name="postings"),
    path("postings/<int:uid>", views.OnePosting.as_view(), name="posting"),
    path("settlements", views.Settlements.as_view(), name="settlements"),
    path("settlements/<int:uid>", views.OneSettlement.as_view(), name="settlement"),
    path("settlements/<int:uid>/lines", views.Lines.as_view(), name="settlement_lines"),
    path("periods", views.Periods.as_view(), name="periods"),
    path("periods/<int:uid>", views.OnePeriod.as_view(), name="period"),
]
