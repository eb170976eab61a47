from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        append_only.define_function(),
        append_only.refuse_changes("core_event"),
        append_only.refuse_changes("core_eventobject"),
        append_only.refuse_changes("core_eventseal"),
    ]
