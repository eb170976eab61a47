"""Order numbers come from a sequence; money events are never changed."""

from django.db import migrations

from core import append_only


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("core", "0002_append_only")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE orders_number START 100001", "DROP SEQUENCE orders_number"),
        append_only.refuse_changes("orders_payment"),
        append_only.refuse_changes("orders_refund"),
    ]
