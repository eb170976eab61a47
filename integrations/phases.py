"""Changing how much of a connection is live: looked at first, with a reason, written down, and back again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.models import Event, Job
from integrations import connections, replaying
from integrations import events as facts
from integrations.channels import registry
from integrations.cutover import Mode, Setting
from integrations.models import Connection, InboundMessage, ShadowResult
from inventory.models import Location
from orders.models import Order

KINDS = (Connection.Kind.CHANNEL, Connection.Kind.POS)  # of connections that can run in shadow
LOOKED_BACK = timedelta(days=7)
REFS_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Preview:
    """What a setting would change, by the orders seen within the last week."""

    now: Setting
    then: Setting
    seen: int
    live_now: int
    live_then: int
    missing_then: int  # of those that would be live, what nobody has taken in yet
    differing_then: int
    kept: int  # orders it took in that stay with it whatever is set
    stock_told: bool
    beside: list[str] = field(default_factory=list)  # other connections of the channel that are live as well


def preview(connection: Connection, then: Setting) -> Preview:
    """Changes nothing. Invalid where the setting makes no sense, Refusal where the connection has no shadow."""
    _check(connection, then)
    now = Setting.of(connection)
    since = timezone.now() - LOOKED_BACK
    shadows = ShadowResult.objects.filter(connection=connection, at__gte=since).exclude(order_ref="")
    refs = dict(reversed(list(shadows.order_by("-id").values_list("order_ref", "outcome")[:REFS_AT_MOST])))
    taken = InboundMessage.objects.filter(
        connection=connection, status=InboundMessage.Status.PROCESSED, result_kind="order", received_at__gte=since
    )
    kept = Order.objects.filter(number__in=taken.values("result_label")[:REFS_AT_MOST])
    kept_refs = set(kept.values_list("channel_ref", flat=True))
    every = set(refs) | kept_refs
    then_live = {ref for ref in refs if then.takes(ref)}
    also = Connection.objects.filter(channel=connection.channel, status=Connection.Status.ACTIVE).exclude(
        Q(pk=connection.pk) | Q(mode=Mode.SHADOW)
    )
    return Preview(
        now,
        then,
        seen=len(every),
        live_now=sum(1 for ref in every if now.takes(ref)),
        live_then=sum(1 for ref in every if then.takes(ref)),
        missing_then=sum(1 for ref in then_live if refs[ref] == ShadowResult.Outcome.MISSING),
        differing_then=sum(1 for ref in then_live if refs[ref] == ShadowResult.Outcome.DIFFERS),
        kept=sum(1 for ref in kept_refs if not then.takes(ref)),
        stock_told=then.mode == Mode.LIVE and bool(connection.settings.get("publish_stock")),
        beside=list(also.order_by("code").values_list("name", flat=True)),
    )


@transaction.atomic
def change(connection_id: UUID, then: Setting, *, reason: str, actor: Actor, now: Setting | None = None) -> Setting:
    """Set how much of it is live. `now` is what the person saw: Refusal("mode_changed") where it is something else."""
    if not reason.strip():
        raise Refusal("reason_needed", "Say why: others will want to know.", status=422)
    connection = Connection.objects.select_for_update(no_key=True, of=("self",)).get(pk=connection_id)
    _check(connection, then)
    was = Setting.of(connection)
    if now is not None and now != was:
        raise Refusal("mode_changed", f"It is {was.words} by now. Look again before you change it.")
    if then == was:
        return was
    connection.mode, connection.live_share, connection.live_places = then.mode, then.share, list(then.places)
    connection.save(update_fields=["mode", "live_share", "live_places", "updated_at"])
    data = {"from": was.as_data(), "to": then.as_data(), "words": then.words, "reason": reason.strip()[:300]}
    events.record(facts.CONNECTION_CUT_OVER, connections.subject(connection), actor=actor, data=data)
    return then


def before(connection: Connection) -> Setting | None:
    """What was set before the last change: where a roll-back leads."""
    about = connections.subject(connection)
    last = Event.objects.filter(
        subject_kind=about.kind, subject_uid=about.uid, type=facts.CONNECTION_CUT_OVER
    ).order_by("-id").first()  # fmt: skip
    if last is None:
        return None
    was = last.data["from"]
    return Setting(was["mode"], was["share"], tuple(was["places"]))


def roll_back(connection_id: UUID, *, reason: str, actor: Actor) -> Setting:
    """As it was before the last change. Refusal("nothing_to_roll_back") where it was never changed."""
    connection = Connection.objects.get(pk=connection_id)
    was = before(connection)
    if was is None:
        raise Refusal("nothing_to_roll_back", f"{connection.name} was never taken live in phases.")
    return change(connection_id, was, reason=reason, actor=actor)


def take_in(connection: Connection, *, actor: Actor) -> Job:
    """Try again what was only compared and would be live now and nobody has: a job."""
    kept = ShadowResult.objects.filter(
        connection=connection, outcome=ShadowResult.Outcome.MISSING, message__status=InboundMessage.Status.IGNORED
    )
    setting = Setting.of(connection)
    rows = kept.order_by("id").values_list("message_id", "order_ref")[:REFS_AT_MOST]
    ids = [pk for pk, ref in rows if setting.takes(ref)]
    with transaction.atomic():
        return replaying.start(
            "messages", replaying.RETRY, ids, words=f"seen in shadow by {connection.name}", actor=actor
        )


def _check(connection: Connection, then: Setting) -> None:
    if not can_change(connection):
        raise Refusal("no_shadow", "Only the connections of channels and tills are taken live in phases.")
    problems = []
    if then.mode not in Mode.values:
        problems.append(Problem("mode", "unknown", "SHADOW, PART or LIVE."))
    if not 0 <= then.share <= 100:
        problems.append(Problem("share", "range", "Between 0 and 100 percent."))
    known = set(Location.objects.filter(code__in=then.places).values_list("code", flat=True))
    if unknown := [code for code in then.places if code not in known]:
        problems.append(Problem("places", "unknown", f"There is no location {unknown[0]}."))
    if then.mode == Mode.PART and not then.share and not then.places:
        problems.append(Problem("share", "required", "Say which share of its orders or which places are live."))
    if then.mode != Mode.PART and (then.share or then.places):
        problems.append(Problem("share", "not_now", "Share and places belong to a connection that is partly live."))
    if problems:
        raise Invalid(problems)


def tally(connection: Connection) -> dict[str, int]:
    """What the last week in shadow came to, by outcome."""
    since = timezone.now() - LOOKED_BACK
    rows = ShadowResult.objects.filter(connection=connection, at__gte=since).order_by().values_list("outcome")
    return dict(rows.annotate(count=Count("pk")))


def can_change(connection: Connection) -> bool:
    return connection.kind in KINDS and registry.find(connection.vendor) is not None
