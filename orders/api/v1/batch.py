"""POST /api/v1/orders/batch: many orders in one call, each with its own verdict."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

from django.http import HttpResponse

from core import idempotency
from core.api import ApiView, read_json, repeats, reply
from core.api.reading import validate
from core.errors import Refusal
from orders.api.v1 import described, placing
from orders.api.v1.bodies import MAX_BATCH, NewOrder

MAX_BYTES = 8 * 1024 * 1024


class Batch(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "orders:write"}

    @described.BATCH
    def post(self, request: Any) -> HttpResponse:
        """Each order in a transaction of its own, in the order given: one that is refused doesn't stop the others.

        Each has its answer kept under the call's key and its place in the batch, so a call that broke off goes on where
        it stopped when it is made again.
        """
        key = _key(request)
        orders = placing.orders_of(read_json(request, limit=MAX_BYTES), most=MAX_BATCH)
        self.count_calls(request, len(orders) - 1)
        results = [_one(request, key, index, sent) for index, sent in enumerate(orders)]
        taken = sum(result["status"] < 300 for result in results)
        return reply({"taken": taken, "refused": len(results) - taken, "results": results})


def _key(request: Any) -> str:
    key = request.META.get("HTTP_IDEMPOTENCY_KEY", "")
    if not idempotency.valid(key):
        raise Refusal(
            "idempotency_key_missing" if not key else "idempotency_key_invalid",
            f"Send {repeats.HEADER}: 1 to {idempotency.MAX_LENGTH} printable ASCII characters, new for each new call.",
            status=400,
        )
    return key


def _one(request: Any, key: str, index: int, sent: Any) -> dict[str, Any]:
    def work() -> HttpResponse:
        return placing.place(validate(NewOrder, sent), request.auth)

    own_key = hashlib.sha256(f"{index}:{key}".encode()).hexdigest()
    answer = repeats.once(request, own_key, repeats.fingerprint_of(f"orders[{index}]", sent), work)
    said = json.loads(answer.content)
    result: dict[str, Any] = {"index": index, "status": answer.status_code}
    if repeats.REPLAYED in answer.headers:
        result["replayed"] = True
    if answer.status_code >= 400:
        return result | {"problem": said}
    return result | {"order": said}
