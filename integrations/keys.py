"""Giving a program a new key while the old one still works, and taking one away."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from integrations import events as facts
from integrations.models import ApiClient, ApiKey

LONGEST = timedelta(days=30)


def usable() -> Q:
    """The keys that open something now, as far as the key alone says."""
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))


def rotate(client_id: int, *, overlap: timedelta, actor: Actor) -> str:
    """A new key, returned for the only time; the ones before go on for `overlap` (0 to 30 days), then end.

    Invalid for another overlap; Refusal("client_inactive") for a client that may not call at all.
    """
    if not timedelta(0) <= overlap <= LONGEST:
        raise Invalid([Problem("hours", "out_of_range", f"0 to {LONGEST.days * 24} hours.")], status=422)
    with transaction.atomic():
        client = ApiClient.objects.select_for_update(no_key=True).get(pk=client_id)
        if not client.active:
            raise Refusal("client_inactive", f"{client} is switched off: a key of it opens nothing.")
        ends = timezone.now() + overlap
        before = client.keys.filter(usable()).filter(Q(expires_at=None) | Q(expires_at__gt=ends))
        ended = list(before.values_list("prefix", flat=True))
        before.update(expires_at=ends)
        key = ApiKey.draw(client.pk)
        data = {"ends": ended, "at": ends.isoformat()}
        events.record(facts.API_KEY_ROTATED, subject(client), actor=actor, data=data)
    return key


def revoke(key_id: int, *, actor: Actor) -> ApiKey:
    """End one key at once. Safe to repeat."""
    with transaction.atomic():
        key = ApiKey.objects.select_for_update(of=("self",)).select_related("client").get(pk=key_id)
        if key.revoked_at is None:
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])
            events.record(facts.API_KEY_REVOKED, subject(key.client), actor=actor, data={"key": key.prefix})
    return key


def subject(client: ApiClient) -> Subject:
    return Subject("api_client", str(client.pk), client.name)
