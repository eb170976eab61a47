"""Backroom's own order, as `POST /api/v1/orders` takes it, but delivered as a signed webhook or a file. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from integrations.channels.meaning import Meaning, PlaceOrder
from integrations.documents import read_json, without_nul
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.reading import checked
from orders import canonical

VERSION = "standard/1"


def understand(topic: str, body: bytes) -> Meaning:
    try:
        document = read_json(body)
        if not isinstance(document, dict):
            raise unparsable("the document should be one order, an object")
        return Meaning(acts=(PlaceOrder(_order(without_nul(document))),))
    except RecursionError:
        raise unparsable("nested too deeply to be an honest document") from None


def _order(document: dict[str, Any]) -> canonical.IncomingOrder:
    try:
        order: canonical.IncomingOrder = canonical.adapter(canonical.IncomingOrder).validate_python(document)
    except ValidationError as error:
        faults = [Fault(problem.path, problem.message) for problem in canonical.problems_of(error)]
        raise Unreadable(FailureClass.BAD_VALUE, *faults) from None
    return checked(order)
