"""What every API endpoint is made of.

    class Orders(ApiView):
        scope_required = {"GET": "orders:read", "POST": "orders:write"}

        @idempotent()
        def post(self, request):
            incoming = parse(request, IncomingOrder)
            ...
            return reply({"number": placed.number}, status=201, headers={"Location": …})

Errors are raised, never returned: a Refusal, Invalid or Http404 becomes problem+json in one place (problems.py).
"""

from core.api.answers import reply
from core.api.callers import Caller, KeyAuthentication
from core.api.pages import keyset, page_reply
from core.api.problems import problem
from core.api.reading import parse, read_json
from core.api.repeats import idempotent
from core.api.versions import etag, not_modified, require_match
from core.api.views import ApiView

__all__ = [
    "ApiView",
    "Caller",
    "KeyAuthentication",
    "etag",
    "idempotent",
    "keyset",
    "not_modified",
    "page_reply",
    "parse",
    "problem",
    "read_json",
    "reply",
    "require_match",
]
