"""The life of sourcing policies, and which of them an order is sourced by."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, Q
from django.utils import timezone

from core import events, prepared
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from orders import events as facts
from orders.models import Channel, PolicyStatus, PolicyVersion, SourcingPolicy
from orders.sourcing import STANDARD, Ladder, document

Standing = Collection[tuple[int, str]]  # (version's id, LIVE or SHADOW) in an order's scope, the channel's own first


def in_force(channel_id: int) -> Standing:
    """The versions that decide, or watch, over a channel's orders. Intake reads the same within its own statement."""
    ((found,),) = prepared.fetchall(f"SELECT ARRAY({IN_FORCE})", [channel_id])
    return read_in_force(found)


def read_in_force(rows: list[str] | None) -> Standing:
    return [(int(pk), status) for pk, _, status in (row.partition(" ") for row in rows or ())]


# One parameter: the channel. Few rows by a partial index; text, so that they travel as one array.
IN_FORCE = """
SELECT id || ' ' || status FROM orders_policyversion
WHERE status IN ('LIVE', 'SHADOW') AND (scope_id IS NULL OR scope_id = %s::bigint)
ORDER BY scope_id NULLS LAST
"""


def live(versions: Standing) -> Ladder:
    """The channel's own policy, else everybody's, else the built-in ladder."""
    return _first(versions, PolicyStatus.LIVE) or STANDARD


def shadow(versions: Standing) -> Ladder | None:
    return _first(versions, PolicyStatus.SHADOW)


def _first(versions: Standing, wanted: str) -> Ladder | None:
    return next((ladder_of(pk) for pk, status in versions if status == wanted), None)


@lru_cache(maxsize=256)
def ladder_of(version_id: int) -> Ladder:
    """Of a version that isn't a draft any more: those never change, so a process reads each once."""
    version = PolicyVersion.objects.select_related("policy").get(pk=version_id)
    return document.ladder(version.policy.code, version.number, version.rules, version_id=version.pk)


def draft_ladder(version: PolicyVersion) -> Ladder:
    return document.ladder(version.policy.code, version.number, version.rules, version_id=version.pk)


# --- Making and changing


def create(code: str, name: str, *, channel: Channel | None, rules: Any, actor: Actor) -> PolicyVersion:
    """A new policy with its first draft. Refusal("code_taken") for a code another policy has."""
    found = document.write(document.read(rules))
    try:
        with transaction.atomic():
            policy = SourcingPolicy.objects.create(code=code, name=name, channel=channel)
            return _new_version(policy, found, "", actor)
    except IntegrityError:
        raise Refusal("code_taken", f"There is a policy {code} already.", status=422) from None


def draft(policy_id: int, *, from_number: int | None = None, actor: Actor) -> PolicyVersion:
    """A new draft with the rules of another version, by default the latest. The draft there is, where one is.

    Locks the policy.
    """
    with transaction.atomic():
        policy = SourcingPolicy.objects.select_for_update().get(pk=policy_id)
        standing = policy.versions.filter(status=PolicyStatus.DRAFT).first()
        if standing is not None:
            return standing
        rows = policy.versions.order_by("-number")
        source = rows.filter(number=from_number).first() if from_number else rows.first()
        if source is None:
            raise Refusal("not_found", "There is no such version.", status=404)
        return _new_version(policy, source.rules, f"From version {source.number}", actor)


def _new_version(policy: SourcingPolicy, rules: Any, note: str, actor: Actor) -> PolicyVersion:
    last = policy.versions.aggregate(last=Max("number"))["last"] or 0
    version = PolicyVersion.objects.create(
        policy=policy, number=last + 1, scope_id=policy.channel_id, rules=rules, note=note,
        created_by=actor.label[:200],
    )  # fmt: skip
    _record(version, "drafted", actor)
    return version


