"""Tabs over a list: a few named views of it, each with the address that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, QueryDict

Views = Sequence[tuple[str, Mapping[str, str | Sequence[str]]]]  # label, {parameter: its value or values}


def of(request: HttpRequest, views: Views) -> list[dict[str, Any]]:
    """The tabs, as `ui.tabs` draws them. Current is the one whose parameters are those of the address, looking only at
    parameters that some tab speaks of: what else narrows the list doesn't leave the tab."""
    wanted = [(label, {name: _several(value) for name, value in params.items()}) for label, params in views]
    names = {name for _, params in wanted for name in params}
    here = {name: values for name in names if any(values := request.GET.getlist(name))}
    return [{"label": label, "url": f"?{_written(params)}", "current": here == params} for label, params in wanted]


def _several(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _written(params: Mapping[str, list[str]]) -> str:
    query = QueryDict(mutable=True)
    for name, values in params.items():
        query.setlist(name, values)
    return query.urlencode()
