from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0009_store_work")]

    operations: list[object] = []