def save(version_id: int, *, rules: Any, note: str, version: int | None, actor: Actor) -> PolicyVersion:
    """Reword a draft. Invalid with every problem by its path; Refusal("stale"), ("not_a_draft")."""
    found = document.write(document.read(rules))
    _check_names(found)
    with transaction.atomic():
        row = _locked(version_id, version)
        if row.status != PolicyStatus.DRAFT:
            raise Refusal("not_a_draft", f"{row} is {row.get_status_display().lower()}: its rules stay as they are.")
        row.rules, row.note, row.version, row.updated_at = found, note[:300], row.version + 1, timezone.now()
        row.save(update_fields=["rules", "note", "version", "updated_at"])
        _record(row, "reworded", actor)
    return row


def _check_names(rules: list[dict[str, Any]]) -> None:
    """Channels and nodes that don't exist would make a rule silently never apply."""
    from inventory.models import Location

    given = [(n, kind, name) for n, rule in enumerate(rules)
             for kind, names in (("channels", rule.get("orders", {}).get("channels", ())),
                                 ("codes", rule.get("nodes", {}).get("codes", ()))) for name in names]  # fmt: skip
    if not given:
        return
    channels = set(Channel.objects.values_list("code", flat=True))
    codes = set(Location.objects.filter(code__in=[name for _, kind, name in given if kind == "codes"]).values_list(
        "code", flat=True))  # fmt: skip
    problems = [
        Problem(f"rules[{n}].{'orders' if kind == 'channels' else 'nodes'}.{kind}", "unknown", f"nobody knows {name}")
        for n, kind, name in given
        if name not in (channels if kind == "channels" else codes)
    ]
    if problems:
        raise Invalid(problems, status=422)


# --- Draft, shadow, live, retired


def watch(version_id: int, *, version: int | None, actor: Actor) -> PolicyVersion:
    """From now on a draft runs beside the live policy and stores what it would have done, instead of another shadow."""
    return _launch(version_id, PolicyStatus.SHADOW, version, actor)


def go_live(version_id: int, *, version: int | None, actor: Actor) -> PolicyVersion:
    """A shadow decides from now on; the version that did so retires in the same moment."""
    return _launch(version_id, PolicyStatus.LIVE, version, actor)


def retire(version_id: int, *, version: int | None, actor: Actor) -> PolicyVersion:
    """Out of use for good. Without a live policy of their own, orders go by everybody's, or by the built-in ladder."""
    with transaction.atomic():
        row = _locked(version_id, version)
        row.move(PolicyStatus.RETIRED, retired_at=timezone.now())
        _record(row, "retired", actor)
    return row


def _launch(version_id: int, to: str, version: int | None, actor: Actor) -> PolicyVersion:
    try:
        with transaction.atomic():
            row = _locked(version_id, version)
            if not row.may(row.status, to):
                raise Refusal("bad_move", f"{row} is {row.get_status_display().lower()}.", status_now=row.status)
            for old in PolicyVersion.objects.filter(_in_scope(row), status=to).select_for_update(of=("self",)):
                old.move(PolicyStatus.RETIRED, retired_at=timezone.now())
                _record(old, "retired", actor)
            row.move(to, **{f"{to.lower()}_at": timezone.now()})
            _record(row, {"SHADOW": "watching", "LIVE": "live"}[to], actor)
    except IntegrityError:  # two launches of one scope at once: the database let one through
        raise Refusal("moved_meanwhile", "Another policy was launched a moment ago. Look again.") from None
    return row


def _in_scope(row: PolicyVersion) -> Q:
    return Q(scope__isnull=True) if row.scope_id is None else Q(scope=row.scope_id)


def _locked(version_id: int, version: int | None) -> PolicyVersion:
    row = PolicyVersion.objects.select_for_update(of=("self",)).select_related("policy").filter(pk=version_id).first()
    if row is None:
        raise Refusal("not_found", "There is no such version.", status=404)
    if version is not None and version != row.version:
        raise Refusal("stale", f"{row} was changed meanwhile.", status_now=row.status, version=row.version)
    return row


def _record(version: PolicyVersion, what: str, actor: Actor) -> None:
    about = Subject("sourcing_policy", version.policy.code, version.policy.name)
    data = {"what": what, "version": version.number, "rules": version.rules}
    events.record(facts.POLICY_CHANGED, about, actor=actor, data=data)
