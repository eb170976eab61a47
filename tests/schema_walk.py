"""Sending the API whatever its schema allows, and some that it doesn't: one way for every part of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.wsgi import application

PARTS = {
    "stock": r"^/api/v1/(reservations|stock|availability|counts|transfers)",
    "orders": r"^/api/v1/(orders|promise|accounts|carrier-collections)",
    "cases": r"^/api/v1/(cases|queues|reasons)",
    "webhooks": r"^/api/v1/webhooks",
    "returns": r"^/api/v1/returns",
    "books": r"^/api/v1/(settlements|postings|periods)",
    "connections": r"^/api/v1/(connections|operations|client)",
}


def walk(
    part: str,
    key: str,
    *,
    least: int,
    examples: int,
    known: Mapping[str, str] | None = None,
    excluded: Sequence[Callable[..., Any]],
) -> None:
    """Every answer of a part's operations is one their schema names, and none is a failure of ours.

    `least` is how many operations there are to be; `known` names path parameters that exist, else every answer would
    be 404, by their name or by the name of what they are of as well ("settlements.uid"); `excluded` are checks that
    can't hold, such as "well spelled is enough".
    """
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application).include(path_regex=PARTS[part])
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= least

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def send(data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(operations).flatmap(lambda operation: operation.as_strategy()))
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {key}"}
        if case.method.upper() in {"POST", "PUT"}:
            case.headers["Idempotency-Key"] = uuid4().hex
        if case.path_parameters:
            there, of = known or {}, case.path.split("/")[3]
            case.path_parameters = {
                name: there.get(f"{of}.{name}", there.get(name, value)) for name, value in case.path_parameters.items()
            }
        response = case.call_and_validate(excluded_checks=list(excluded))
        assert response.status_code < 500

    send()
