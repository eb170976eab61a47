"""Which bin an article lies in, and so the order of a walk."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inventory", "0009_nodes")]

    operations = [
        migrations.CreateModel(
            name='Placement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('bin', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='placements', to='inventory.bin')),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='placements', to='inventory.item')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('item', 'bin'), name='an_item_lies_in_a_bin_once')],
            },
        ),
    ]
