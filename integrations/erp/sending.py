"""One posting on its way: claimed, sent through its connection's port, and ended one way or the other.

Three things make it once: the outbox gives a posting's deliveries to one worker at a time; the claim fences a worker
that was thought dead; and the port looks for our own reference in the ERP before it sends anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.actors import Actor
from core.errors import Permanent, TryLater
from finance.models import Posting, Status
from finance.services import making, memos, postings
from finance.services.postings import Claim
from integrations import bulkhead
from integrations.erp import adjusting, registry
from integrations.erp.port import Posted, Rejected
from integrations.failures import FailureClass
from integrations.http import Failed
from integrations.models import Connection, StockDocument
from inventory.models import Item
from inventory.services import kits

# Longer than any single call may take (connect and read timeouts of the HTTP client together), renewed before each.
LEASE_SECONDS = 30.0
PAUSE_SECONDS = 60.0
SOON_SECONDS = 5.0
NO_DOCUMENT = "No document needed"
TROUBLE_SECONDS = 300.0  # how long to leave it when the connection itself is set up wrongly


@dataclass(slots=True)
class ClaimMemory:
    """A claim as the port's Memory."""

    claim: Claim
    erp_id: str

    def keep(self, erp_id: str) -> None:
        postings.keep(self.claim, erp_id=erp_id)
        self.erp_id = erp_id

    def still_ours(self) -> None:
        postings.keep(self.claim)


def send(posting_id: int) -> None:
    """Bring one posting to the ERP, or say why not. Safe to repeat and to race.

    TryLater for what time may heal; without spending an attempt while no connection takes it or somebody else has it.
    """
    posting = Posting.objects.only("status", "document").get(pk=posting_id)
    if posting.status != Status.PENDING:
        return
    connection = _connection(posting_id, posting.document)
    with bulkhead.kept(connection):
        _claim_and_send(posting_id, connection)


def _claim_and_send(posting_id: int, connection: Connection) -> None:
    claim = postings.claim(
        posting_id,
        connection_uid=str(connection.pk),
        connection_name=connection.name,
        seconds=float(connection.settings.get("lease_seconds", LEASE_SECONDS)),
    )
    if claim is None:
        return
    try:
        _send(claim, connection, connection.actor)
    except BaseException as error:
        postings.give_back(claim, str(error) or type(error).__name__)
        raise


def _connection(posting_id: int, document: Mapping[str, Any]) -> Connection:
    connection = registry.connection_of(document)
    if connection is None:
        words = "No ERP is connected."
    elif connection.status != Connection.Status.ACTIVE:
        why = f": {connection.status_reason}" if connection.status_reason else ""
        words = f"{connection.name} is {connection.status.lower()}{why}"
    else:
        return connection
    postings.waits(posting_id, words)
    raise TryLater(words, seconds=PAUSE_SECONDS, spends_attempt=False)


def _send(claim: Claim, connection: Connection, actor: Actor) -> None:
    try:
        posted = _bring(claim, connection)
    except Rejected as no:
        postings.rejected(
            claim,
            reason=no.reason,
            failure_class=no.failure_class,
            answer={**no.answer, "said": no.reason},
            actor=actor,
        )
    except Permanent as error:
        # Not this document's fault: a wrong key or address refuses every document alike. Nothing is rejected for it.
        _troubled(connection, error)
        raise TryLater(f"{connection.name}: {error}", seconds=TROUBLE_SECONDS) from error
    else:
        postings.confirmed(
            claim,
            number=posted.number,
            erp_id=posted.erp_id,
            total=posted.total,
            answer=posted.answer,
            actor=actor,
        )


def _bring(claim: Claim, connection: Connection) -> Posted:
    memory = ClaimMemory(claim, claim.erp_id)
    form = claim.document.get("format")
    if form == making.RECEIPT:
        return _receipt(claim, connection)
    if form == making.JOURNAL:
        return registry.port(connection).post_journal(claim.document, memory)
    return registry.port(connection).post_sale(claim.document, memory)


def _receipt(claim: Claim, connection: Connection) -> Posted:
    """An ERP books returned goods with the credit memo's own document: the receipt is the delivery that is there. What
    stays uncredited has a document of its own."""
    posting = Posting.objects.get(pk=claim.posting_id)
    if posting.cause_kind == memos.OF_KEPT:
        return _kept(posting, connection)
    memo = posting.linked
    if memo is None:
        memos.receive(int(posting.cause_uid))  # what was decided before receipts heard of it
    if memo is None and not memos.waited_for(posting):
        words = "None of it waits for a credit memo: it left again, or stayed without money for it."
        return Posted(number=NO_DOCUMENT, erp_id="", total=None, answer={"said": words})
    if memo is None or memo.status != Status.POSTED:
        words = f"It goes with its credit memo{f' {memo.reference}' if memo else ''}, which isn't posted yet."
        raise TryLater(words, seconds=TROUBLE_SECONDS, spends_attempt=False)
    number = next(iter(memo.answer.get("deliveries") or ()), "") or memo.erp_number
    return Posted(number=number, erp_id=f"receipt:{memo.erp_id}"[:40], total=None, answer={"memo": memo.erp_number})


def _kept(posting: Posting, connection: Connection) -> Posted:
    """Rejected goods that stay are found stock there: an adjustment brings them, and its number is the receipt's."""
    given = posting.document
    made, new = adjusting.keep(
        connection, posting.key, place=given["location"], direction=adjusting.FOUND, day=given["booked_on"],
        reasons=[given["why"]], units=_units(given["lines"]),
    )  # fmt: skip
    if made.status == StockDocument.Status.POSTED:
        said = {"adjustment": made.reference, "said": f"Into the stock of {given['location']}."}
        return Posted(number=made.erp_number, erp_id=f"receipt:{made.erp_id}"[:40], total=None, answer=said)
    words = f"It goes with the adjustment {made.reference}, which isn't posted yet."
    if made.status == StockDocument.Status.REJECTED:
        words = f"{connection.name} refuses its adjustment {made.reference}: {made.last_error}"
    raise TryLater(words, seconds=SOON_SECONDS if new else PAUSE_SECONDS, spends_attempt=False)


def _units(lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """{SKU: units}, kits by their parts, as the stock ledger has them."""
    items = {item.sku: item for item in Item.objects.filter(sku__in=[line["sku"] for line in lines])}
    parts = kits.components([item.pk for item in items.values() if item.is_kit])
    names = dict(
        Item.objects.filter(pk__in=[part for each in parts.values() for part, _ in each]).values_list("pk", "sku")
    )
    units: Counter[str] = Counter()
    for line in lines:
        item = items.get(line["sku"])
        for sku, each in [(names[part], n) for part, n in parts.get(item.pk if item else 0, ())] or [(line["sku"], 1)]:
            units[sku] += each * line["quantity"]
    return dict(units)


def _troubled(connection: Connection, error: Permanent) -> None:
    refused = isinstance(error, Failed) and error.failure_class == FailureClass.AUTHENTICATION
    words = "It refuses our credentials." if refused else str(error)
    Connection.objects.filter(pk=connection.pk).update(health=Connection.Health.TROUBLED, health_reason=words[:300])
