from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_policies")]

    operations: list[object] = []
