"""The Celery app: queues, beat table, and how a task survives its worker.

Celery wakes, PostgreSQL remembers: a task is a hint that takes ids, may run twice, and may be lost without harm.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from celery import Celery
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.apps import apps
from django.conf import settings
from django.db import close_old_connections
from kombu import Queue

from core import correlation, spans
from core.stall import StallGuard

VISIBILITY_SECONDS = 120  # after this the broker hands an unacknowledged message to somebody else…
TIME_LIMIT, SOFT_TIME_LIMIT = 90, 75  # …so no task may run so long

app = Celery("backroom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_queues=[Queue("default"), Queue("outside"), Queue("webhooks")],
    task_default_queue="default",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_acks_on_failure_or_timeout=True,
    task_ignore_result=True,
    result_backend=None,
    task_time_limit=TIME_LIMIT,
    task_soft_time_limit=SOFT_TIME_LIMIT,
    task_serializer="json",
    accept_content=["json"],
    task_publish_retry=False,
    worker_prefetch_multiplier=1,
    # With REMAP_SIGTERM=SIGQUIT in the environment (the image sets it; Celery reads it before it reads this) SIGTERM
    # means: finish within this time or be ended. Without it a worker waits for its tasks however long they take.
    worker_soft_shutdown_timeout=20.0,
    worker_enable_soft_shutdown_on_idle=False,  # nothing is kept for later in a worker, so idle ones may just go
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "unacked_restore_limit": 500,
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
        "socket_keepalive": True,
        "health_check_interval": 10,
        # For whoever publishes: give up at once, a hint isn't worth a second of somebody's request.
        "max_retries": 1,
        "interval_start": 0.1,
        "connect_retries_timeout": 1,
    },
    beat_scheduler="core.beat:Scheduler",
    beat_max_loop_interval=5,
)


def _every(seconds: float, task: str, *args: Any, queue: str = "default") -> dict[str, Any]:
    """A tick that is worthless once the next one is due."""
    options = {"queue": queue, "expires": max(seconds, 10)}
    return {"task": task, "schedule": seconds, "args": args, "options": options}


def _packages_with_tasks() -> list[str]:
    """Every package of ours with a tasks.py, however deep: Celery by itself looks into the apps only."""
    folders = [settings.BASE_DIR / config.name for config in apps.get_app_configs()]
    found = (file.parent for folder in folders for file in folder.rglob("tasks.py"))
    return sorted(".".join(folder.relative_to(settings.BASE_DIR).parts) for folder in found)


app.conf.beat_schedule = {
    "relay-default": _every(3, "core.tasks.relay", "default"),
    "relay-outside": _every(5, "core.tasks.relay", "outside", queue="outside"),
    "relay-webhooks": _every(5, "core.tasks.relay", "webhooks", queue="webhooks"),
    "relay-slow": _every(5, "core.tasks.relay", "slow", queue="outside"),
    "watch-authorisations": _every(300, "integrations.payments.tasks.watch_authorisations"),
    "ask-after-payments": _every(300, "integrations.payments.tasks.ask_again", queue="outside"),
    "replay-webhooks": _every(5, "integrations.webhooks.tasks.replay"),
    "canary-default": _every(15, "core.tasks.canary", "default"),
    "canary-outside": _every(15, "core.tasks.canary", "outside", queue="outside"),
    "purge-idempotency-keys": _every(3600, "core.tasks.purge_idempotency_keys"),
    "watch-jobs": _every(60, "core.tasks.watch_jobs"),
    "seal-events": _every(3600, "core.tasks.seal_events"),
    "measure-nodes": _every(900, "orders.tasks.measure_nodes"),
    "replay-policies": _every(5, "orders.tasks.replay"),
    "allocate-waiting": _every(60, "orders.tasks.allocate_waiting"),
    "look-at-holds": _every(60, "orders.tasks.look_at_holds"),
    "reweigh-credit": _every(60, "orders.tasks.reweigh_credit"),
    "release-requested": _every(300, "orders.tasks.release_requested"),
    "resource-at-risk": _every(60, "orders.tasks.resource_at_risk"),
    "take-back-silent": _every(60, "orders.tasks.take_back_silent"),
    "follow-deliveries": _every(300, "orders.tasks.follow_deliveries"),
    "expire-returns": _every(300, "returns.tasks.expire_returns"),
    "sweep-collections": _every(60, "orders.tasks.sweep_collections"),
    "forget-scans": _every(6 * 3600, "orders.tasks.forget_scans"),
    "measure-return-signals": _every(12 * 3600, "returns.tasks.measure_signals"),
    "charge-overdue-exchanges": _every(900, "returns.tasks.charge_overdue_exchanges"),
    "expire-reservations": _every(30, "inventory.tasks.expire_reservations"),
    "measure-paces": _every(900, "inventory.tasks.measure_paces"),
    "open-planned-counts": _every(900, "inventory.tasks.open_planned_counts"),
    "settle-counts": _every(60, "inventory.tasks.settle_counts"),
    "sweep-differences": _every(60, "inventory.tasks.sweep_differences"),
    "resolve-snapshots": _every(300, "inventory.tasks.resolve_snapshots"),
    "publish-stock": _every(2, "integrations.tasks.publish_stock", queue="outside"),
    "measure-sell-rates": _every(900, "inventory.tasks.measure_sell_rates"),
    "follow-parcels": _every(600, "integrations.carriers.tasks.follow_parcels", queue="outside"),
    "probe-accounts": _every(30, "integrations.carriers.tasks.probe_accounts", queue="outside"),
    "prepare-adjustments": _every(60, "integrations.tasks.prepare_adjustments"),
    "look-for-drift": _every(60, "integrations.tasks.look_for_drift", queue="outside"),
    "watch-folders": _every(30, "integrations.tasks.watch_folders"),
    "compare-at-night": _every(1200, "finance.tasks.compare_at_night"),
    "poll-feeds": _every(15, "integrations.tasks.poll_feeds"),
    "fit-listings": _every(300, "integrations.tasks.fit_listings"),
    "replay-messages": _every(5, "integrations.tasks.replay"),
    "process-messages": _every(5, "integrations.tasks.process_due"),
    "write-usage-down": _every(60, "integrations.tasks.write_usage_down"),
    "forget-old-calls": _every(6 * 3600, "integrations.tasks.forget_old_calls"),
    "sweep-clocks": _every(15, "exceptions.tasks.sweep_clocks"),
    "send-letters": _every(10, "exceptions.tasks.send_letters", queue="outside"),
    "recheck-cases": _every(60, "exceptions.tasks.recheck_standing"),
    "expire-approvals": _every(60, "exceptions.tasks.expire_approvals"),
    "recount-what-worked": _every(900, "exceptions.tasks.recount_history"),
    "learn-from-past-cases": _every(3600, "exceptions.tasks.learn_when_due"),
    "work-without-a-person": _every(60, "exceptions.tasks.work_alone"),
    "open-standing-cases": _every(120, "exceptions.tasks.open_standing"),
}
app.autodiscover_tasks(_packages_with_tasks)
app.steps["worker"].add(StallGuard)


@before_task_publish.connect
def _hand_the_cause_on(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None:
        headers.setdefault("correlation_id_of_cause", correlation.current())


@task_prerun.connect
def _begin(task: Any, **_: Any) -> None:
    """Go on under the id of whatever sent the task; a worker outlives the database's restarts."""
    close_old_connections()
    correlation.adopt(correlation.accept(getattr(task.request, "correlation_id_of_cause", None)))
    span = spans.span(f"run {task.name}", spans.CONSUMER)
    span.__enter__()
    task.request.backroom_span = span


@task_postrun.connect
def _end(task: Any, retval: Any = None, state: str | None = None, **_: Any) -> None:
    span = getattr(task.request, "backroom_span", None)
    if span is not None:
        error = retval if state == "FAILURE" and isinstance(retval, BaseException) else None
        span.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
    close_old_connections()
