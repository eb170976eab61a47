"""POST /api/v1/orders/validate: what would become of an order, every problem with its path; nothing is written."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from core.api import ApiView, read_json, reply
from core.api.reading import validate
from core.errors import Invalid
from orders import canonical
from orders.api.v1 import described_offers, offers
from orders.api.v1.bodies import NewOrder
from orders.models import Channel
from orders.services import lookups, validating
from orders.services.validating import REFUSED, Finding, Outlook


class Validate(ApiView):
    scope_required: ClassVar[dict[str, str]] = {"POST": "orders:write"}

    @described_offers.VALIDATE
    def post(self, request: Any) -> HttpResponse:
        """200 whatever is wrong with the order, because that is the answer; 400 only for what is no JSON."""
        body = read_json(request)
        with validating.nothing_written():
            outlook = _look(body, request.auth)
            return reply(_shape(outlook))


def _look(body: Any, caller: Any) -> Outlook:
    wrong: list[Finding] = []
    incoming: NewOrder | None = None
    try:
        incoming = validate(NewOrder, body)
    except Invalid as invalid:
        wrong += [Finding(p.path, p.rule, p.message, REFUSED) for p in invalid.problems]
    else:
        wrong += [Finding(p.path, p.rule, p.message, REFUSED) for p in canonical.contradictions(incoming)]
    channel, findings = _channel(body, caller)
    wrong += findings
    outlook = Outlook()
    if incoming is not None and channel is not None and not wrong:
        outlook = validating.look_ahead(incoming, channel)
    text = {name: _text(body, name) for name in ("pickup_location_code", "account")}
    outlook.findings[:0] = [
        *wrong,
        *validating.names(
            channel,
            validating.readable_lines(body),
            place=text["pickup_location_code"] if _text(body, "method") == "PICKUP" else "",
            account=text["account"],
        ),
    ]
    return outlook


def _channel(body: Any, caller: Any) -> tuple[Channel | None, list[Finding]]:
    code = _text(body, "channel")
    if not code:
        return None, []  # missing: the shape said so
    channel = lookups.channel(code)
    if channel is None or (caller.channels is not None and code not in caller.channels):
        return None, [Finding("channel", "unknown", "There is no such channel.", REFUSED)]
    if not channel.active:
        return channel, [Finding("channel", "closed", f"{channel.name} takes no orders.", REFUSED)]
    return channel, []


def _text(body: Any, name: str) -> str:
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) and "\0" not in value and len(value) <= 120 else ""


def _shape(outlook: Outlook) -> dict[str, Any]:
    skus = offers.skus_of({line.item_id for line in outlook.lines if line.item_id})
    return {
        "acceptable": not any(finding.leads_to == REFUSED for finding in outlook.findings),
        "clean": not outlook.findings,
        "outcome": outlook.outcome,
        "number": outlook.number,
        "problems": [
            {"path": f.path, "rule": f.rule, "message": f.message, "leads_to": f.leads_to} for f in outlook.findings
        ],
        "lines": [
            {
                "index": line.index,
                "ref": line.ref,
                "sku": line.sku,
                "item": skus.get(line.item_id or 0),
                "quantity": line.quantity,
                "available": line.available,
            }
            for line in outlook.lines
        ],
        "promise": offers.shape(outlook.offer),
    }
