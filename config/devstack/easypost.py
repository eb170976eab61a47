"""A carrier account that speaks the part of EasyPost's REST API Backroom uses: its own process, for tests and the demo.

    EASYPOST_KEY=… python config/devstack/easypost.py --port 8114

What matters is copied: the key as user name of Basic authentication, objects and ids, rates as text, a shipment that
is bought once and refuses the second time, refunds that are only submitted, trackers that are one per code, the test
codes EZ1000000001 to EZ7000000007, errors as {"error": {"code", "message", "errors"}}. Labels are real PDF files. Its
own doors:

    GET  /_carrier/shipments  every shipment
    POST /_carrier/scan       {"tracking_code", "status", "message"?, "detail"?, "city"?, "at"?, "hook"?, "secret"?}:
                              the parcel moves; with `hook` its owner is told as EasyPost does; answers the event
    POST /_carrier/faults     {"500": 2, "429": 1, "slow": 1, "garbage": 1, "hang_up": 1, "lose_answer": 1,
                              "no_rates": 1, "no_file": 1}: so many of the next calls go wrong; lose_answer does the
                              work and then hangs up
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import threading
import time
import unicodedata
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

try:
    from config.devstack.local_server import LocalServer
except ImportError:  # run as a script, from beside it
    from local_server import LocalServer  # type: ignore[import-not-found, no-redef]

SLOW_SECONDS = 3.0
SERVICES = (
    ("RoyalMail", "Tracked48", "GBP", 2.99, 0.02, 2),
    ("RoyalMail", "Tracked24", "GBP", 3.89, 0.03, 1),
    ("DPDUK", "NextDay", "GBP", 6.20, 0.02, 1),
    ("PostNL", "Standard", "EUR", 6.95, 0.03, 2),
)
TEST_CODES = {
    "EZ1000000001": "pre_transit", "EZ2000000002": "in_transit", "EZ3000000003": "out_for_delivery",
    "EZ4000000004": "delivered", "EZ5000000005": "return_to_sender", "EZ6000000006": "failure",
    "EZ7000000007": "unknown",
}  # fmt: skip


NO_RATES = {"carrier": "RoyalMail", "type": "rate_error", "message": "The service is not available at this address."}


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str, field: str = ""):
        super().__init__(message)
        self.status = status
        errors = [{"field": field, "message": message}] if field else []
        self.body = {"error": {"code": code, "message": message, "errors": errors}}


class HangUp(Exception):
    """Close the line without a word."""


class Account:
    """Shipments, trackers and pickups of one account."""

    def __init__(self, key: str):
        self.key = key
        self.lock = threading.RLock()
        self.shipments: dict[str, dict[str, Any]] = {}
        self.trackers: dict[str, dict[str, Any]] = {}
        self.pickups: dict[str, dict[str, Any]] = {}
        self.batches: dict[str, list[str]] = {}
        self.faults: Counter[str] = Counter()
        self.calls: list[str] = []
        self.numbers = 0
        self.url = ""

    def new_id(self, kind: str) -> str:
        self.numbers += 1
        return f"{kind}_{hashlib.sha256(f'{kind}{self.numbers}'.encode()).hexdigest()[:32]}"

    def fault(self, kind: str) -> bool:
        with self.lock:
            if self.faults[kind] > 0:
                self.faults[kind] -= 1
                return True
        return False

    # --- Shipments

    def make_shipment(self, given: dict[str, Any]) -> dict[str, Any]:
        for side in ("from_address", "to_address"):
            address = given.get(side) or {}
            for name in ("street1", "city", "country"):
                if not address.get(name):
                    raise Refused(422, "ADDRESS.PARAMETER.REQUIRED", "Missing required parameter.", f"{side}.{name}")
        weight = (given.get("parcel") or {}).get("weight")
        if not isinstance(weight, int | float) or weight <= 0:
            raise Refused(422, "PARCEL.WEIGHT.INVALID", "Weight must be positive.", "parcel.weight")
        abroad = given["from_address"]["country"] != given["to_address"]["country"]
        if abroad and not (given.get("customs_info") or {}).get("customs_items"):
            raise Refused(422, "SHIPMENT.CUSTOMS_INFO.REQUIRED", "Customs info is required.", "customs_info")
        ref = self.new_id("shp")
        offered = [] if self.fault("no_rates") else [self._rate(ref, weight, *service) for service in SERVICES]
        # A return is described as the parcel that went out was, and the addresses are turned round here.
        back = bool(given.get("is_return"))
        sender, receiver = (
            given[name] for name in (("to_address", "from_address") if back else ("from_address", "to_address"))
        )
        shipment = {
            "id": ref, "object": "Shipment", "is_return": back, "mode": "test", "status": "unknown",
            "reference": given.get("reference"), "created_at": _now(), "updated_at": _now(), "tracking_code": None,
            "refund_status": None,
            "from_address": {"object": "Address", **sender},
            "to_address": {"object": "Address", **receiver},
            "parcel": {"object": "Parcel", **given["parcel"]}, "options": given.get("options") or {},
            "customs_info": given.get("customs_info"), "rates": offered, "selected_rate": None, "postage_label": None,
            "tracker": None, "fees": [], "forms": [],
            "messages": [] if offered else [dict(NO_RATES)],
        }  # fmt: skip
        self.shipments[ref] = shipment
        return shipment

    def _rate(
        self,
        shipment: str,
        weight: float,
        carrier: str,
        service: str,
        currency: str,
        base: float,
        each: float,
        days: int,
    ) -> dict[str, Any]:
        return {
            "id": self.new_id("rate"), "object": "Rate", "mode": "test", "carrier": carrier, "service": service,
            "rate": f"{base + each * weight:.2f}", "currency": currency, "delivery_days": days,
            "est_delivery_days": days, "shipment_id": shipment, "delivery_date": None,
        }  # fmt: skip

    def shipment(self, ref: str) -> dict[str, Any]:
        if ref not in self.shipments:
            raise Refused(404, "NOT_FOUND", "The requested resource could not be found.")
        return self.shipments[ref]

    def buy(self, ref: str, given: dict[str, Any]) -> dict[str, Any]:
        shipment = self.shipment(ref)
        if shipment["postage_label"]:
            raise Refused(422, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment.")
        wanted = (given.get("rate") or {}).get("id")
        rate = next((rate for rate in shipment["rates"] if rate["id"] == wanted), None)
        if rate is None:
            raise Refused(422, "SHIPMENT.RATE.INVALID", "The rate is not one of this shipment.", "rate")
        code = f"{rate['carrier'][:2].upper()}{len(self.trackers) + 100000001}GB"
        form = str(shipment["options"].get("label_format") or "PNG").upper()
        kinds = {"PDF": "application/pdf", "ZPL": "application/zpl", "PNG": "image/png"}
        shipment["selected_rate"], shipment["tracking_code"] = rate, code
        shipment["tracker"] = self._tracker(code, rate["carrier"], "pre_transit", ref)
        shipment["postage_label"] = {
            "id": self.new_id("pl"), "object": "PostageLabel", "label_size": "4x6", "label_date": _now(),
            "label_file_type": kinds.get(form, "application/pdf"), "label_url": f"{self.url}/files/{ref}",
        }  # fmt: skip
        return shipment

    def refund(self, ref: str) -> dict[str, Any]:
        shipment = self.shipment(ref)
        if not shipment["postage_label"]:
            raise Refused(422, "SHIPMENT.REFUND.UNAVAILABLE", "There is no postage to refund.")
        moving = shipment["tracker"]["status"] not in {"pre_transit", "unknown"}
        shipment["refund_status"] = "rejected" if moving else "submitted"
        return shipment

    # --- Trackers

    def tracker(self, code: str, carrier: str) -> dict[str, Any]:
        if not code:
            raise Refused(422, "TRACKER.CREATE.ERROR", "No tracking code was given.", "tracking_code")
        return self.trackers.get(code) or self._tracker(code, carrier, TEST_CODES.get(code, "unknown"), None)

    def _tracker(self, code: str, carrier: str, status: str, shipment: str | None) -> dict[str, Any]:
        made: dict[str, Any] = {
            "id": self.new_id("trk"), "object": "Tracker", "mode": "test", "tracking_code": code, "status": status,
            "status_detail": "status_update", "created_at": _now(), "updated_at": _now(), "carrier": carrier,
            "shipment_id": shipment, "signed_by": None, "weight": None, "est_delivery_date": None,
            "tracking_details": [], "public_url": f"https://track.easypost.example/{code}",
        }  # fmt: skip
        self.trackers[code] = made
        if status != "unknown":
            self._detail(made, status, "Shipping label created", "label_created", "", _now())
        return made

    def _detail(self, tracker: dict[str, Any], status: str, words: str, detail: str, city: str, at: str) -> None:
        tracker["status"], tracker["status_detail"], tracker["updated_at"] = status, detail, _now()
        tracker["tracking_details"].append(
            {
                "object": "TrackingDetail", "message": words, "description": "", "status": status,
                "status_detail": detail, "datetime": at, "source": tracker["carrier"],
                "tracking_location": {"object": "TrackingLocation", "city": city or None, "state": None,
                                      "country": "GB" if city else None, "zip": None},
            }
        )  # fmt: skip

    def scan(self, given: dict[str, Any]) -> dict[str, Any]:
        tracker = self.tracker(str(given["tracking_code"]), str(given.get("carrier") or "RoyalMail"))
        before = tracker["status"]
        self._detail(
            tracker, str(given["status"]), str(given.get("message") or given["status"].replace("_", " ").capitalize()),
            str(given.get("detail") or "status_update"), str(given.get("city") or ""), str(given.get("at") or _now()),
        )  # fmt: skip
        event = {
            "id": self.new_id("evt"), "object": "Event", "mode": "test", "description": "tracker.updated",
            "created_at": _now(), "previous_attributes": {"status": before}, "result": json.loads(json.dumps(tracker)),
            "status": "pending", "pending_urls": [], "completed_urls": [],
        }  # fmt: skip
        if given.get("hook"):
            _deliver(str(given["hook"]), str(given.get("secret") or ""), event)
        return event

    # --- Pickups

    def pickup(self, given: dict[str, Any]) -> dict[str, Any]:
        refs = (
            [given["shipment"]["id"]]
            if given.get("shipment")
            else self.batches.get(str((given.get("batch") or {}).get("id")), [])
        )
        carriers = {str((self.shipment(ref).get("selected_rate") or {}).get("carrier") or "") for ref in refs}
        if not refs or "" in carriers:
            raise Refused(422, "PICKUP.SHIPMENTS.INVALID", "Only bought shipments can be fetched.", "shipment")
        since, until = str(given.get("min_datetime") or ""), str(given.get("max_datetime") or "")
        if not since or since >= until:
            raise Refused(422, "PICKUP.DATETIME.INVALID", "min_datetime must be before max_datetime.", "min_datetime")
        if not (given.get("address") or {}).get("street1"):
            raise Refused(422, "ADDRESS.PARAMETER.REQUIRED", "Missing required parameter.", "address.street1")
        nobody = self.fault("no_pickup")
        made: dict[str, Any] = {
            "id": self.new_id("pickup"), "object": "Pickup", "mode": "test", "status": "unknown", "confirmation": None,
            "min_datetime": given.get("min_datetime"), "max_datetime": given.get("max_datetime"),
            "messages": [{"type": "pickup_error", "message": "No driver is free then."}] if nobody else [],
            "pickup_rates": [
                {"object": "PickupRate", "carrier": carrier, "service": "NextDay", "rate": "0.00", "currency": "GBP"}
                for carrier in sorted(carriers)
                if not nobody
            ],
        }  # fmt: skip
        self.pickups[made["id"]] = made
        return made

    def one_pickup(self, ref: str) -> dict[str, Any]:
        if ref not in self.pickups:
            raise Refused(404, "NOT_FOUND", "The requested resource could not be found.")
        return self.pickups[ref]

    def buy_pickup(self, ref: str, given: dict[str, Any]) -> dict[str, Any]:
        pickup = self.one_pickup(ref)
        if pickup["status"] != "unknown":
            raise Refused(422, "PICKUP.ALREADY_SCHEDULED", "The pickup has been scheduled or canceled already.")
        wanted = (given.get("carrier"), given.get("service"))
        if wanted not in {(rate["carrier"], rate["service"]) for rate in pickup["pickup_rates"]}:
            raise Refused(422, "PICKUP.RATE.INVALID", "The pickup has no such rate.", "service")
        scheduled = sum(each["confirmation"] is not None for each in self.pickups.values())
        pickup |= {"status": "scheduled", "confirmation": f"WTC{scheduled + 1:06d}"}
        return pickup

    def cancel_pickup(self, ref: str) -> dict[str, Any]:
        pickup = self.one_pickup(ref)
        if pickup["status"] != "scheduled" or self.fault("driver_on_the_way"):
            raise Refused(422, "PICKUP.CANCEL.FAILED", "The pickup can no longer be canceled.")
        pickup["status"] = "canceled"
        return pickup

    def batch(self, given: dict[str, Any]) -> dict[str, Any]:
        made = self.new_id("batch")
        self.batches[made] = [self.shipment(each["id"])["id"] for each in given.get("shipments") or ()]
        return {"id": made, "object": "Batch", "state": "purchased", "num_shipments": len(self.batches[made])}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def sign(body: bytes, secret: str) -> str:
    key = unicodedata.normalize("NFKD", secret).encode()
    return "hmac-sha256-hex=" + hmac.new(key, body, hashlib.sha256).hexdigest()


def _deliver(hook: str, secret: str, event: dict[str, Any]) -> None:
    body = json.dumps(event).encode()
    headers = {"Content-Type": "application/json", "X-Hmac-Signature": sign(body, secret)}
    with urllib.request.urlopen(urllib.request.Request(hook, body, headers), timeout=10):  # noqa: S310  (our own door)
        pass


def pdf(words: str) -> bytes:
    """A page of four by six inches with one line on it."""
    text = re.sub(r"[^A-Za-z0-9 ,.:-]", "", words)
    stream = f"BT /F1 18 Tf 24 400 Td ({text}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 288 432] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for n, part in enumerate(parts, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (n, part)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return body + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, start)


# --- Over HTTP -----------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    account: Account
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name is the library's)
        pass

    def do_GET(self) -> None:
        self._serve("GET", {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            given = json.loads(body or b"{}")
        except ValueError:
            self._answer(400, {"error": {"code": "BAD_REQUEST", "message": "The body is not JSON.", "errors": []}})
            return
        self._serve("POST", given)

    def _serve(self, method: str, given: dict[str, Any]) -> None:
        path = urlsplit(self.path).path
        try:
            if path.startswith("/v2/"):
                self._api(method, path.removeprefix("/v2/").split("/"), given)
            else:
                self._own(path, given)
        except HangUp:
            self.close_connection = True
        except Refused as no:
            self._answer(no.status, no.body)

    def _own(self, path: str, given: dict[str, Any]) -> None:
        account = self.account
        if path == "/livez":
            self._answer(200, {"status": "ok"})
        elif path == "/_carrier/shipments":
            self._answer(200, {"shipments": list(account.shipments.values())})
        elif path == "/_carrier/scan":
            self._answer(200, account.scan(given))
        elif path == "/_carrier/faults":
            account.faults.update({str(kind): int(count) for kind, count in given.items()})
            self._answer(200, dict(account.faults))
        elif path.startswith("/files/") and not account.fault("no_file"):
            shipment = account.shipment(path.removeprefix("/files/"))
            label = shipment["postage_label"]
            words = f"{shipment['selected_rate']['carrier']} {shipment['tracking_code']}"
            zpl = f"^XA^FO40,40^A0N,40^FD{words}^FS^XZ\n".encode()
            self._send(200, zpl if "zpl" in label["label_file_type"] else pdf(words), label["label_file_type"])
        else:
            self._answer(404, {"error": {"code": "NOT_FOUND", "message": "Not here.", "errors": []}})

    def _api(self, method: str, path: list[str], given: dict[str, Any]) -> None:
        expected = "Basic " + base64.b64encode(f"{self.account.key}:".encode()).decode()
        if self.headers.get("Authorization") != expected:
            raise Refused(401, "APIKEY.INVALID", "The API key is not valid.")
        self._go_wrong()
        with self.account.lock:
            self.account.calls.append(f"{method} {'/'.join(part for part in path if '_' not in part)}")
            answer = self._route(method, path, given)
        if method == "POST" and self.account.fault("lose_answer"):
            raise HangUp
        self._answer(201 if method == "POST" and len(path) == 1 else 200, answer)

    def _route(self, method: str, path: list[str], given: dict[str, Any]) -> Any:
        account = self.account
        match (method, *path):
            case ("POST", "shipments"):
                return account.make_shipment(given.get("shipment") or {})
            case ("GET", "shipments", ref):
                return account.shipment(ref)
            case ("POST", "shipments", ref, "buy"):
                return account.buy(ref, given)
            case ("POST", "shipments", ref, "refund"):
                return account.refund(ref)
            case ("POST", "trackers"):
                wanted = given.get("tracker") or {}
                return account.tracker(str(wanted.get("tracking_code") or ""), str(wanted.get("carrier") or ""))
            case ("POST", "batches"):
                return account.batch(given.get("batch") or {})
            case (_, "pickups", *rest):
                return self._pickups(method, rest, given)
            case ("GET", "users"):
                return {"id": "user_1", "object": "User", "name": "Harrowvale"}
        raise Refused(404, "NOT_FOUND", "The requested resource could not be found.")

    def _pickups(self, method: str, path: list[str], given: dict[str, Any]) -> Any:
        account = self.account
        match (method, *path):
            case ("POST",):
                return account.pickup(given.get("pickup") or {})
            case ("GET", ref):
                return account.one_pickup(ref)
            case ("POST", ref, "buy"):
                return account.buy_pickup(ref, given)
            case ("POST", ref, "cancel"):
                return account.cancel_pickup(ref)
        raise Refused(404, "NOT_FOUND", "The requested resource could not be found.")

    def _go_wrong(self) -> None:
        fault = self.account.fault
        if fault("slow"):
            time.sleep(SLOW_SECONDS)
        if fault("hang_up"):
            raise HangUp
        if fault("500"):
            raise Refused(500, "INTERNAL_SERVER_ERROR", "Something went wrong.")
        if fault("429"):
            raise Refused(429, "RATE_LIMITED", "Too many requests.")
        if fault("garbage"):
            self._send(200, b"<html>502 Bad Gateway</html>", "text/html")
            raise HangUp

    def _answer(self, status: int, document: Any) -> None:
        self._send(status, json.dumps(document).encode(), "application/json")

    def _send(self, status: int, content: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(LocalServer):
    """The account on a free port of this machine, in a thread; `with Server("EZTK…") as carrier: …`."""

    def __init__(self, key: str, port: int = 0):
        self.account = Account(key)
        super().__init__(Handler, port, account=self.account)
        self.account.url = self.url


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A carrier account that speaks EasyPost's REST API.")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(arguments)
    Server(os.environ["EASYPOST_KEY"], options.port).http.serve_forever()


if __name__ == "__main__":
    main()
