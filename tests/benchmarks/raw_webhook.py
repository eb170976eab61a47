"""The least a Django project needs to keep a webhook: no middleware, one view, one INSERT of the same row."""

from __future__ import annotations

import os

from django.conf import settings

from config.settings import DATABASES

settings.configure(
    DATABASES=DATABASES,
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="bench",
    USE_TZ=True,
)

from django.core.wsgi import get_wsgi_application  # noqa: E402  (what follows wants settings)
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402

CONNECTION = os.environ.get("RAW_CONNECTION", "")

_INSERT = """
INSERT INTO integrations_inboundmessage (
    connection_id, external_id, topic, headers, body, size, sha256, verdict, correlation_id, status, failure_class,
    reason, faults, waits_for, attempts, mapping_version, result_kind, result_uid, result_label, copies
) VALUES (%s, %s, 'orders/create', '{}', %s, %s, '', 'GOOD', '', 'RECEIVED', '', '', '[]', '', 0, '', '', '', '', 0)
RETURNING id
"""


def keep(request: HttpRequest) -> HttpResponse:
    body = request.body
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [CONNECTION, request.headers["X-Shopify-Webhook-Id"], body, len(body)])
        (row,) = cursor.fetchone()
    return JsonResponse({"message": row}, status=202)


urlpatterns = [
    path("livez", lambda request: HttpResponse("ok")),
    path("<path:rest>", lambda request, rest: keep(request)),
]
application = get_wsgi_application()
