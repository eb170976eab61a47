"""Accounts whose calls are suspended: their carriers are out until an account answers again."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import QuerySet

from core.actors import Actor
from core.errors import Permanent, TryLater
from integrations import breaker
from integrations.carriers import registry
from integrations.carriers.port import Rejected
from integrations.models import Breaker, Connection
from orders.models import CarrierService
from orders.services import outages


def follow(*, actor: Actor) -> None:
    """Bring the carriers that are out in line with the breakers of their accounts. Safe to repeat."""
    outages.follow(_unreachable(), actor=actor)


def _unreachable() -> dict[str, str]:
    """{carrier: why}: all its services in use are bought, and every account they are bought through is suspended."""
    suspended = {
        row.connection.code: f"Calls to {row.connection.name} are suspended: {row.reason or 'too many failed'}"
        for row in _suspended().select_related("connection")
    }
    accounts: dict[str, set[str]] = defaultdict(set)
    for carrier, code in CarrierService.objects.in_use().values_list("carrier", "connection"):
        accounts[carrier].add(code)
    return {carrier: suspended[min(codes)][:255] for carrier, codes in accounts.items() if codes <= suspended.keys()}


def probe() -> int:
    """Ask suspended accounts whether they are back: while their carriers are out nothing else calls them. Returns how
    many answered."""
    answered = 0
    for row in _suspended().select_related("connection"):
        connection = row.connection
        if connection.vendor not in registry.VENDORS or connection.status != Connection.Status.ACTIVE:
            continue
        for _ in range(breaker.PROBES_NEEDED):
            try:
                registry.port(connection).ping()
            except (TryLater, Permanent, Rejected):
                break
            answered += 1
    return answered


def _suspended() -> QuerySet[Breaker]:
    carriers = Breaker.objects.filter(connection__kind=Connection.Kind.CARRIER)
    return carriers.exclude(state=Breaker.State.CLOSED).order_by("connection__code")
