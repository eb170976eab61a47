"""What orders do when something happened elsewhere, and by the clock. Handlers are idempotent; each is one call."""

from __future__ import annotations

from celery import shared_task

from core.actors import SYSTEM
from core.events import Fact
from orders.api.v1 import imports
from orders.models import Blocks, Channel
from orders.services import (
    aftermath,
    allocation,
    approving,
    batching,
    by_hand,
    closures,
    fulfilment,
    holds,
    labels,
    mapping,
    messages,
    nodework,
    outages,
    partners,
    pickup,
    refilling,
    releasing,
    replays,
    rescuing,
    scans,
    ship_to_store,
)


@shared_task
def take_import(job_id: int) -> None:
    imports.run(job_id)


def follow_approval(fact: Fact) -> None:
    """case.approval: money a person asked to move was agreed to, declined, or waits no more. Safe to repeat."""
    if fact.data.get("action") in by_hand.ACTIONS and fact.data.get("what") != "asked":
        by_hand.settled(int(fact.data["request"]), actor=fact.actor)


def release(fact: Fact) -> None:
    """`order.allocated`, `hold.resolved`: give the nodes their work unless a hold stands."""
    if fact.data.get("blocks") == Blocks.ALLOCATE:
        allocation.allocate(int(fact.subject.uid), actor=SYSTEM)
    fulfilment.create(int(fact.subject.uid), actor=SYSTEM)


def after_sourcing(fact: Fact) -> None:
    """`order.unallocated`: what the policy wants done about it."""
    if fact.data.get("then", "NEXT") != "NEXT":
        aftermath.carry_out(int(fact.subject.uid), sequence=int(fact.data["sequence"]), actor=SYSTEM)


def give_labels_back(fact: Fact) -> None:
    """`fulfilment.cancelled`, `fulfilment.rejected`: what was bought for its parcels is asked back."""
    labels.void_all(int(fact.subject.uid), reason="The work was cancelled", actor=SYSTEM)


def tell_customer(fact: Fact) -> None:
    """Whatever customers may hear of: a message is written, or why none was."""
    messages.compose(fact)


def map_lines(fact: Fact) -> None:
    """`item.alias_added`: lines that waited for this SKU find their item."""
    channel = Channel.objects.filter(code=fact.data.get("system", "")).first()
    if channel is not None:
        mapping.retry(str(fact.data.get("code", "")), channel, actor=SYSTEM)


def reweigh_account(fact: Fact) -> None:
    """`account.changed`: its orders that wait for credit, for a person's word or for the account itself."""
    approving.reweigh_account(int(fact.subject.uid), actor=fact.actor)


@shared_task(ignore_result=True)
def look_at_holds() -> None:
    """Holds whose rules may be false by now, because something else changed."""
    holds.look_again()


@shared_task(ignore_result=True)
def reweigh_credit() -> None:
    """Orders held for credit, now that their account may owe less."""
    approving.reweigh_waiting()


@shared_task(ignore_result=True)
def release_requested() -> None:
    """Orders that were not to leave before a day which is near now."""
    releasing.release_requested()


def follow_delivery(fact: Fact) -> None:
    """`inbound.expected`, `inbound.settled`: whoever waits for it gets its units, or hears that it slips."""
    refilling.follow_cause(fact.subject.kind, fact.subject.uid, actor=SYSTEM)


def clear_site(fact: Fact) -> None:
    """`site.closed`: what closing it left for later is given to other sites, or promised later."""
    closures.clear(int(fact.subject.uid), actor=SYSTEM)


def withdraw_from_partner(fact: Fact) -> None:
    """`fulfilment.cancelled`, `fulfilment.rejected`: a partner who was asked to do it need not."""
    partners.withdraw(int(fact.subject.uid), why=str(fact.data.get("reason") or "Taken back"), actor=fact.actor)


def leave_carrier(fact: Fact) -> None:
    """`carrier.out`: nodes nobody else calls at give their work away."""
    outages.resource(actor=fact.actor)


@shared_task(ignore_result=True)
def resource_at_risk() -> None:
    """Work that would come too late goes to a node that makes it."""
    rescuing.resource_at_risk()


@shared_task(ignore_result=True)
def take_back_silent() -> None:
    """Work of partners who didn't answer in time."""
    partners.take_back_silent()


@shared_task(ignore_result=True)
def follow_deliveries() -> None:
    """Deliveries whose news was missed, and transfers nobody waits for any more."""
    refilling.sweep()
    refilling.promise_silent_anew()
    ship_to_store.call_off()


@shared_task(ignore_result=True)
def allocate_waiting() -> None:
    """Orders that waited for stock or for somebody to know a SKU, now that it may be there."""
    mapping.retry_known(actor=SYSTEM)
    allocation.allocate_waiting()


@shared_task(ignore_result=True)
def sweep_collections() -> None:
    """Orders nobody fetched: reminded of, then taken off the ready shelf."""
    pickup.sweep()


@shared_task(ignore_result=True)
def forget_scans() -> None:
    """Judged scans no device still holds."""
    scans.forget()


@shared_task(ignore_result=True)
def measure_nodes() -> None:
    """What nodes really pick in each hour, and what they refuse."""
    nodework.measure()


@shared_task(ignore_result=True)
def replay() -> None:
    """Slices of replays that are under way; the rest follows with the next tick."""
    replays.carry_on()


@shared_task(ignore_result=True)
def work_out_batch(job_id: int) -> None:
    """A batch of waiting orders, planned together; nothing is placed yet."""
    batching.work_out(job_id)


@shared_task(ignore_result=True)
def place_batch(job_id: int) -> None:
    """The orders of a plan somebody confirmed, in that person's name."""
    batching.carry_out(job_id)
