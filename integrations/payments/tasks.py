"""What is done outside about money: handlers of facts on the queue `outside`, and the clocks."""

from __future__ import annotations

from celery import shared_task

from core.actors import SYSTEM
from core.events import EventDraft, Fact
from integrations.payments import asking, carrying
from orders.services import captures, expiries


def lane(draft: EventDraft) -> str:
    """Those of one tender wait for each other: what is captured is refunded afterwards."""
    tender = draft.data.get("tender_id")
    return f"tender:{tender}" if tender else f"payment:{draft.data['instruction']}"


def carry(fact: Fact) -> None:
    """payment.wanted: whatever is due for the instruction by now. Safe to repeat."""
    carrying.carry(int(fact.data["instruction"]))


def capture_shipped(fact: Fact) -> None:
    """fulfilment.shipped: what left is captured, where that is ours to do."""
    captures.shipped(int(fact.subject.uid), actor=fact.actor)


def catch_up(fact: Fact) -> None:
    """hold.resolved: what left while a hold blocked its capture."""
    captures.catch_up(int(fact.subject.uid), cause=f"hold:{fact.id}", actor=fact.actor)


def let_go(fact: Fact) -> None:
    """order.cancelled, order.completed: what nobody needs any more is let go of, where that is ours to do."""
    captures.ended(int(fact.subject.uid), actor=fact.actor)


@shared_task(ignore_result=True)
def watch_authorisations() -> None:
    """Authorisations that end soon are told of, each once."""
    expiries.warn(actor=SYSTEM)


@shared_task(ignore_result=True)
def ask_again() -> None:
    """What a provider took and never answered is asked for."""
    asking.ask()
