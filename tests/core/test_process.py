from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from core import process
from core.models import Event
from core.subjects import Subject

pytestmark = pytest.mark.django_db


def exported(**options):
    return json.loads("".join(process.export(**options)))


def test_the_log_is_the_events_with_their_objects(wired, happen):
    first = happen("1", related=[(Subject("part", "7", "Bolt"), "used"), (Subject("part", "8"), "used")])
    happen("2", type_="thing.sold", related=[(Subject("part", "7", "Bolt"), "sold")])

    log = exported()

    assert [t["name"] for t in log["eventTypes"]] == ["thing.happened", "thing.sold"]
    assert [t["name"] for t in log["objectTypes"]] == ["part", "thing"]
    event = log["events"][0]
    assert event["id"] == str(Event.objects.get(pk=first).uid)
    assert event["relationships"][0] == {"objectId": "thing:1", "qualifier": "subject"}
    assert {(r["objectId"], r["qualifier"]) for r in event["relationships"][1:]} == {
        ("part:7", "used"),
        ("part:8", "used"),
    }
    assert {o["id"] for o in log["objects"]} == {"thing:1", "thing:2", "part:7", "part:8"}


def test_every_reference_of_the_log_is_in_the_log(wired, happen):
    for n in range(5):
        happen(str(n), related=[(Subject("part", str(n % 2)), "used")])

    log = exported()

    ids = {o["id"] for o in log["objects"]}
    types = {t["name"]: {a["name"] for a in t["attributes"]} for t in log["eventTypes"]}
    for event in log["events"]:
        assert {r["objectId"] for r in event["relationships"]} <= ids
        assert {a["name"] for a in event["attributes"]} == types[event["type"]]
    assert {o["type"] for o in log["objects"]} <= {t["name"] for t in log["objectTypes"]}


def test_labels_stay_at_home_unless_asked_for(wired, happen):
    happen("1")

    assert "Thing 1" not in json.dumps(exported())
    assert "Thing 1" in json.dumps(exported(labels=True))


def test_an_empty_log_is_still_a_log(capsys):
    call_command("export_ocel", stdout=StringIO())

    assert json.loads(capsys.readouterr().out) == {"eventTypes": [], "objectTypes": [], "events": [], "objects": []}
