"""The rules that hold orders: listed, made and changed, tried out on past orders first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import actors, htmx, typed
from core.errors import Invalid
from orders import holding
from orders.models import Blocks, HoldRule, HoldType, Order
from orders.services import hold_rules
from orders.services.hold_rules import Draft

SEE, CHANGE = "orders.view_holdrule", "orders.change_hold_rules"
TRIED = 200
FIELDS = ("code", "name", "kind", "trigger", "blocks", "minutes", "then", "note")
_NUMBERED = re.compile(r"t([0-9]{1,2})_test")


@require_safe
@permission_required(SEE, raise_exception=True)
def rules(request: HttpRequest) -> HttpResponse:
    """GET /ops/holds/: every rule there is, those that come with Backroom included."""
    rows = list(HoldRule.objects.for_user(request.user).order_by("code"))
    known = {row.code for row in rows}
    standard = [_row_of(rule) for rule in holding.STANDARD if rule.code not in known]
    names = {row.code: row.name for row in [*rows, *standard]}
    context = {
        "rules": sorted([*rows, *standard], key=lambda row: (not row.active, row.code)),
        "names": names,
        "triggers": dict(holding.TRIGGERS),
        "tests": {code: words for code, (words, _) in holding.KINDS_OF_TEST.items()},
    }
    return htmx.render(request, "orders/hold_rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """GET, POST /ops/holds/new: the form, or again (422) with what is wrong."""
    return _form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """GET, POST /ops/holds/<code>: change a rule; 409 where somebody else did meanwhile."""
    row = _known(code)
    if row is None:
        raise Http404
    return _form(request, row)


@require_POST
@permission_required(CHANGE, raise_exception=True)
def form(request: HttpRequest) -> HttpResponse:
    """POST /ops/holds/form: the form with a test more or less. Changes nothing."""
    tests = _tests(request)
    drop, add = request.POST.get("drop", ""), request.POST.get("add", "")
    if drop.isdecimal() and int(drop) < len(tests):
        del tests[int(drop)]
    elif add in holding.KINDS_OF_TEST and len(tests) < holding.MAX_TESTS:
        tests.append({"test": add})
    context = _context(request, {name: request.POST.get(name, "") for name in FIELDS}, tests, {})
    return htmx.part(request, "orders/_hold_rule.html", context)


@require_POST
@permission_required(CHANGE, raise_exception=True)
def try_out(request: HttpRequest) -> HttpResponse:
    """POST /ops/holds/try: which of the latest orders the form's rule would have held. Changes nothing."""
    latest = Order.objects.for_user(request.user).select_related("channel").prefetch_related("lines").order_by("-id")
    context: dict[str, Any] = {"found": [], "problem": "", "tried": 0}
    try:
        orders = list(latest[:TRIED])
        context |= {"found": hold_rules.try_out(_draft(request), orders), "tried": len(orders)}
    except Invalid as invalid:
        context["problem"] = invalid.message
    return htmx.part(request, "orders/_hold_tried.html", context)


def _form(request: HttpRequest, row: HoldRule | None) -> HttpResponse:
    problems: dict[str, str] = {}
    if request.method == "POST":
        values: Mapping[str, Any] = {name: request.POST.get(name, "") for name in FIELDS}
        tests = _tests(request)
        try:
            saved = hold_rules.save(
                _draft(request, code=row.code if row else ""),
                actor=actors.person(request.user),
                version=typed.version(request) if row is not None and row.pk else None,
                new=row is None,
            )
        except Invalid as invalid:
            problems = {problem.path: problem.message for problem in invalid.problems}
        else:
            htmx.toast(request, f"“{saved.name}” is {'in force' if saved.active else 'out of force'}")
            return htmx.redirect(request, reverse("orders:hold_rules"))
    else:
        values = (
            {name: getattr(row, name) for name in (*FIELDS, "active")}
            if row
            else {"minutes": 240, "blocks": Blocks.RELEASE}
        )
        tests = list(row.tests) if row else []
    context = _context(request, values, tests, problems) | {"rule": row}
    status = 422 if problems else 200
    return htmx.render(request, "orders/hold_rule.html", context, fragment="orders/_hold_rule.html", status=status)


