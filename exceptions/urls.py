from django.urls import URLPattern, URLResolver

app_name = "exceptions"
urlpatterns: list[URLPattern | URLResolver] = []
