"""How the facts about parcels and messages to customers read on a timeline."""

from __future__ import annotations

from core import timeline
from core.formats import money
from core.models import Event
from core.timeline import Words
from orders import events as facts
from orders.models import Tracker

_LABELS = {
    facts.LABEL_WANTED: ("Label ordered for {parcel}", "tag", ""),
    facts.LABEL_FAILED: ("No label for {parcel}", "triangle-alert", "crit"),
    facts.LABEL_FELL_BACK: ("Another service took {parcel} over", "repeat", "warn"),
    facts.LABEL_VOID_WANTED: ("Label of {parcel} is being given back", "undo-2", ""),
    facts.LABEL_VOIDED: ("Label of {parcel} given back", "undo-2", ""),
    facts.LABEL_PRINTED: ("Label of {parcel} printed", "printer", ""),
}
_TONES = {
    Tracker.DELIVERED: ("circle-check", "ok"),
    Tracker.DELIVERY_FAILED: ("triangle-alert", "crit"),
    Tracker.LOST: ("package-x", "crit"),
    Tracker.RETURN_TO_SENDER: ("undo-2", "crit"),
    Tracker.DELIVERY_DELAYED: ("clock", "warn"),
}
_MESSAGES = {
    facts.MESSAGE_QUEUED: ("Message to the customer written", "mail", ""),
    facts.MESSAGE_SENT: ("Customer told", "send", "ok"),
    facts.MESSAGE_FAILED: ("Message to the customer could not be sent", "mail", "crit"),
    facts.MESSAGE_NOT_SENT: ("Customer not told", "mail", "warn"),
}


def _parcel(event: Event) -> str:
    return f"parcel {event.data.get('parcel', '')} of {event.subject_label}"


def _label(event: Event) -> Words:
    text, icon, tone = _LABELS[event.type]
    data = event.data
    why = str(data.get("reason") or data.get("service") or "")
    return Words(text.format(parcel=_parcel(event)), why, icon, tone)


def _ready(event: Event) -> Words:
    data = event.data
    cost = money(data.get("cost") or None, data.get("currency", "")) if data.get("cost") else ""
    detail = " ".join(str(part) for part in (data.get("carrier"), data.get("tracking_number"), cost) if part)
    return Words(f"Label of {_parcel(event)} ready", detail, "tag", "ok")


def _tracked(event: Event) -> Words:
    data = event.data
    state = Tracker(data["state"]) if data.get("state") in Tracker.values else Tracker.UNKNOWN
    icon, tone = _TONES.get(state, ("truck", ""))
    said = ", ".join(str(part) for part in (data.get("words"), data.get("place")) if part)
    return Words(f"{_parcel(event).capitalize()}: {state.label.lower()}", said, icon, tone)


def _message(event: Event) -> Words:
    text, icon, tone = _MESSAGES[event.type]
    data = event.data
    about = str(data.get("event", "")).replace(".", " ").replace("_", " ")
    return Words(text, "; ".join(part for part in (about, str(data.get("why") or "")) if part), icon, tone)


_VANS = {
    facts.VAN_ASKED: ("The carrier's account is asked for a collection", "truck", ""),
    facts.VAN_BOOKED: ("Collection booked", "truck", "ok"),
    facts.VAN_FAILED: ("The collection can't be booked", "truck", "crit"),
    facts.VAN_CANCEL_WANTED: ("The collection is being called off", "undo-2", ""),
    facts.VAN_CANCELLED: ("Collection called off", "undo-2", ""),
    facts.VAN_CAME: ("The carrier came", "truck", "ok"),
    facts.VAN_MISSED: ("The carrier did not come", "triangle-alert", "crit"),
}


def _van(event: Event) -> Words:
    text, icon, tone = _VANS[event.type]
    data = event.data
    left = f"{len(data['left'])} left behind" if data.get("left") else ""
    said = ", ".join(str(part) for part in (data.get("confirmation"), data.get("reason"), left) if part)
    return Words(text, said, icon, tone)


def register() -> None:
    timeline.register(list(_VANS), _van)
    timeline.register(list(_LABELS), _label)
    timeline.register([facts.LABEL_READY], _ready)
    timeline.register([facts.TRACKED], _tracked)
    timeline.register(list(_MESSAGES), _message)
