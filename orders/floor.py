"""What a warehouse's floor does when something happened elsewhere. Handlers are idempotent; each is one call."""

from __future__ import annotations

from core.actors import SYSTEM
from core.events import Fact
from orders.services import manifests, van_answers, waves


def settle_wave(fact: Fact) -> None:
    """`fulfilment.picked`, `.cancelled`, `.rejected`: the last of its wave ends the wave."""
    waves.settle(int(fact.subject.uid), actor=SYSTEM)


def follow_manifest(fact: Fact) -> None:
    """`manifest.closed`: what is loaded whole has left; what stayed behind is a case."""
    manifests.follow(int(fact.subject.uid), fact.data.get("left_behind", []), actor=fact.actor)


def settle_collection(fact: Fact) -> None:
    """`manifest.closed`: the collection that was booked for its carrier has come."""
    van_answers.settle_with(int(fact.subject.uid), actor=fact.actor)


def follow_collection(fact: Fact) -> None:
    """`van_call.came`, `van_call.missed`: what was taken has left; what was not is promised anew, and a case."""
    van_answers.follow(int(fact.subject.uid), actor=fact.actor)
