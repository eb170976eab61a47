"""The life of sourcing policies, and which of them an order is sourced by."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from core import events, prepared
from core.actors import Actor
from core.drafts import Drafts
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
            return _drafts.new(policy, found, "", actor)
    except IntegrityError:
        raise Refusal("code_taken", f"There is a policy {code} already.", status=422) from None


def draft(policy_id: int, *, from_number: int | None = None, actor: Actor) -> PolicyVersion:
    """A new draft with the rules of another version, by default the latest. The draft there is, where one is."""
    return _drafts.draft(policy_id, from_number=from_number, actor=actor)


def save(version_id: int, *, rules: Any, note: str, version: int | None, actor: Actor) -> PolicyVersion:
    """Reword a draft. Invalid with every problem by its path; Refusal("stale"), ("not_a_draft")."""
    found = document.write(document.read(rules))
    _check_names(found)
    wording = {"rules": found, "note": note[:300], "updated_at": timezone.now()}
    return _drafts.save(version_id, version, lambda row: wording, actor=actor)


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
    return _launch(version_id, PolicyStatus.SHADOW, "watching", version, actor)


def go_live(version_id: int, *, version: int | None, actor: Actor) -> PolicyVersion:
    """A shadow decides from now on; the version that did so retires in the same moment."""
    return _launch(version_id, PolicyStatus.LIVE, "live", version, actor)


def retire(version_id: int, *, version: int | None, actor: Actor) -> PolicyVersion:
    """Out of use for good. Without a live policy of their own, orders go by everybody's, or by the built-in ladder."""
    return _drafts.retire(version_id, version, actor=actor)


def _launch(version_id: int, to: str, what: str, version: int | None, actor: Actor) -> PolicyVersion:
    return _drafts.launch(version_id, to, version, instead_of=_in_scope, what=what, actor=actor)


def _in_scope(row: PolicyVersion) -> QuerySet[PolicyVersion]:
    return PolicyVersion.objects.filter(Q(scope__isnull=True) if row.scope_id is None else Q(scope=row.scope_id))


def _record(version: PolicyVersion, what: str, actor: Actor) -> None:
    about = Subject("sourcing_policy", version.policy.code, version.policy.name)
    data = {"what": what, "version": version.number, "rules": version.rules}
    events.record(facts.POLICY_CHANGED, about, actor=actor, data=data)


_drafts = Drafts(
    PolicyVersion,
    owner="policy",
    wording="rules",
    tell=_record,
    stays="its rules stay as they are.",
    overtaken="Another policy was launched a moment ago. Look again.",
    more=lambda policy: {"scope_id": policy.channel_id},
)
