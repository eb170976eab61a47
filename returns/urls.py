from django.urls import URLPattern, URLResolver

from returns import bench_urls

app_name = "returns"
urlpatterns: list[URLPattern | URLResolver] = [*bench_urls.urlpatterns]
