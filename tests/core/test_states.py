from __future__ import annotations

import pytest
from django.apps.registry import Apps
from django.db import connection, models

from core.errors import Refusal
from core.states import StateMachine

pytestmark = pytest.mark.django_db


@pytest.fixture
def lamp():
    class Lamp(StateMachine, models.Model):
        MOVES = {"OFF": {"ON"}, "ON": {"OFF", "BROKEN"}}  # noqa: RUF012
        status = models.CharField(max_length=10, default="OFF")
        version = models.PositiveIntegerField(default=1)
        note = models.CharField(max_length=40, default="")

        class Meta:
            app_label = "core"
            apps = Apps()  # a registry of its own, so that no migration is missed elsewhere

    with connection.schema_editor() as editor:
        editor.create_model(Lamp)
    return Lamp.objects.create()


def test_a_move_the_table_allows_changes_the_row_and_counts(lamp):
    lamp.move("ON", note="dusk")

    assert (lamp.status, lamp.version, lamp.note) == ("ON", 2, "dusk")
    assert type(lamp).objects.values_list("status", "version", "note").get() == ("ON", 2, "dusk")


def test_a_move_the_table_does_not_have_is_refused(lamp):
    with pytest.raises(Refusal) as refused:
        lamp.move("BROKEN")

    assert refused.value.code == "bad_move"
    assert refused.value.facts == {"status_now": "OFF", "wanted": "BROKEN"}
    lamp.refresh_from_db()
    assert (lamp.status, lamp.version) == ("OFF", 1)


def test_of_two_who_move_the_same_row_one_is_told(lamp):
    slow = type(lamp).objects.get()
    lamp.move("ON")

    with pytest.raises(Refusal) as refused:
        slow.move("ON", note="too late")

    assert refused.value.code == "moved_meanwhile"
    lamp.refresh_from_db()
    assert (lamp.status, lamp.version, lamp.note) == ("ON", 2, "")
