"""Screens and their parts: page or fragment decided once, keyset pages, capped counts, toasts and refusals."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import F, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render as render_page
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.timezone import is_naive

from core.errors import Refusal

HEADERS = ("HX-Request", "HX-Request-Type", "HX-Target", "HX-History-Restore-Request")
PAGE = 50
CAP = 1001
NEW_CAP = 100


# --- Page or fragment


def asked(request: HttpRequest) -> bool:
    """Whether htmx asks, for whatever part."""
    return request.headers.get("HX-Request") == "true"


def partial(request: HttpRequest) -> bool:
    """Whether a fragment is wanted: a partial htmx request that doesn't restore history (that needs the whole page)."""
    return (
        asked(request)
        and request.headers.get("HX-Request-Type") != "full"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def target(request: HttpRequest) -> str:
    """The id of the element the answer goes to ("" without one); htmx 4 sends it as tag#id."""
    return request.headers.get("HX-Target", "").partition("#")[2]


def finish(response: HttpResponse) -> HttpResponse:
    """Keep a page and its fragments apart in every cache, and out of them: they show one person's work."""
    patch_vary_headers(response, HEADERS)
    response.headers["Cache-Control"] = "no-store"
    return response


def render(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    fragment: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """The whole page, or `fragment` when htmx asks for a part. Fragments carry the toasts of this request along."""
    if fragment is not None and partial(request):
        return part(request, fragment, context, status=status)
    return finish(render_page(request, template, context or {}, status=status))


def part(
    request: HttpRequest, template: str | Sequence[str], context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """One fragment or several in one answer, whoever asks (an action's result), plus this request's toasts.

    Further fragments must be <hx-partial> elements, or carry hx-swap-oob."""
    names = [template] if isinstance(template, str) else list(template)
    body = "".join(render_to_string(name, context or {}, request=request) for name in names)
    toasts = drain_toasts(request)
    if toasts:
        body += render_to_string("components/_toasts.html", {"toasts": toasts}, request=request)
    return finish(HttpResponse(body, status=status))


def redirect(request: HttpRequest, url: str) -> HttpResponse:
    """Go elsewhere as a whole page: HX-Redirect for htmx, 303 for a plain form."""
    if asked(request):
        return finish(HttpResponse(status=204, headers={"HX-Redirect": url}))
    return finish(HttpResponse(status=303, headers={"Location": url}))


# --- Toasts


def toast(
    request: HttpRequest, text: str, *, tone: str = "ok", action: str = "", url: str = "", method: str = "get"
) -> None:
    """Say what just happened. With an action ("Undo", its URL) it stays until dismissed."""
    extra = json.dumps({"tone": tone, "action": action, "url": url, "method": method})
    messages.add_message(request, messages.SUCCESS, text, extra_tags=extra)


def drain_toasts(request: HttpRequest | None) -> list[dict[str, Any]]:
    if request is None or not hasattr(request, "_messages"):
        return []
    made = []
    for message in messages.get_messages(request):
        try:
            extra = json.loads(message.extra_tags or "{}")
        except ValueError:
            extra = {}
        tone = extra.get("tone") or {"error": "crit", "warning": "warn"}.get(message.level_tag, "ok")
        made.append({"text": message.message, "action": "", "url": "", "method": "get", **extra, "tone": tone})
    return made


# --- Refusals


def refuse(
    request: HttpRequest,
    refusal: Refusal,
    *,
    fresh: str | Sequence[str] = (),
    context: dict[str, Any] | None = None,
) -> HttpResponse:
    """Show why not. htmx gets a banner for #notice with whatever `fresh` fragments (as <hx-partial>) bring the screen
    up to date; what the person typed stays. Without htmx it is a page with the same words."""
    words = {"refusal": refusal, **(context or {})}
    if not asked(request):
        return finish(render_page(request, "core/refused.html", words, status=refusal.status))
    names = [fresh] if isinstance(fresh, str) else list(fresh)
    return part(request, ["components/_notice.html", *names], words, status=refusal.status)


# --- Lists


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a list: its rows, and the cursors of its neighbours ("" where there is none)."""

    rows: list[Any]
    next: str
    previous: str
    start: int  # how many rows come before this page, as far as paging counted

    @property
    def first(self) -> int:
        return self.start + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return self.start + len(self.rows)


@dataclass(frozen=True, slots=True)
class Capped:
    """A count that stops at its cap, because nobody needs to know whether it is 48 211 or 48 212."""

    value: int
    cap: int = CAP

    @property
    def over(self) -> bool:
        return self.value >= self.cap

    def __str__(self) -> str:
        return f"{self.cap - 1:,}+" if self.over else f"{self.value:,}"

    def __int__(self) -> int:
        return self.value


def capped_count(rows: QuerySet[Any], cap: int = CAP) -> Capped:
    """Count up to `cap` rows: one cheap query however large the table."""
    return Capped(rows.order_by()[:cap].count(), cap)


def count_new(request: HttpRequest, rows: Callable[[QueryDict], QuerySet[Any]], listed_at: str) -> HttpResponse:
    """GET …/new?since=<id>&…: how many rows a list has gained since, as the button that shows them.

    `rows` gives the list's rows for its filters, `listed_at` is the list's own address. Ids only grow, so one bounded
    count by primary key tells.
    """
    params = request.GET.copy()
    since = params.pop("since", ["0"])[0]
    floor = int(since) if since.isascii() and since.isdigit() and len(since) < 19 else 0
    count = capped_count(rows(params).filter(pk__gt=floor), NEW_CAP)
    address = f"{listed_at}?{params.urlencode()}" if params else listed_at
    return part(request, "components/_new_rows.html", {"count": count, "address": address})


def newest(rows: QuerySet[Any]) -> int:
    """The id a list is fresh up to: what its `count_new` counts from."""
    return rows.order_by("-pk").values_list("pk", flat=True).first() or 0


def keyset_page(rows: QuerySet[Any], request: HttpRequest, order: Sequence[str] = ("-id",), size: int = PAGE) -> Page:
    """The page of `rows` (models or .values()) the request's `after` or `before` cursor names, in one query.

    `order` names not-null columns or annotations, "-" for descending; the last must be unique. Any depth costs the
    same given an index in that order. A cursor that can't be read is a Refusal (400).
    """
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    back = bool(before) and not after
    steps = [_flip(o) for o in order] if back else list(order)
    start, values = _read_cursor(after or before, rows, order) if (after or before) else (0, None)
    if values is not None:
        rows = rows.filter(_beyond(steps, values))
    found: list[Any] = list(rows.order_by(*[_ordering(o) for o in steps])[: size + 1])
    more = len(found) > size
    found = found[:size]
    if back:
        found.reverse()
        start = max(0, start - len(found)) if more else 0
    has_next, has_previous = (bool(found), more) if back else (more, values is not None)
    return Page(
        rows=found,
        next=_make_cursor(found[-1], order, start + len(found)) if found and has_next else "",
        previous=_make_cursor(found[0], order, start) if found and has_previous else "",
        start=start,
    )


def _flip(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _ordering(name: str) -> Any:
    return F(name[1:]).desc() if name.startswith("-") else F(name).asc()


def _beyond(steps: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows after `values`: as one comparison of rows where all columns go the same way, which the planner estimates
    right and starts an index with. Else the first column's own bound stands outside the alternatives."""
    if len(steps) > 1 and len({step.startswith("-") for step in steps}) == 1:
        columns = Tuple(*[F(step.lstrip("-")) for step in steps])
        beyond = TupleLessThan if steps[0].startswith("-") else TupleGreaterThan
        return Q(beyond(columns, tuple(values)))
    names = [s.lstrip("-") for s in steps]
    alternatives = Q()
    for i, step in enumerate(steps):
        strictly = "lt" if step.startswith("-") else "gt"
        equal = Q(**{names[j]: values[j] for j in range(i)})
        alternatives |= equal & Q(**{f"{names[i]}__{strictly}": values[i]})
    if len(steps) == 1:
        return alternatives
    bound = "lte" if steps[0].startswith("-") else "gte"
    return Q(**{f"{names[0]}__{bound}": values[0]}) & alternatives


def _value(row: Any, name: str) -> Any:
    if isinstance(row, dict):
        return row[name]
    for part_name in name.split("__"):
        row = getattr(row, part_name)
    return row


def _make_cursor(row: Any, order: Sequence[str], start: int) -> str:
    values = [_value(row, o.lstrip("-")) for o in order]
    text = json.dumps([start, *[v if isinstance(v, int | float | str) else _plain(v) for v in values]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _read_cursor(text: str, rows: QuerySet[Any], order: Sequence[str]) -> tuple[int, list[Any]]:
    try:
        if len(text) > 1000:
            raise ValueError("too long")
        start, *values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if type(start) is not int or not 0 <= start < 2**53 or len(values) != len(order):
            raise ValueError("wrong shape")
        typed = [_field(rows, o.lstrip("-")).to_python(v) for o, v in zip(order, values, strict=True)]
        if any(v is None or (isinstance(v, str) and "\0" in v) for v in typed):
            raise ValueError("no value")
        if any((isinstance(v, int) and abs(v) >= 2**63) or (isinstance(v, datetime) and is_naive(v)) for v in typed):
            raise ValueError("out of range")
    except (ValueError, TypeError, ArithmeticError, RecursionError, ValidationError, binascii.Error) as error:
        raise Refusal(
            "bad_cursor", "This page of the list no longer exists. Start from the first.", status=400
        ) from error
    return start, typed


def _field(rows: QuerySet[Any], name: str) -> Any:
    annotation = rows.query.annotations.get(name)
    if annotation is not None:
        return annotation.output_field
    model, field = rows.model, cast(Any, None)
    for part_name in name.split("__"):
        try:
            field = model._meta.get_field(part_name)
        except FieldDoesNotExist:
            field = model._meta.pk if part_name == "pk" else None
        if field is None:
            raise ValueError(name)
        model = field.related_model or model
    while getattr(field, "target_field", None) is not None:
        field = field.target_field
    return field
