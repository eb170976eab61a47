"""Amazon's notifications pulled from the queue Amazon puts them into (SQS), for who has no address to post them to.

A connection has the setting `queue_url` (https://sqs.<region>.amazonaws.com/<account>/<name>) and the secrets
`queue_key_id` and `queue_key` (of an IAM user that may receive from and delete in this queue). What is received goes
into the inbox under the notification's own id, as a posted one does, and is deleted from the queue only then. SQS gives
again after a while what nobody deleted, and at times what somebody did: both count once.
"""

from __future__ import annotations

import hashlib
import hmac
import json as jsonlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from core.errors import Permanent
from integrations import http, tokens
from integrations.channels.amazon import webhooks
from integrations.channels.vendor import Document, Feed, Page
from integrations.documents import clean
from integrations.models import Connection

AT_ONCE = 10  # messages of one call, SQS's own limit
HIDDEN_SECONDS = 120  # from other readers, and after which it comes again
KIND = "application/x-amz-json-1.0"
_REGION = re.compile(r"sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?")


def has_queue(connection: Connection) -> bool:
    return bool(connection.settings.get("queue_url"))


def notifications(connection: Connection, cursor: str) -> Page:
    """The next few of the queue. The cursor only says when it was last asked."""
    asked = {"MaxNumberOfMessages": AT_ONCE, "VisibilityTimeout": HIDDEN_SECONDS, "WaitTimeSeconds": 0}
    found = tokens.listed(_call(connection, "ReceiveMessage", asked, purpose="receive notifications"), "Messages")
    documents = tuple(_document(each) for each in found)
    now = datetime.now(UTC).isoformat()
    return Page(documents, now, more=len(found) == AT_ONCE, kept=lambda: _delete(connection, found) if found else None)


NOTIFICATIONS = Feed(
    "notifications", "Notifications of the queue", timedelta(seconds=30), notifications, offered=has_queue
)


def _document(message: Mapping[str, Any]) -> Document:
    body = clean(str(message.get("Body") or "")).encode()
    told = webhooks.delivery(body, {})
    return Document(told.external_id, told.topic, body)


def _delete(connection: Connection, messages: Sequence[Mapping[str, Any]]) -> None:
    """Safe to repeat; what SQS keeps all the same comes again and is known."""
    entries = [{"Id": str(n), "ReceiptHandle": str(each.get("ReceiptHandle"))} for n, each in enumerate(messages)]
    _call(connection, "DeleteMessageBatch", {"Entries": entries}, purpose="delete notifications")


# --- One call: AWS's JSON protocol, signed by version 4


def _call(connection: Connection, action: str, given: dict[str, Any], *, purpose: str) -> dict[str, Any]:
    queue, key_id, key = tokens.needed(connection, ["queue_url"], ["queue_key_id", "queue_key"])
    split = urlsplit(queue)
    url = f"{split.scheme}://{split.netloc}/"
    body = jsonlib.dumps({"QueueUrl": queue, **given}).encode()
    named = {"content-type": KIND, "host": split.netloc, "x-amz-target": f"AmazonSQS.{action}"}
    region = str(connection.settings.get("queue_region") or "") or _region(split.hostname or "")
    signed = signature(named, body, region=region, service="sqs", key_id=key_id, key=key, at=datetime.now(UTC))
    headers = {name: value for name, value in signed.items() if name != "host"}
    answer = http.request(connection, "POST", url, purpose=purpose, headers=headers, content=body)
    found = answer.json() if answer.body.strip() else {}
    return found if isinstance(found, dict) else {}


def _region(host: str) -> str:
    if (found := _REGION.fullmatch(host)) is None:
        raise Permanent(f"{host[:80]} names no region: say it with the setting queue_region.")
    return found[1]


def signature(
    headers: Mapping[str, str],
    body: bytes,
    *,
    region: str,
    service: str,
    key_id: str,
    key: str,
    at: datetime,
    method: str = "POST",
    path: str = "/",
    query: str = "",
) -> dict[str, str]:
    """These headers with those that sign them and the body (AWS Signature Version 4). `query` is written as it is
    signed: its names in order, percent-encoded."""
    moment = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    signed = {**headers, "x-amz-date": moment}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in sorted(signed))
    asked = "\n".join((method, path, query, lines, names, hashlib.sha256(body).hexdigest()))
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    said = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(asked.encode()).hexdigest()))
    derived = f"AWS4{key}".encode()
    for part in scope.split("/"):
        derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
    mark = hmac.new(derived, said.encode(), hashlib.sha256).hexdigest()
    credential = f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={mark}"
    return {**signed, "authorization": credential}
