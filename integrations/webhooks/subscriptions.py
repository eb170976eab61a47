"""Setting up receivers and looking after them: their facts, their secrets, their end."""

from __future__ import annotations

import base64
import secrets as randomness
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from core import actors, events, live
from core.actors import Actor
from core.errors import Invalid, Permanent, Problem, Refusal, TryLater
from core.models import Listener
from exceptions.services import cases
from integrations import addresses, breaker, secrets
from integrations import events as facts
from integrations.models import Connection, WebhookSubscription
from integrations.webhooks import catalogue

SECRET = "webhook"  # noqa: S105  (a name, not one)
QUEUE = "webhooks"
TOPIC = "webhooks"
OVERLAP = timedelta(hours=24)
OVERLAP_AT_MOST = timedelta(days=7)
PORTS = frozenset({443, 8443})
PER_MINUTE = 3_000
GIVEN_UP = "integrations.webhook_given_up"
Status = Connection.Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a receiver is set up with."""

    name: str
    url: str
    event_types: Sequence[str]
    channels: Sequence[str] = ()
    sites: Sequence[str] = ()
    queues: Sequence[str] = ()
    payload: str = "FULL"


def check(wanted: Wanted) -> None:
    """Invalid names every broken rule. An address we would never call is refused here already."""
    problems = [Problem("name", "missing", "Give it a name.")] if not wanted.name.strip() else []
    problems += _check_url(wanted.url)
    if not wanted.event_types:
        problems.append(Problem("event_types", "missing", "Choose at least one type of event."))
    unknown = sorted(set(wanted.event_types) - catalogue.names() - {catalogue.ESCALATED})
    problems += [Problem("event_types", "unknown", f"There is no event {name[:80]}.") for name in unknown[:10]]
    if wanted.payload not in WebhookSubscription.Payload.values:
        problems.append(Problem("payload", "unknown", "FULL or THIN."))
    for name in ("channels", "sites", "queues"):
        if any(not code or len(code) > 60 for code in getattr(wanted, name)):
            problems.append(Problem(name, "length", "Codes have 1 to 60 characters."))
    if problems:
        raise Invalid(problems)


def _check_url(url: str) -> list[Problem]:
    if len(url) > 500 or any(c.isspace() or c == "\0" for c in url):
        return [Problem("url", "url", "At most 500 characters, without blanks.")]
    private = settings.WEBHOOKS_TO_PRIVATE_ADDRESSES
    try:
        target = addresses.resolve(url, private_allowed=private)
    except TryLater:
        return []  # a name that isn't known yet; every call looks again
    except (Permanent, ValueError) as error:
        return [Problem("url", "address", str(error) or "This is no address.")]
    if not private and target.port not in PORTS:
        return [Problem("url", "port", "Only the ports 443 and 8443 are called.")]
    return []


@transaction.atomic
def create(code: str, wanted: Wanted, *, actor: Actor) -> tuple[WebhookSubscription, str]:
    """A new receiver and its secret, which is shown this once. Refusal (409) where the code is taken."""
    check(wanted)
    if WebhookSubscription.objects.filter(code=code).exists():
        raise Refusal("code_taken", f"There is a webhook called {code} already.")
    connection = Connection.objects.create(
        code=f"webhook-{code}",
        name=wanted.name.strip(),
        kind=Connection.Kind.WEBHOOK,
        vendor="standard-webhooks",
        rate_per_minute=PER_MINUTE,
    )
    secret = _draw()
    connection.keep_secret(SECRET, secret)
    chosen = {each.name: _plain(getattr(wanted, each.name)) for each in fields(wanted) if each.name != "name"}
    made = WebhookSubscription.objects.create(connection=connection, code=code, created_by=actor.label, **chosen)
    _listen(made)
    _record(made, facts.WEBHOOK_CREATED, actor, {**asdict(wanted), "code": code})
    return made, secret


@transaction.atomic
def change(pk: int, wanted: Wanted, *, version: int | None = None, actor: Actor) -> WebhookSubscription:
    """Another address, other facts. What is on its way goes to the new address. 409 for a stale version."""
    found = locked(pk, version)
    check(wanted)
    found.connection.name = wanted.name.strip()
    found.connection.save(update_fields=["name", "updated_at"])
    for each in fields(wanted):
        if each.name != "name":
            setattr(found, each.name, _plain(getattr(wanted, each.name)))
    found.version += 1
    found.save()
    _listen(found)
    breaker.reset(found.connection_id)
    _record(found, facts.WEBHOOK_CHANGED, actor, asdict(wanted))
    return found


@transaction.atomic
def rotate(pk: int, *, overlap: timedelta = OVERLAP, actor: Actor) -> str:
    """A new secret, shown this once. Until `overlap` is over every call is signed by the old one, too."""
    if not timedelta(0) <= overlap <= OVERLAP_AT_MOST:
        raise Refusal("overlap_out_of_range", "The old secret is kept for 0 to 168 hours.", status=400)
    found = locked(pk)
    until = timezone.now() + overlap
    old = found.connection.sealed_secrets.filter(name=SECRET, active=True)
    old.filter(expires_at=None).update(expires_at=until)
    old.filter(expires_at__gt=until).update(expires_at=until)
    old.filter(expires_at__lte=timezone.now()).update(active=False)
    secret = _draw()
    found.connection.sealed_secrets.create(name=SECRET, sealed=secrets.seal(secret))
    _record(found, facts.WEBHOOK_ROTATED, actor, {"old_until": until.isoformat()})
    return secret


@transaction.atomic
def pause(pk: int, *, reason: str, actor: Actor) -> None:
    """Nothing is sent until it is resumed; what happens meanwhile waits for it. Safe to repeat."""
    if not reason.strip():
        raise Refusal("reason_needed", "Say why it is paused: others will want to know.", status=422)
    found = locked(pk)
    if found.connection.status == Status.DISABLED:
        raise Refusal("disabled", f"{found} is disabled. Enable it first.")
    if found.connection.status == Status.ACTIVE:
        _set(found, Status.PAUSED, reason.strip())
        _record(found, facts.CONNECTION_PAUSED, actor, {"reason": reason.strip()[:300]})


@transaction.atomic
def resume(pk: int, *, actor: Actor) -> None:
    """Go on, whoever stopped it: its breaker starts afresh and its case clears. Safe to repeat."""
    found = locked(pk)
    breaker.reset(found.connection_id)
    if found.connection.status == Status.ACTIVE:
        return
    WebhookSubscription.objects.filter(pk=pk).update(failures=0, failing_since=None, given_up_at=None)
    _set(found, Status.ACTIVE, "")
    _record(found, facts.CONNECTION_RESUMED, actor, {})
    cases.recheck(found.subject, cause="It was enabled again.", actor=actor)
    events_waiting(found)


@transaction.atomic
def disable(pk: int, *, reason: str, actor: Actor) -> None:
    """A person wants it no more: what is on its way is given up, and can be replayed."""
    found = locked(pk)
    if found.connection.status == Status.DISABLED and found.given_up_at is not None:
        WebhookSubscription.objects.filter(pk=pk).update(given_up_at=None)
        cases.recheck(found.subject, cause=f"{actor.label} leaves it disabled.", actor=actor)
    elif found.connection.status != Status.DISABLED:
        _set(found, Status.DISABLED, reason.strip() or f"disabled by {actor.label}")
        _record(found, facts.WEBHOOK_DISABLED, actor, {"reason": reason.strip()[:300]})


@transaction.atomic
def give_up(pk: int, reason: str) -> None:
    """Backroom disables a receiver that is gone, and opens its case. Safe to repeat."""
    found = locked(pk)
    if found.connection.status == Status.DISABLED:
        return
    WebhookSubscription.objects.filter(pk=pk).update(given_up_at=Now())
    _set(found, Status.DISABLED, reason)
    _record(found, facts.WEBHOOK_DISABLED, actors.SYSTEM, {"reason": reason[:300]})
    cases.open_(GIVEN_UP, found.subject, summary=reason[:500], actor=actors.SYSTEM)


@transaction.atomic
def stop_again(pk: int, *, reason: str, actor: Actor) -> None:
    """A webhook somebody enabled is disabled as it was before, for a person to look at. Refusal("not_active")."""
    found = locked(pk)
    if found.connection.status != Status.ACTIVE:
        raise Refusal("not_active", f"{found} is {found.connection.get_status_display().lower()}.")
    WebhookSubscription.objects.filter(pk=pk).update(given_up_at=Now())
    _set(found, Status.DISABLED, reason)
    _record(found, facts.WEBHOOK_DISABLED, actor, {"reason": reason[:300]})


@transaction.atomic
def test(pk: int, *, actor: Actor) -> int:
    """Send it a webhook.test through the same door as everything else; returns the fact's id."""
    found = locked(pk)
    if found.connection.status != Status.ACTIVE:
        raise Refusal("not_active", f"{found} is {found.connection.get_status_display().lower()}.")
    return events.record(catalogue.TEST, found.subject, actor=actor, data={"message": "A test from Backroom."})