def _known(code: str) -> HoldRule | None:
    """The rule of this code, or as it comes with Backroom while nobody changed it."""
    standard = next((_row_of(rule) for rule in holding.STANDARD if rule.code == code), None)
    return HoldRule.objects.filter(code=code).first() or standard


def _row_of(rule: holding.Rule) -> HoldRule:
    """A rule that comes with Backroom, as the row it would be."""
    return HoldRule(
        code=rule.code, name=rule.name, kind=rule.kind, trigger=rule.trigger.value, blocks=rule.blocks,
        minutes=rule.minutes, then=rule.then, version=0,
        tests=[test.model_dump(mode="json") for test in rule.tests],
    )  # fmt: skip


def _context(
    request: HttpRequest, values: Mapping[str, Any], tests: list[dict[str, Any]], problems: dict[str, str]
) -> dict[str, Any]:
    code = request.POST.get("editing", "")
    rule = _known(code) if code else None
    in_force = hold_rules.current(hold_rules.newest_stamp()).values()
    return {
        "rule": rule,
        "values": dict.fromkeys(FIELDS, "") | dict(values),
        "tests": [_fields(n, test) for n, test in enumerate(tests)],
        "problems": problems,
        "active": request.POST.get("active") == "1" if request.method == "POST" else values.get("active", True),
        "kinds": HoldType.choices,
        "triggers": [(each.value, words) for each, words in holding.TRIGGERS],
        "blocks": Blocks.choices,
        "followers": [(rule.code, rule.name) for rule in in_force if rule.trigger == holding.Trigger.RULE],
        "kinds_of_test": [(key, words) for key, (words, _) in holding.KINDS_OF_TEST.items()],
    }


def _fields(n: int, test: dict[str, Any]) -> dict[str, Any]:
    """One test of the form: its words, and its fields with what is written in them."""
    words, shape = holding.KINDS_OF_TEST[test["test"]]
    fields = []
    for name, field in shape.model_fields.items():
        if name != "test":
            value = test.get(name, "")
            options = _options(field.annotation)
            fields.append(
                {
                    "name": f"t{n}_{name}",
                    "label": name.replace("_", " ").capitalize(),
                    "value": ", ".join(value) if isinstance(value, list) else value,
                    "options": options,
                    "whole": field.annotation is int,
                }
            )
    return {"n": n, "test": test["test"], "words": words, "fields": fields}


def _options(annotation: Any) -> list[tuple[str, str]]:
    if get_origin(annotation) is Literal:
        return [(value, value.replace("_", " ").capitalize()) for value in get_args(annotation)]
    return []


def _tests(request: HttpRequest) -> list[dict[str, Any]]:
    """The tests as the form sends them: `t0_test`, `t0_hours`, …; lists are written with commas."""
    numbers = sorted(int(match[1]) for name in request.POST if (match := _NUMBERED.fullmatch(name)))
    made = []
    for n in numbers[: holding.MAX_TESTS]:
        kind = request.POST.get(f"t{n}_test", "")
        if kind not in holding.KINDS_OF_TEST:
            continue
        test: dict[str, Any] = {"test": kind}
        for name, field in holding.KINDS_OF_TEST[kind][1].model_fields.items():
            if name != "test":
                test[name] = _value(typed.words(request, f"t{n}_{name}", 500), field.annotation)
        made.append(test)
    return made


def _value(text: str, annotation: Any) -> Any:
    if get_origin(annotation) is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    if annotation is int and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    return text


def _draft(request: HttpRequest, *, code: str = "") -> Draft:
    given = {name: typed.words(request, name, 300) for name in FIELDS}
    minutes = given["minutes"]
    return Draft(
        code=code or typed.words(request, "editing", 40) or given["code"][:40],
        name=given["name"][:120],
        kind=given["kind"],
        trigger=given["trigger"],
        tests=_tests(request),
        blocks=given["blocks"],
        minutes=typed.whole(minutes, 6) or 0,
        then=given["then"],
        active=request.POST.get("active") == "1",
        note=given["note"],
    )
