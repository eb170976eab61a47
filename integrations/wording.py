"""How the facts of this app read on a timeline."""

from __future__ import annotations

from core import timeline
from core.models import Event
from core.timeline import Words
from integrations import events as facts
from integrations.failures import FailureClass


def register() -> None:
    timeline.register([facts.MESSAGE_FAILED], _failed)
    timeline.register([facts.SHIPMENT_TOLD], _told)
    timeline.register([facts.CONNECTION_CUT_OVER], _cut_over)
    for type_, text, icon, tone in (
        (facts.MESSAGE_REPROCESSED, "Tried again", "rotate-ccw", ""),
        (facts.MESSAGE_EDITED, "Edited", "pencil", ""),
        (facts.MESSAGE_OPENED, "Read unmasked", "eye", ""),
        (facts.MESSAGE_RECOVERED, "Went through", "circle-check", "ok"),
        (facts.MESSAGE_DISCARDED, "Discarded", "trash-2", ""),
        (facts.CONNECTION_PAUSED, "Paused", "pause", ""),
        (facts.CONNECTION_RESUMED, "Resumed", "play", "ok"),
    ):
        timeline.register([type_], _plain(text, icon, tone))


def _plain(text: str, icon: str, tone: str) -> timeline.Teller:
    def tell(event: Event) -> Words:
        return Words(text, str(event.data.get("reason", "")), icon, tone)

    return tell


def _cut_over(event: Event) -> Words:
    return Words(f"Is {event.data.get('words', 'changed')}", str(event.data.get("reason", "")), "git-branch")


def _failed(event: Event) -> Words:
    label = dict(FailureClass.choices).get(event.data.get("failure_class", ""), "failed")
    return Words(f"Failed: {label}", str(event.data.get("reason", "")), "circle-x", "crit")


def _told(event: Event) -> Words:
    theirs = str(event.data.get("their_id", "")).rpartition("/")[2]
    return Words("Channel told of the shipment", f"its fulfilment {theirs}", "send", "ok")