def locked(pk: int, version: int | None = None) -> WebhookSubscription:
    rows = WebhookSubscription.objects.select_for_update(no_key=True, of=("self",)).select_related("connection")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Refusal("no_such_webhook", "There is no such webhook.", status=404)
    if version is not None and version != found.version:
        words = f"{found} was changed meanwhile. Nothing of yours was applied."
        raise Refusal("changed_meanwhile", words, version=found.version)
    return found


def events_waiting(found: WebhookSubscription) -> None:
    """Look at once at what waited for it."""
    from core.models import Delivery
    from core.models.events import DeliveryStatus

    waiting = Delivery.objects.filter(queue=QUEUE, handler=found.handler, status=DeliveryStatus.PENDING)
    waiting.filter(lease_token=None, next_at__gt=Now()).update(next_at=Now())


def _listen(found: WebhookSubscription) -> None:
    """Have the recorder of facts know what this receiver hears. An escalation may name any receiver."""
    types = {*found.event_types, catalogue.TEST, catalogue.ESCALATED}
    Listener.objects.filter(handler=found.handler).exclude(type__in=types).delete()
    rows = [Listener(type=name, handler=found.handler, queue=QUEUE) for name in sorted(types)]
    Listener.objects.bulk_create(rows, ignore_conflicts=True)


def _set(found: WebhookSubscription, status: str, reason: str) -> None:
    Connection.objects.filter(pk=found.connection_id).update(
        status=status, status_reason=reason[:300], updated_at=Now()
    )
    WebhookSubscription.objects.filter(pk=found.pk).update(version=F("version") + 1)


def _record(found: WebhookSubscription, type_: str, actor: Actor, data: dict[str, Any]) -> None:
    events.record(type_, found.subject, actor=actor, data=data)
    live.poke(TOPIC)


def _plain(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else sorted(set(value))


def _draw() -> str:
    return "whsec_" + base64.b64encode(randomness.token_bytes(32)).decode()
