"""Cases that a sourcing policy asks for."""

from __future__ import annotations

from django.db.models import Exists, QuerySet

from exceptions import reasons
from exceptions.reasons import Reason
from orders.models import Order
from orders.reasons import shared, weights
from orders.reasons.basic import unallocated_evidence


def _needs_care(uid: str) -> bool:
    """Still without a node, and the last try was ended by a rule that asks for a person."""
    return _waiting().filter(pk=uid).exists()


def _waiting() -> QuerySet[Order]:
    return Order.objects.unallocated().filter(Exists(shared.left_to_care()))


REASONS = (
    Reason(
        code="orders.needs_care",
        impact=weights.of_order,
        title="A customer to be asked what they would like instead",
        queue="orders",
        subject_kind="order",
        icon="user",
        severity=reasons.HIGH,
        acknowledge_minutes=60,
        resolve_minutes=8 * 60,
        description="The sourcing policy found no nodes and leaves the decision to customer care.",
        clears="when every unit has a node, waits for a delivery, or is cancelled",
        predicate=_needs_care,
        evidence=unallocated_evidence,
        context=shared.context,
        standing=shared.standing(lambda: _waiting().order_by("pk").values_list("pk", flat=True)),
        describe=shared.describe,
        value=shared.value,
    ),
)
