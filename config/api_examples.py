"""One body for every endpoint that takes one, as the API's description shows it. A test holds each to its schema."""

from __future__ import annotations

from typing import Any

_ORDER: dict[str, Any] = {
    "channel": "WEB", "channel_ref": "10023", "version": 1767225600000000, "placed_at": "2026-01-01T00:00:00Z",
    "currency": "EUR", "tax_included": True, "total": "54.85", "shipping_total": "4.95", "payment_state": "paid",
    "buyer": {"ref": "c-881", "name": "Nadia Osei", "email": "nadia@example.com"},
    "ship_to": {
        "name": "Nadia Osei", "line1": "12 Quay Street", "city": "Leeds", "postal_code": "LS1 4AP", "country": "GB",
    },
    "lines": [{"ref": "1", "sku": "MUG-BLUE", "title": "Mug, blue", "quantity": 1, "unit_price": "49.90"}],
}  # fmt: skip
_EDITS = [{"edit": "quantity", "line": "1", "quantity": 2}]
_ACCOUNT = {"name": "Halden Offices", "currency": "EUR", "payment_terms": "NET30", "credit_limit": "5000.00"}
_VAN = {
    "location": "leeds", "carrier": "post", "since": "2026-01-02T14:00:00+00:00", "until": "2026-01-02T16:00:00+00:00",
}  # fmt: skip
_RETURN = {
    "channel": "WEB", "channel_ref": "10023", "ref": "R-771", "refund_to": "ORIGINAL",
    "lines": [{"line": "1", "quantity": 1, "reason": "DEFECTIVE", "reason_text": "It leaks", "condition": "OPENED"}],
}  # fmt: skip
_WEBHOOK = {
    "name": "Data team", "url": "https://hooks.example.com/backroom", "event_types": ["order.accepted"],
    "payload": "FULL",
}  # fmt: skip

