"""What is done outside for parcels: handlers of facts on the queue `outside`, and the clock's poll."""

from __future__ import annotations

from celery import shared_task

from core.actors import SYSTEM
from core.events import EventDraft, Fact
from integrations import arrivals, inbox
from integrations.carriers import calling, following, labelling, returning, suspending
from orders.models import Package
from orders.services import tracking


def lane(draft: EventDraft) -> str:
    """Each label has a lane of its own: it is bought before it is given back, and none waits for another."""
    return f"label:{draft.data['label']}"


def carry_label(fact: Fact) -> None:
    """parcel.label_wanted, parcel.label_void_wanted: whatever is due for the label by now. Safe to repeat."""
    labelling.carry(int(fact.data["label"]))


def lane_back(draft: EventDraft) -> str:
    """Each label of a return has a lane of its own, as those of parcels that go out."""
    return f"return_label:{draft.data['label']}"


def carry_label_back(fact: Fact) -> None:
    """return.label_wanted, return.label_void_wanted: whatever is due for the label by now. Safe to repeat."""
    returning.carry(int(fact.data["label"]))


def carry_call(fact: Fact) -> None:
    """van_call.asked, van_call.cancel_wanted: whatever is due for the collection by now. Safe to repeat."""
    calling.carry(int(fact.data["call"]))


def let_waiting_go(fact: Fact) -> None:
    """parcel.label_ready, fulfilment.shipped: messages about its parcels that came before their numbers were known."""
    job_id = int(fact.subject.uid)
    numbers = Package.objects.filter(fulfilment=job_id, tracking_number__gt="").values_list(
        "tracking_number", flat=True
    )
    for number in set(numbers):
        arrivals.let_go([tracking.waits_for(number)], inbox.process)
    tracking.settle(job_id, actor=SYSTEM)


def let_waiting_go_back(fact: Fact) -> None:
    """return.label_ready: the same for a return's parcel."""
    if number := str(fact.data.get("tracking_number") or ""):
        arrivals.let_go([tracking.waits_for(number)], inbox.process)


def follow_account(fact: Fact) -> None:
    """connection.suspended, connection.restored: its carriers are out, or run again."""
    suspending.follow(actor=fact.actor)


@shared_task(ignore_result=True)
def probe_accounts() -> None:
    """Accounts whose calls are suspended are asked whether they are back."""
    suspending.probe()


@shared_task(ignore_result=True)
def follow_parcels() -> None:
    """Parcels nobody has told us of for a while are asked for."""
    following.poll()
