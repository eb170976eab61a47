from django.urls import URLPattern, URLResolver

from returns.api.v1.views import urlpatterns as returns

urlpatterns: list[URLPattern | URLResolver] = [*returns]
