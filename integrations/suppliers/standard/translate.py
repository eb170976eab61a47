"""What a partner's webhooks say, in Backroom's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from integrations.channels.meaning import AnswerRequest, Meaning, ignored
from integrations.channels.standard import webhooks
from integrations.channels.vendor import Delivery
from integrations.documents import read_json, without_nul
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.suppliers.port import Answer
from orders import canonical
from orders.models import RejectReason

VERSION = "partner/1"
Text = Annotated[str, StringConstraints(max_length=255)]
Reason = Literal[
    "OUT_OF_STOCK", "DISCONTINUED", "CANNOT_SHIP_THERE", "TOO_LATE", "BAD_ADDRESS", "PRICE", "OTHER"
]  # as orders.RejectReason has them; a test holds the two together


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class _Line(_Body):
    ref: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    quantity: Annotated[int, Field(strict=True, gt=0, le=canonical.MAX_QUANTITY)]


class _Shipment(_Body):
    carrier: Text = ""
    service: Text = ""
    tracking_number: Annotated[str, StringConstraints(max_length=120)] = ""
    tracking_url: Annotated[str, StringConstraints(max_length=500)] = ""


class _Accepted(_Body):
    type: Literal["request.accepted"]
    request: UUID
    reference: Annotated[str, StringConstraints(max_length=120)] = ""
    ships_by: AwareDatetime | None = None


class _Rejected(_Body):
    type: Literal["request.rejected"]
    request: UUID
    reason: Reason
    message: Text = ""


class _Shipped(_Body):
    type: Literal["request.shipped"]
    request: UUID
    lines: Annotated[list[_Line], Field(max_length=1000)] = []
    shipment: _Shipment = _Shipment()


class _Answer(_Body):
    status: Literal["received", "accepted", "rejected"]
    reference: Annotated[str, StringConstraints(max_length=120)] = ""
    ships_by: AwareDatetime | None = None
    reason: Reason | None = None
    message: Text = ""


_SAID = TypeAdapter(Annotated[_Accepted | _Rejected | _Shipped, Field(discriminator="type")])
_KNOWN = {"request.accepted", "request.rejected", "request.shipped"}


def understand(topic: str, body: bytes) -> Meaning:
    """A webhook as something to do; a type nobody knows is left alone, so that partners may add some."""
    try:
        document = read_json(body)
        if not isinstance(document, dict):
            raise unparsable("the document should be one event, an object")
        document = without_nul(document)
        if isinstance(document.get("type"), str) and document["type"] not in _KNOWN:
            return ignored(f"nothing is done about {document['type'][:60]}")
        said = _SAID.validate_python(document)
    except ValidationError as error:
        raise Unreadable(FailureClass.BAD_VALUE, *_faults(error)) from None
    except RecursionError:
        raise unparsable("nested too deeply to be an honest document") from None
    return Meaning(acts=(_act(said),))


def _act(said: _Accepted | _Rejected | _Shipped) -> AnswerRequest:
    uid = str(said.request)
    if isinstance(said, _Accepted):
        return AnswerRequest(uid, "accepted", partner_ref=said.reference, sends_at=said.ships_by)
    if isinstance(said, _Rejected):
        return AnswerRequest(uid, "rejected", reason=said.reason, said=said.message)
    sent = said.shipment
    return AnswerRequest(
        uid,
        "shipped",
        lines=tuple((line.ref, line.quantity) for line in said.lines),
        carrier=sent.carrier,
        service=sent.service,
        tracking_number=sent.tracking_number,
        tracking_url=sent.tracking_url,
    )


def answer(document: Any) -> Answer:
    """What the partner answered to a request at once. Raises Unreadable."""
    try:
        said = _Answer.model_validate(document)
    except ValidationError as error:
        raise Unreadable(FailureClass.BAD_VALUE, *_faults(error)) from None
    reason = said.reason or (RejectReason.OTHER.value if said.status == "rejected" else "")
    return Answer(said.status, said.reference, said.ships_by, reason, said.message)


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    return Delivery(webhooks.delivery(body, headers).external_id, "partner")


def _faults(error: ValidationError) -> list[Fault]:
    return [Fault(problem.path, problem.message) for problem in canonical.problems_of(error)]
