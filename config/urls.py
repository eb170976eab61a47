"""Every HTML route. Each app states its own full paths."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from core import health

admin.site.site_header = admin.site.site_title = "Backroom"

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics_page, name="metrics"),
    path("api/", include(("config.api", "api"))),  # programs call most, and patterns are tried in this order
    path("", include("integrations.urls")),  # webhooks are first there
    path("", include("core.urls")),
    path("", include("exceptions.urls")),
    path("", include("inventory.urls")),
    path("", include("orders.urls")),
    path("", include("returns.urls")),
    path("", include("finance.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "core.views.errors.bad_request"
handler403 = "core.views.errors.forbidden"
handler404 = "core.views.errors.not_found"
handler500 = "core.views.errors.failed"
