from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0007_accounts_and_notes")]

    operations: list[object] = []
