from django.urls import URLPattern, URLResolver, path

from inventory.views import items

app_name = "inventory"
urlpatterns: list[URLPattern | URLResolver] = [
    path("stock/<path:sku>", items.item, name="item"),
]
