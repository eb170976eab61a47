"""The life of return policies, and which of them decides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from core import events
from core.actors import Actor
from core.drafts import Drafts
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory.models import Location
from orders.models import Channel
from returns import events as facts
from returns import rules
from returns.models import ReturnPolicy, ReturnPolicyStatus, ReturnPolicyVersion
from returns.rules import Policy

BUILT_IN = "Built-in rules"


@dataclass(frozen=True, slots=True)
class Deciding:
    """The rules that decide, and where they are written; without a version they are the built-in ones."""

    policy: Policy
    version_id: int | None = None
    code: str = ""
    name: str = BUILT_IN
    number: int = 0

    @property
    def words(self) -> str:
        return f"{self.name}, version {self.number}" if self.version_id else self.name


def in_force(channel_id: int | None) -> Deciding:
    """The channel's own policy, else everybody's, else the built-in rules. One query."""
    live = ReturnPolicyVersion.objects.filter(status=ReturnPolicyStatus.LIVE)
    found = (
        live.filter(Q(scope=channel_id) | Q(scope__isnull=True))
        .order_by(F("scope").asc(nulls_last=True))
        .values_list("pk", flat=True)
        .first()
    )
    return of_version(found) if found is not None else Deciding(rules.standard())


@lru_cache(maxsize=64)
def of_version(version_id: int) -> Deciding:
    """A version that isn't a draft any more: those never change, so a process reads each once."""
    row = ReturnPolicyVersion.objects.select_related("policy").get(pk=version_id)
    return Deciding(rules.read(row.rules), row.pk, row.policy.code, row.policy.name, row.number)


# --- Making and changing


def create(code: str, name: str, *, channel: Channel | None, document: Any, actor: Actor) -> ReturnPolicyVersion:
    """A new policy with its first draft. Refusal("code_taken") for a code another policy has."""
    found = _checked(document)
    try:
        with transaction.atomic():
            policy = ReturnPolicy.objects.create(code=code, name=name, channel=channel)
            return _drafts.new(policy, found, "", actor)
    except IntegrityError:
        raise Refusal("code_taken", f"There is a policy {code} already.", status=422) from None


def draft(policy_id: int, *, from_number: int | None = None, actor: Actor) -> ReturnPolicyVersion:
    """A new draft with the rules of another version, by default the latest. The draft there is, where one is."""
    return _drafts.draft(policy_id, from_number=from_number, actor=actor)


def save(version_id: int, *, document: Any, note: str, version: int | None, actor: Actor) -> ReturnPolicyVersion:
    """Reword a draft. Invalid with every problem by its path; Refusal("stale"), ("not_a_draft")."""
    wording = {"rules": _checked(document), "note": note[:300], "updated_at": timezone.now()}
    return _drafts.save(version_id, version, lambda row: wording, actor=actor)


def go_live(version_id: int, *, version: int | None, actor: Actor) -> ReturnPolicyVersion:
    """It decides from now on; the version that did so retires in the same moment. Returns that stand keep theirs."""
    return _drafts.launch(version_id, ReturnPolicyStatus.LIVE, version, instead_of=_in_scope, what="live", actor=actor)


def retire(version_id: int, *, version: int | None, actor: Actor) -> ReturnPolicyVersion:
    """Out of use for good. Without a live policy of its own a channel goes by everybody's, or by the built-in rules."""
    return _drafts.retire(version_id, version, actor=actor)


def _checked(document: Any) -> dict[str, Any]:
    found = rules.write(rules.read(document))
    _check_names(found)
    return found


def _check_names(document: dict[str, Any]) -> None:
    """Channels and places that don't exist would make a rule silently never apply."""
    parts = ("windows", "refusals", "promises", "refunds")
    named = [(f"{part}[{n}].when.channels", code) for part in parts for n, rule in enumerate(document.get(part, ()))
             for code in rule.get("when", {}).get("channels", ())]  # fmt: skip
    placed = [(f"routing.places[{n}]", rule) for n, rule in enumerate(document.get("routing", {}).get("places", ()))]
    named += [(f"{path}.when.channels", code) for path, rule in placed
              for code in rule.get("when", {}).get("channels", ())]  # fmt: skip
    codes = [(f"{path}.to_codes", code) for path, rule in placed for code in rule.get("to_codes", ())]
    known = set(Channel.objects.filter(code__in=[code for _, code in named]).values_list("code", flat=True))
    places = set(Location.objects.filter(code__in=[code for _, code in codes]).values_list("code", flat=True))
    problems = [Problem(path, "unknown", f"nobody knows {code}") for path, code in named if code not in known]
    problems += [Problem(path, "unknown", f"nobody knows {code}") for path, code in codes if code not in places]
    if problems:
        raise Invalid(problems, status=422)


def _in_scope(row: ReturnPolicyVersion) -> QuerySet[ReturnPolicyVersion]:
    return ReturnPolicyVersion.objects.filter(Q(scope__isnull=True) if row.scope_id is None else Q(scope=row.scope_id))


def _record(version: ReturnPolicyVersion, what: str, actor: Actor) -> None:
    about = Subject("return_policy", version.policy.code, version.policy.code)
    data = {"what": what, "version": version.number, "rules": version.rules}
    events.record(facts.POLICY_CHANGED, about, actor=actor, data=data)


_drafts = Drafts(
    ReturnPolicyVersion,
    owner="policy",
    wording="rules",
    tell=_record,
    stays="its rules stay as they are.",
    overtaken="Another policy was launched a moment ago. Look again.",
    more=lambda policy: {"scope_id": policy.channel_id},
)
