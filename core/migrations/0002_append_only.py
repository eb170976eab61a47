from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        append_only.define_function(),
        append_only.refuse_changes("core_event"),
        append_only.refuse_changes("core_eventobject"),
        append_only.refuse_changes("core_eventseal"),
        # Room on each page for the lease a row takes, and cleaning up while the churn is small.
        migrations.RunSQL(
            "ALTER TABLE core_delivery SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02,"
            " autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05)",
            "ALTER TABLE core_delivery RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,"
            " autovacuum_vacuum_cost_delay, autovacuum_analyze_scale_factor)",
        ),
    ]