EXAMPLES: dict[str, dict[str, Any]] = {
    "POST /accounts": {"code": "HALDEN", **_ACCOUNT},
    "PUT /accounts/{code}": _ACCOUNT,
    "POST /carrier-collections": _VAN,
    "POST /carrier-collections/preview": _VAN,
    "POST /carrier-collections/{number}/cancel": {"reason": "Nothing to fetch"},
    "POST /carrier-collections/{number}/outcome": {"happened": "came", "left": [118]},
    "POST /cases/{number}/acknowledge": {"version": 3},
    "POST /cases/{number}/release": {"version": 3},
    "POST /cases/{number}/reopen": {"version": 5, "note": "It came back with the next payout"},
    "POST /cases/{number}/resume": {"version": 4},
    "POST /cases/{number}/runs/{run}/undo": {},
    "POST /cases/{number}/unlink": {"version": 4, "note": "Another cause after all"},
    "POST /cases/{number}/wake": {"version": 4},
    "PUT /connections/{code}/aliases": {"kind": "LOCATION", "code": "057P5VYJ4A5X1", "means": "LEEDS"},
    "POST /connections/{code}/files": {"name": "orders.csv", "content": "T3JkZXI7RGF0ZTtTS1U7UXR5O1ByaWNlCg=="},
    "PUT /connections/{code}/mode": {"mode": "PART", "share": 10, "reason": "A tenth first"},
    "POST /connections/{code}/mode/preview": {"mode": "PART", "share": 10},
    "POST /counts": {"location": "leeds", "skus": ["MUG-BLUE"], "blind": True, "note": "The shelf looks empty"},
    "POST /orders": _ORDER,
    "POST /orders/batch": {"orders": [_ORDER]},
    "POST /orders/imports": {"orders": [_ORDER]},
    "POST /orders/validate": _ORDER,
    "POST /orders/{number}/approve": {"kind": "APPROVAL", "note": "Agreed by phone"},
    "POST /orders/{number}/cancel": {"reason": "The customer changed their mind"},
    "POST /orders/{number}/changes": {"edits": _EDITS, "note": "Asked for by phone"},
    "POST /orders/{number}/changes/preview": {"edits": _EDITS},
    "POST /orders/{number}/refunds": {"lines": [{"ref": "1", "quantity": 1}], "why": "Torn"},
    "POST /orders/{number}/holds": {"reason": "Wait for the customer's answer", "type": "MANUAL", "blocks": "RELEASE"},
    "POST /orders/{number}/notes": {"text": "Leave it with the neighbour"},
    "POST /orders/{number}/risk": {"provider": "fraud-desk", "level": "high", "score": 91, "reasons": ["New card"]},
    "POST /reservations": {
        "demand": "cart-8812", "ttl_seconds": 900,
        "lines": [{"ref": "1", "sku": "MUG-BLUE", "location": "leeds", "quantity": 2}],
    },
    "POST /reservations/{demand}/confirm": {"order": "WEB-10023"},
    "POST /reservations/{demand}/extend": {"ttl_seconds": 600},
    "POST /reservations/{demand}/release": {"reason": "The cart was emptied"},
    "POST /settlements": {
        "provider": "stripe", "name": "payout-2026-03-02.csv", "account": "acct_1",
        "content": "YmFsYW5jZV90cmFuc2FjdGlvbl9pZCxncm9zcyxmZWUsbmV0Cg==",
    },
    "POST /stock/movements": {
        "reference": "GR-2026-118",
        "moves": [{"type": "receive", "sku": "MUG-BLUE", "location": "leeds", "quantity": 40}],
    },
    "POST /stock/snapshots": {
        "source": "wms", "ref": "night-2026-01-01", "as_of": "2026-01-01T02:00:00Z",
        "lines": [{"sku": "MUG-BLUE", "location": "leeds", "status": "on hand", "quantity": 40}],
    },
    "POST /returns": _RETURN,
    "POST /returns/validate": _RETURN,
    "POST /returns/{number}/approve": {"location": "leeds", "refund_plan": "ON_RECEIPT"},
    "POST /returns/{number}/cancel": {"reason": "The customer keeps it"},
    "POST /returns/{number}/decline": {"reason": "Worn for weeks"},
    "POST /returns/{number}/label": {"service": "post-return", "grams": 450},
    "POST /returns/{number}/dispositions": {"inspection": 318, "disposition": "RESTOCK", "quantity": 1},
    "POST /returns/{number}/drop-offs": {"choice": "eyJyZWYiOiJVMzI5MjE3MTAifQ:1v2Zqk:3Xn0"},
    "POST /returns/{number}/exchanges": {"items": [{"sku": "MUG-BLUE", "quantity": 1}], "advance": False},
    "POST /returns/{number}/inspections": {
        "location": "leeds", "line": 1, "grade": "B", "verdict": "ACCEPTED", "quantity": 1, "disposition": "RULE",
    },
    "POST /returns/{number}/inspections/{id}/decide": {"verdict": "REJECTED", "note": "Worn for weeks"},
    "POST /returns/{number}/inspections/{id}/rejected": {"choice": "BACK", "quantity": 1, "service": "post-return"},
    "POST /returns/{number}/receipts": {"location": "leeds", "code": "5012345678900", "quantity": 1},
    "POST /returns/{number}/receipts/finish": {"location": "leeds"},
    "POST /transfers": {
        "origin": "depot", "destination": "leeds", "lines": [{"sku": "MUG-BLUE", "quantity": 12}],
        "reason": "Sells out by Friday",
    },
    "POST /transfers/{number}/receive": {"lines": [{"sku": "MUG-BLUE", "found": 12}]},
    "POST /webhooks": {"code": "data-team", **_WEBHOOK},
    "PUT /webhooks/{code}": _WEBHOOK,
    "POST /webhooks/{code}/rotate": {"overlap_hours": 24},
}  # fmt: skip
