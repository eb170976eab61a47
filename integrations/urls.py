from django.urls import URLPattern, URLResolver, path

from integrations.channels import views as hooks

app_name = "integrations"
urlpatterns: list[URLPattern | URLResolver] = [
    path("hooks/<uuid:connection_id>/", hooks.receive, name="hook"),
    path("hooks/<uuid:connection_id>/<path:topic>/", hooks.receive, name="hook-topic"),
]
