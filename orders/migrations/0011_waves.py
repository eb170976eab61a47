import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0010_placements'),
        ('orders', '0010_parcels_and_messages'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='CartonEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('code', models.SlugField(db_index=False, max_length=40)),
                ('name', models.CharField(max_length=120)),
                ('length_mm', models.PositiveIntegerField()),
                ('width_mm', models.PositiveIntegerField()),
                ('height_mm', models.PositiveIntegerField()),
                ('tare_grams', models.PositiveIntegerField(default=0, help_text='What it weighs empty')),
                ('max_grams', models.PositiveIntegerField(help_text='What it may weigh packed')),
                ('active', models.BooleanField(default=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Manifest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('carrier', models.CharField(max_length=60)),
                ('status', models.CharField(choices=[('OPEN', 'Loading'), ('CLOSED', 'Left'), ('CANCELLED', 'Cancelled')], default='OPEN', max_length=9)),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('created_by', models.CharField(blank=True, max_length=200)),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_by', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'permissions': [('close_manifest', 'Can hand a van over to its carrier')],
            },
        ),
        migrations.CreateModel(
            name='ManifestParcel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('loaded_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('loaded_by', models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name='PackCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('parcels', models.JSONField(default=list)),
                ('begun_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('by', models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name='PutBack',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField()),
                ('done', models.PositiveIntegerField(default=0)),
                ('codes', models.JSONField(default=list)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('done_at', models.DateTimeField(null=True)),
                ('done_by', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'permissions': [('work_putback', 'Can put units back on their shelf')],
            },
        ),
        migrations.CreateModel(
            name='Wave',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('PLANNED', 'Planned'), ('HELD', 'Held'), ('RELEASED', 'Released'), ('DONE', 'Done'), ('CANCELLED', 'Cancelled')], default='PLANNED', max_length=9)),
                ('version', models.PositiveIntegerField(default=1)),
                ('departs_at', models.DateTimeField(help_text="The carrier's cut-off its work is due by")),
                ('zone', models.CharField(blank=True, max_length=20)),
                ('priority', models.PositiveSmallIntegerField(default=5)),
                ('held_because', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('created_by', models.CharField(blank=True, max_length=200)),
                ('released_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'permissions': [('plan_wave', 'Can plan, release and hold waves')],
            },
        ),
        migrations.CreateModel(
            name='WaveWork',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('running', models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name='Carton',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('length_mm', models.PositiveIntegerField()),
                ('width_mm', models.PositiveIntegerField()),
                ('height_mm', models.PositiveIntegerField()),
                ('tare_grams', models.PositiveIntegerField(default=0, help_text='What it weighs empty')),
                ('max_grams', models.PositiveIntegerField(help_text='What it may weigh packed')),
                ('active', models.BooleanField(default=True)),
            ],
            options={
                'ordering': ('length_mm', 'code'),
                'constraints': [models.CheckConstraint(condition=models.Q(('height_mm__gt', 0), ('length_mm__gt', 0), ('width_mm__gt', 0)), name='a_carton_has_sides'), models.CheckConstraint(condition=models.Q(('max_grams__gt', 0)), name='a_carton_holds_something')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='carton',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "orders_cartonevent" ("active", "code", "height_mm", "id", "length_mm", "max_grams", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tare_grams", "width_mm") VALUES (NEW."active", NEW."code", NEW."height_mm", NEW."id", NEW."length_mm", NEW."max_grams", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."tare_grams", NEW."width_mm"); RETURN NULL;', hash='4d121cab8b3062660d3154420a0d880b252ca054', operation='INSERT', pgid='pgtrigger_insert_insert_b7975', table='orders_carton', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='carton',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "orders_cartonevent" ("active", "code", "height_mm", "id", "length_mm", "max_grams", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "tare_grams", "width_mm") VALUES (NEW."active", NEW."code", NEW."height_mm", NEW."id", NEW."length_mm", NEW."max_grams", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."tare_grams", NEW."width_mm"); RETURN NULL;', hash='a37fe73ef52763f99d75f69d1d492542fe580374', operation='UPDATE', pgid='pgtrigger_update_update_9e840', table='orders_carton', when='AFTER')),
        ),
        migrations.AddField(
            model_name='cartonevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='cartonevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='orders.carton'),
        ),
        migrations.AddField(
            model_name='manifest',
            name='location',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='manifests', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='manifestparcel',
            name='manifest',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parcels', to='orders.manifest'),
        ),
        migrations.AddField(
            model_name='manifestparcel',
            name='package',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='loaded', to='orders.package'),
        ),
        migrations.AddField(
            model_name='packcheck',
            name='fulfilment',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='pack_check', to='orders.fulfilmentorder'),
        ),
        migrations.AddField(
            model_name='putback',
            name='fulfilment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='put_backs', to='orders.fulfilmentorder'),
        ),
        migrations.AddField(
            model_name='putback',
            name='item',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='putback',
            name='location',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='wave',
            name='location',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waves', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='wavework',
            name='fulfilment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='wave_works', to='orders.fulfilmentorder'),
        ),
        migrations.AddField(
            model_name='wavework',
            name='wave',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='works', to='orders.wave'),
        ),
        migrations.AddIndex(
            model_name='manifest',
            index=models.Index(fields=['location', '-id'], name='manifest_by_location'),
        ),
        migrations.AddConstraint(
            model_name='manifest',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['OPEN', 'CLOSED', 'CANCELLED'])), name='manifest_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='manifest',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'OPEN')), fields=('location', 'carrier'), name='one_van_of_a_carrier_is_loaded'),
        ),
        migrations.AddIndex(
            model_name='putback',
            index=models.Index(condition=models.Q(('done__lt', models.F('quantity'))), fields=['location', 'id'], name='put_back_waiting'),
        ),
        migrations.AddConstraint(
            model_name='putback',
            constraint=models.CheckConstraint(condition=models.Q(('done__lte', models.F('quantity')), ('quantity__gt', 0)), name='no_more_is_put_back_than_was_picked'),
        ),
        migrations.AddIndex(
            model_name='wave',
            index=models.Index(condition=models.Q(('status__in', ['HELD', 'PLANNED', 'RELEASED'])), fields=['location', 'priority', 'departs_at', 'id'], name='wave_running'),
        ),
        migrations.AddConstraint(
            model_name='wave',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['PLANNED', 'HELD', 'RELEASED', 'DONE', 'CANCELLED'])), name='wave_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='wave',
            constraint=models.CheckConstraint(condition=models.Q(('priority__gte', 1), ('priority__lte', 9)), name='wave_priority_is_1_to_9'),
        ),
        migrations.AddConstraint(
            model_name='wavework',
            constraint=models.UniqueConstraint(fields=('wave', 'fulfilment'), name='work_is_in_a_wave_once'),
        ),
        migrations.AddConstraint(
            model_name='wavework',
            constraint=models.UniqueConstraint(condition=models.Q(('running', True)), fields=('fulfilment',), name='work_is_in_one_running_wave'),
        ),
    ]
