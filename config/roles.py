"""What each role may do: groups of permissions a retailer starts with. An administrator may change them afterwards.

`manage.py sync_roles` creates missing groups and adds missing permissions; it never takes one away, so local changes
survive an upgrade.
"""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission

SEE_WORK = ("exceptions.view_case", "orders.view_order", "orders.view_fulfilmentorder", "inventory.view_item")
WORK_CASES = ("exceptions.work_case",)

ROLES: dict[str, tuple[str, ...]] = {
    "Store": (*SEE_WORK, *WORK_CASES, "orders.work_fulfilment", "orders.cancel_fulfilment"),
    "Warehouse": (*SEE_WORK, *WORK_CASES, "orders.work_fulfilment", "orders.cancel_fulfilment"),
    "Service": (
        *SEE_WORK, *WORK_CASES, "exceptions.assign_case", "exceptions.waive_case", "exceptions.export_case",
        "orders.cancel_order", "orders.release_order", "orders.cancel_fulfilment", "finance.view_posting",
        "integrations.view_inboundmessage",
    ),
    "Finance": (
        *SEE_WORK, *WORK_CASES, "exceptions.assign_case", "exceptions.export_case", "finance.view_posting",
        "finance.retry_posting",
    ),
    "Integration": (
        *SEE_WORK, *WORK_CASES, "exceptions.assign_case", "exceptions.waive_case", "exceptions.export_case",
        "finance.view_posting", "finance.retry_posting", "integrations.view_inboundmessage",
        "integrations.reprocess_inboundmessage", "integrations.see_message_payload",
        "integrations.view_connection", "integrations.pause_connection", "core.view_delivery",
    ),
    "Leader": (*SEE_WORK, "exceptions.export_case", "finance.view_posting", "integrations.view_connection"),
}  # fmt: skip


def sync() -> list[str]:
    """Bring the groups up to `ROLES`; returns permissions that are named here but don't exist (a mistake in code)."""
    known = {
        f"{label}.{codename}": pk
        for label, codename, pk in Permission.objects.values_list("content_type__app_label", "codename", "pk")
    }
    missing: list[str] = []
    for name, wanted in ROLES.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*[known[p] for p in wanted if p in known])
        missing += [f"{name}: {p}" for p in wanted if p not in known]
    return missing
