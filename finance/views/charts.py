"""An entity's chart mapping: its versions, a draft as a form, and what the draft would book otherwise."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid, Refusal
from finance import chart
from finance.chart import Chart
from finance.models import ChartMapping, ChartStatus, Entity
from finance.services import charting, entities

SEE = "finance.view_chartmapping"
BLANK = 3  # rules' rows to fill in beside those that are there
SHOWN = 50


@require_safe
@permission_required(SEE, raise_exception=True)
def shown(request: HttpRequest) -> HttpResponse:
    """GET /finance/chart/?entity=: the live version, the draft, and the versions before."""
    return htmx.render(request, "finance/chart.html", _context(request, _entity(request)))


@require_POST
@permission_required("finance.change_chartmapping", raise_exception=True)
def save(request: HttpRequest) -> HttpResponse:
    """POST /finance/chart/: word the draft; the page again with what it would move, or 422 with what makes no sense."""
    entity = _entity(request)
    accounts = {role: request.POST.get(f"a-{role}", "").strip() for role in chart.ROLES}
    try:
        rules = _rules(request)
        draft = charting.draft(
            entity.pk, accounts=accounts, rules=rules, note=request.POST.get("note", ""),
            version=typed.seen(request) if request.POST.get("v") else None,
            actor=actors.person(request.user),
        )  # fmt: skip
    except Invalid as no:
        problems = {_named(problem.path): f"{_words(problem.path)} {problem.message}." for problem in no.problems}
        context = _context(request, entity) | {
            "problems": problems,
            "accounts": accounts,
            "rules": _raw(request),
            "typed_note": request.POST.get("note", ""),
        }
        return htmx.render(request, "finance/chart.html", context, status=422)
    htmx.toast(request, f"Draft {draft.number} is kept")
    return htmx.redirect(request, f"{reverse('finance:chart')}?entity={entity.code}")


@require_POST
@permission_required("finance.launch_chartmapping", raise_exception=True)
def launch(request: HttpRequest, chart_id: int) -> HttpResponse:
    """POST /finance/chart/<id>/launch with its version `v`: from now on postings go by it."""
    found = get_object_or_404(ChartMapping.objects.select_related("entity"), pk=chart_id)
    charting.launch(found.pk, version=typed.seen(request), actor=actors.person(request.user))
    htmx.toast(request, f"Chart {found.number} is live")
    return htmx.redirect(request, f"{reverse('finance:chart')}?entity={found.entity.code}")


def _named(path: str) -> str:
    """The field of the form: an account's is the role's, a rule's is its row's."""
    head, _, role = path.partition(".")
    return f"a-{role}" if head == "accounts" and role else path


def _words(path: str) -> str:
    """The same in words: `rules[1].account` is the account of rule 2."""
    if path.startswith("accounts."):
        role = path.partition(".")[2]
        return f"The account of {chart.ROLES.get(role, role)!r}"
    if found := re.fullmatch(r"rules\[(\d+)\](?:\.(\w+))?(?:\.(.+))?", path):
        part = {"when": "condition", None: ""}.get(found[2], found[2])
        return " ".join(filter(None, (f"Rule {int(found[1]) + 1}", part, chart.FIELDS.get(found[3], found[3]))))
    return {"note": "What changes", "rules": "The rules"}.get(path, path)


def _entity(request: HttpRequest) -> Entity:
    wanted = request.GET.get("entity") or request.POST.get("entity") or entities.main().code
    if len(wanted) > 20 or "\0" in wanted:
        raise Refusal("no_such_entity", "There are no such books.", status=404)
    found: Entity = get_object_or_404(Entity, code=wanted)
    return found


def _raw(request: HttpRequest) -> list[dict[str, str]]:
    """The rules' rows as they were filled in."""
    names = ("role", "field", "values", "account", "note")
    columns = [request.POST.getlist(f"r-{name}") for name in names]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=False)]
    return [row for row in rows if any(row[name].strip() for name in ("values", "account"))]


def _rules(request: HttpRequest) -> list[dict[str, Any]]:
    """Rows of one condition each. Rows that follow one without an account of their own narrow it further."""
    made: list[dict[str, Any]] = []
    for row in _raw(request):
        values = [part.strip() for part in row["values"].split(",") if part.strip()]
        if not row["account"].strip() and made:
            made[-1]["when"][row["field"]] = values
            continue
        rule = {"role": row["role"], "account": row["account"].strip(), "when": {row["field"]: values}}
        made.append(rule | ({"note": row["note"]} if row["note"].strip() else {}))
    return made


def _rows(rules: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The same the other way round."""
    made = []
    for rule in rules:
        for n, (field, values) in enumerate(rule["when"].items()):
            made.append(
                {
                    "role": rule["role"], "field": field, "values": ", ".join(values),
                    "account": "" if n else rule["account"], "note": "" if n else rule.get("note", ""),
                }
            )  # fmt: skip
    return made


def _context(request: HttpRequest, entity: Entity) -> dict[str, Any]:
    draft = ChartMapping.objects.filter(entity=entity, status=ChartStatus.DRAFT).select_related("created_by").first()
    live = ChartMapping.objects.filter(entity=entity, status=ChartStatus.LIVE).select_related("launched_by").first()
    known = draft or live
    looked, moved = charting.preview(entity, Chart(draft.accounts, draft.rules)) if draft else (0, [])
    user: Any = request.user
    return {
        "entity": entity, "entities": list(Entity.objects.values_list("code", "name")), "draft": draft, "live": live,
        "accounts": known.accounts if known else {}, "rules": _rows(known.rules) if known else [], "blank": BLANK,
        "roles": list(chart.ROLES.items()), "fields": list(chart.FIELDS.items()), "problems": {},
        "versions": list(ChartMapping.objects.filter(entity=entity).select_related("created_by", "launched_by")[:20]),
        "looked": looked, "moved": moved[:SHOWN], "moves": len(moved),
        "may_change": user.has_perm("finance.change_chartmapping"),
        "may_launch": user.has_perm("finance.launch_chartmapping") and draft is not None
        and draft.created_by_id != user.pk,
    }  # fmt: skip
