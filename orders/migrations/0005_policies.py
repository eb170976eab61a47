from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_kits_and_codes")]

    operations: list[object] = []
