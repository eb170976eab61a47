from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0008_tracked_work")]

    operations: list[object] = []
