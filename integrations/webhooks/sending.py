"""One fact on its way to one receiver.

Every try carries the fact's uid as `webhook-id`, so a receiver that got it twice can tell. Anything but 2xx is tried
again; 410, or days of nothing but failures, disables the receiver and opens a case.
"""

from __future__ import annotations

import random
from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from core.errors import NotWanted, Permanent, TryLater
from core.events import Fact
from integrations import breaker, http, redaction, signatures
from integrations.models import Connection, OutboundCall, WebhookSubscription
from integrations.webhooks import payload, subscriptions

DEADLINE = 15.0  # a receiver says thank you and works afterwards
ANSWER_AT_MOST = 64 * 1024
HOLD_AFTER = 2  # failures in a row before the others of this receiver wait, too
HOLD_SECONDS, HOLD_LIMIT = 2.0, 900.0
GIVE_UP_AFTER = timedelta(days=3)
FAILURES_AT_LEAST = 10  # a receiver nobody called for days hasn't failed for days
REFUSED_SECONDS = 300.0
Status = Connection.Status


def deliver(key: str, fact: Fact) -> None:
    """Bring a fact to the receiver of that id. Safe to repeat. NotWanted where it is no longer asked for."""
    found = WebhookSubscription.objects.select_related("connection").filter(pk=key).first()
    if found is None:
        raise NotWanted("This webhook is gone.")
    if not payload.wanted(found, fact):
        return
    if found.connection.status == Status.DISABLED:
        raise NotWanted("This webhook is disabled. Replay it once it is enabled again.")
    try:
        _call(found, fact)
    except http.FailedForGood as error:
        if error.status == 410:
            subscriptions.give_up(found.pk, "The receiver says that it is gone (410).")
            raise NotWanted("The receiver says that it is gone (410).") from error
        _failed(found, str(error), hold=False)
        raise TryLater(str(error)) from error
    except http.FailedForNow as error:
        _failed(found, str(error), hold=True)
        raise
    except Permanent as error:  # the address is one we don't call
        _refused(found, fact, str(error))
        _failed(found, str(error), hold=False)
        raise TryLater(str(error), seconds=REFUSED_SECONDS) from error
    _went_through(found)


def _call(found: WebhookSubscription, fact: Fact) -> None:
    content = payload.body(found, fact)
    stamp = str(int(timezone.now().timestamp()))
    secrets = found.connection.secrets_named(subscriptions.SECRET)
    signature = signatures.sign_standard(content, message_id=str(fact.uid), timestamp=stamp, secrets=secrets)
    http.request(
        found.connection,
        "POST",
        found.url,
        purpose=fact.type,
        about=str(fact.uid),
        private_allowed=settings.WEBHOOKS_TO_PRIVATE_ADDRESSES,
        headers={"webhook-id": str(fact.uid), "webhook-timestamp": stamp, "webhook-signature": signature},
        content=content,
        deadline=DEADLINE,
        answer_at_most=ANSWER_AT_MOST,
    )


def _went_through(found: WebhookSubscription) -> None:
    if found.failures or found.failing_since:
        WebhookSubscription.objects.filter(pk=found.pk).update(failures=0, failing_since=None)


def _failed(found: WebhookSubscription, words: str, *, hold: bool) -> None:
    """Count it; let the others of this receiver wait a while; give up after days of nothing else."""
    WebhookSubscription.objects.filter(pk=found.pk).update(
        failures=F("failures") + 1, failing_since=Coalesce("failing_since", Now())
    )
    found.refresh_from_db(fields=["failures", "failing_since"])
    since = found.failing_since or timezone.now()
    if found.failures >= FAILURES_AT_LEAST and timezone.now() - since >= GIVE_UP_AFTER:
        subscriptions.give_up(found.pk, f"Nothing went through since {since:%d %b %H:%M} UTC. {words}"[:300])
        raise NotWanted("This webhook is disabled: nothing went through for days.")
    if hold and found.failures >= HOLD_AFTER:
        bound = min(HOLD_LIMIT, HOLD_SECONDS * 2 ** min(found.failures - HOLD_AFTER, 20))
        breaker.hold(found.connection_id, random.uniform(bound / 2, bound))


def _refused(found: WebhookSubscription, fact: Fact, words: str) -> None:
    """A call that was never made stands in the log as well."""
    OutboundCall.objects.create(
        connection=found.connection,
        method="POST",
        url=redaction.url(found.url)[:500],
        purpose=fact.type,
        about=str(fact.uid),
        failure_class="connection",
        error=words[:500],
        correlation_id=fact.correlation_id,
    )
