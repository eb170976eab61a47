"""Every public endpoint, per version. A version once released only ever gains; versions stand side by side.

To lose something: write the new version's endpoint, list `v2` as v1's patterns with that one exchanged, and mark v1's
with `core.api.lifecycle.deprecated`. docs/contracts/<version>.json is what was promised; a test holds the code to it.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView

from core.api.operations import urlpatterns as operations_v1
from exceptions.api.v1.urls import urlpatterns as exceptions_v1
from finance.api.v1.urls import urlpatterns as finance_v1
from integrations.api.v1.client import urlpatterns as client_v1
from integrations.api.v1.connections import urlpatterns as connections_v1
from integrations.api.v1.drop_offs import urlpatterns as drop_offs_v1
from integrations.api.v1.mapping import urlpatterns as mapping_v1
from integrations.api.v1.trace import urlpatterns as trace_v1
from integrations.api.v1.webhooks import urlpatterns as webhooks_v1
from inventory.api.v1.urls import urlpatterns as inventory_v1
from orders.api.v1.urls import urlpatterns as orders_v1
from returns.api.v1.bench import urlpatterns as bench_v1
from returns.api.v1.refund_urls import urlpatterns as refunds_v1
from returns.api.v1.urls import urlpatterns as returns_v1

v1: list[URLPattern | URLResolver] = [
    *orders_v1, *returns_v1, *bench_v1, *inventory_v1, *exceptions_v1, *webhooks_v1, *trace_v1, *connections_v1,
    *mapping_v1, *client_v1, *operations_v1, *drop_offs_v1, *refunds_v1, *finance_v1,
]  # fmt: skip
VERSIONS = {"v1": v1}

urlpatterns: list[URLPattern | URLResolver] = [
    *(path(f"{version}/", include((patterns, version))) for version, patterns in VERSIONS.items()),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularRedocView.as_view(url_name="api:schema"), name="docs"),
]
