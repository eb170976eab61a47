from django.urls import URLPattern, URLResolver, path

from finance.views import postings

app_name = "finance"
urlpatterns: list[URLPattern | URLResolver] = [
    path("finance/postings/", postings.listed, name="postings"),
    path("finance/postings/export.csv", postings.export, name="export"),
    path("finance/postings/<int:uid>", postings.posting, name="posting"),
    path("finance/postings/<int:uid>/retry", postings.retry, name="retry"),
    path("finance/orders/<str:number>/panel", postings.order_panel, name="order_panel"),
    path("finance/orders/<str:number>/told", postings.order_told, name="order_told"),
]
