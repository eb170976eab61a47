"""Whether the ERP has what we say it has: each posted document once, with our total, its delivery and its invoice.

Looking changes nothing. What the ERP isn't asked for (see `counted`) is not compared and is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import QuerySet

from core.errors import Permanent, TryLater
from core.formats import money
from finance.models import GONE, Kind, Posting, Status
from integrations.erp import registry
from integrations.erp.calls import Refused
from integrations.erp.port import Rejected, Standing
from integrations.http import Failed
from integrations.models import Connection


@dataclass(slots=True)
class Compared:
    """One of our documents beside the ERP's; no differences: they agree."""

    posting: Posting
    theirs: list[Standing] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    unknown: str = ""  # why the ERP could not be asked


def comparable() -> QuerySet[Posting]:
    """Documents an ERP has one of its own for. Stock receipts are its delivery of another, and what a person booked by
    hand we know the number of and no more."""
    rows = Posting.objects.exclude(status__in=GONE).exclude(kind=Kind.STOCK_RECEIPT)
    return rows.exclude(status=Status.POSTED, erp_id="")


def compare(postings: Iterator[Posting] | list[Posting]) -> Iterator[Compared]:
    """Each posting beside what its ERP has, one call or a few each."""
    for posting in postings:
        made = Compared(posting)
        connection = registry.connection_of(posting.document)
        if connection is None or connection.status != Connection.Status.ACTIVE:
            made.unknown = "no ERP that is connected takes its channel's documents"
        else:
            try:
                made.theirs = registry.port(connection).standing(posting.document)
            except (TryLater, Permanent, Failed, Refused, Rejected) as error:
                made.unknown = str(error)
            else:
                made.differences = list(_differences(posting, made.theirs))
        yield made


def _differences(posting: Posting, theirs: list[Standing]) -> Iterator[str]:
    ours = [each for each in theirs if each.ours]
    confirmed = [each for each in ours if each.confirmed]
    if strangers := len(theirs) - len(ours):
        yield f"{strangers} under its reference that we did not make"
    if posting.status != Status.POSTED:
        if confirmed:
            yield f"here it is {posting.get_status_display().lower()}, there it is {confirmed[0].number}"
        elif posting.status == Status.PENDING:
            yield "it has not been brought there yet"
        return
    if len(confirmed) != 1:
        yield f"there are {len(confirmed)} of it"
        return
    (one,) = confirmed
    currency = posting.currency
    if len(ours) > 1:
        yield f"beside it {len(ours) - 1} unconfirmed of ours"
    if one.number != posting.erp_number:
        yield f"its number is {one.number}, kept here is {posting.erp_number}"
    if one.total != posting.total:
        yield f"{money(one.total, currency)} there, {money(posting.total, currency)} here"
    if one.behind is not None:
        yield from _behind(posting, one)


def _behind(posting: Posting, one: Standing) -> Iterator[str]:
    assert one.behind is not None  # noqa: S101  (the caller looked)
    goods = any(line["quantity"] for line in posting.document["lines"])
    if one.behind.deliveries not in {None, int(goods)}:
        yield f"{one.behind.deliveries} deliveries instead of {int(goods)}"
    if one.behind.invoices is None:
        return
    if one.behind.invoices != 1:
        yield f"{one.behind.invoices} invoices instead of 1"
    elif one.behind.invoiced != posting.total:
        figures = [money(Decimal(each), posting.currency) for each in (one.behind.invoiced, posting.total)]
        yield f"{figures[0]} invoiced, {figures[1]} here"
