"""The ledger of one place, newest first, and the few units that were found rather than received."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("inventory", "0006_counts_and_transfers")]

    operations = [
        migrations.AddIndex(
            model_name="stockmovement",
            index=models.Index(condition=Q(from_location__isnull=False), fields=["from_location", "-id"], name="movement_from"),
        ),
        migrations.AddIndex(
            model_name="stockmovement",
            index=models.Index(condition=Q(to_location__isnull=False), fields=["to_location", "-id"], name="movement_to"),
        ),
        migrations.AddIndex(
            model_name="stockmovement",
            index=models.Index(condition=Q(from_state="found"), fields=["item", "to_location"], name="movement_found"),
        ),
        migrations.AddIndex(
            model_name="stockmovement",
            index=BrinIndex(autosummarize=True, fields=["recorded_at"], name="movement_by_record"),
        ),
        migrations.AddIndex(
            model_name="stockmovement",
            index=BrinIndex(autosummarize=True, fields=["occurred_at"], name="movement_by_event"),
        ),
    ]
